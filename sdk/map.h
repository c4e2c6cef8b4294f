// Map(f, range) calls f for each item of the range, in the workers; StarMap for tuples of
// arguments.
//
//   for (auto [i, y] : troupe::Map(Square, numbers)) Use(i, y);             // in order
//   for (auto [i, y] : troupe::Map(Square, numbers,
//                                  {.order = troupe::Order::kCompletion, .progress = "squares"}))
//                                  ...
//   std::vector<int> squares = troupe::Map(Square, numbers).ToVector();
//   auto areas = troupe::StarMap(Area, std::vector<std::tuple<double, double>>{{1, 2}, {3, 4}});
//
// The range is read lazily, a bounded number of tasks ahead of what was taken: it may be larger
// than memory, or endless. It may hold references (ObjectRef<T> for a T). Short calls share a task:
// how many is measured, unless `chunk` says it. f is whatever Task takes, Bind included.
// Errors: fail_fast throws the first one that comes, and cancels the rest; collect and skip leave
// out the items that failed; collect keeps their errors (errors()). After the timeout of the whole,
// it throws DeadlineExceeded, whatever the calls are doing, and kills the workers that do them.
// What is left when the MapRange goes is dropped.   Not thread-safe: one thread iterates.   After
// joblib's Parallel and Dask's map.
#ifndef TROUPE_SDK_MAP_H_
#define TROUPE_SDK_MAP_H_

#include <cstddef>
#include <cstdint>
#include <exception>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "core/base/clock.h"
#include "sdk/as_completed.h"
#include "sdk/cancel.h"
#include "sdk/chunk_sizer.h"
#include "sdk/internal/call.h"
#include "sdk/internal/next_iterator.h"
#include "sdk/progress.h"
#include "sdk/task.h"

namespace troupe {

enum class Order {
  kInput,       // results come in the order of the range
  kCompletion,  // as they come
};
enum class OnError { kFailFast, kCollect, kSkip };

struct MapOptions {
  std::string name = {};  // of the tasks; default: the function's
  Order order = Order::kInput;
  OnError on_error = OnError::kFailFast;
  absl::Duration timeout = absl::InfiniteDuration();  // of the whole
  size_t chunk = 0;                                   // items a task; 0: as measured
  size_t window = 0;                                  // tasks under way; 0: four a CPU
  std::string progress = {};                          // a label: shown on a terminal
  int priority = 0;
  double cpus = 1;
};

template <typename R>
struct MapItem {
  size_t index = 0;  // in the range
  R value;
};
struct MapFailure {
  size_t index = 0;
  ErrorInfo error;
};

namespace internal {

// What a task of a Map returns: the values of the items that did not fail, in order.
template <typename V>
struct ChunkResult {
  std::vector<V> values;
  std::vector<uint32_t> failed;  // positions within the chunk, ascending
  std::vector<std::string> messages;
  std::vector<std::string> exception_types;
  int64_t nanos = 0;
};

// Type and message of what is being handled.
std::pair<std::string, std::string> DescribeCurrentException();

// The first N of a list.
template <size_t N, typename List, typename... Taken>
struct FirstOf {
  using type = ParameterList<Taken...>;
};
template <size_t N, typename P, typename... Rest, typename... Taken>
requires(N > 0) struct FirstOf<N, ParameterList<P, Rest...>, Taken...> {
  using type = typename FirstOf<N - 1, ParameterList<Rest...>, Taken..., P>::type;
};
// Bound values are used by many calls: none may take them away.
template <typename P>
using SharedParameter =
    std::conditional_t<std::is_same_v<Stored<std::remove_cvref_t<P>>, std::remove_cvref_t<P>>,
                       const std::remove_cvref_t<P>&, std::remove_cvref_t<P>>;

// Calls f for an item.
template <bool kStar, typename F, typename X, typename... B>
decltype(auto) CallForItem(F& f, X&& item, const B&... bound) {
  if constexpr (kStar) {
    return std::apply(
        [&](auto&&... part) -> decltype(auto) {
          return std::invoke(f, bound..., std::forward<decltype(part)>(part)...);
        },
        std::forward<X>(item));
  } else {
    return std::invoke(f, bound..., std::forward<X>(item));
  }
}

template <typename F, typename X, bool kStar, bool kCatch, typename Bound>
struct MapEntry;
template <typename F, typename X, bool kStar, bool kCatch, typename... B>
struct MapEntry<F, X, kStar, kCatch, ParameterList<B...>> {
  using R = std::remove_cvref_t<decltype(CallForItem<kStar>(
      std::declval<F&>(), std::declval<X&&>(), std::declval<const std::remove_cvref_t<B>&>()...))>;
  using V = std::conditional_t<std::is_void_v<R>, Nothing, R>;

  static void Run(worker::TaskCall& call) {
    std::optional<F> f = CallableOf<F>(call);
    if (!f.has_value()) return;
    DecodeAndCall<OneResult, std::vector<X>, SharedParameter<B>...>(
        call, [&](std::vector<X>&& chunk, auto&&... bound) {
          ChunkResult<V> result;
          result.values.reserve(chunk.size());
          const int64_t start = MonotonicNanos();
          for (size_t i = 0; i < chunk.size(); ++i) {
            if constexpr (kCatch) {
              try {
                AddOne(*f, std::move(chunk[i]), &result, bound...);
              } catch (...) {
                auto [type, message] = DescribeCurrentException();
                result.failed.push_back(static_cast<uint32_t>(i));
                result.messages.push_back(std::move(message));
                result.exception_types.push_back(std::move(type));
              }
            } else {
              AddOne(*f, std::move(chunk[i]), &result, bound...);
            }
          }
          result.nanos = MonotonicNanos() - start;
          return result;
        });
  }
  template <typename Item, typename... Shared>
  static void AddOne(F& f, Item&& item, ChunkResult<V>* result, const Shared&... bound) {
    if constexpr (std::is_same_v<X, bool>) {  // a proxy of std::vector<bool>
      Add(f, static_cast<bool>(item), result, bound...);
    } else {
      Add(f, std::forward<Item>(item), result, bound...);
    }
  }
  template <typename Item, typename... Shared>
  static void Add(F& f, Item&& item, ChunkResult<V>* result, const Shared&... bound) {
    if constexpr (std::is_void_v<R>) {
      CallForItem<kStar>(f, std::forward<Item>(item), bound...);
      result->values.emplace_back();
    } else {
      result->values.push_back(CallForItem<kStar>(f, std::forward<Item>(item), bound...));
    }
  }
};

// What a callable and the items of a range make of each other.
template <typename F, typename X, bool kStar>
struct MapTypes {
  using Function = F;
  using Bound = ParameterList<>;
};
template <typename F, typename... V, typename X, bool kStar>
struct MapTypes<Bind<F, V...>, X, kStar> {
  using Function = F;
  static auto Find() {
    if constexpr (Signature<F>::kKnown) {
      return typename FirstOf<sizeof...(V), typename Signature<F>::Parameters>::type();
    } else {
      return ParameterList<typename DeducedParameter<V>::type...>();
    }
  }
  using Bound = decltype(Find());
};

// The items of a std::map have const keys, which nothing can be read into.
template <typename T>
struct Mutable {
  using type = T;
};
template <typename K, typename V>
struct Mutable<std::pair<const K, V>> {
  using type = std::pair<K, V>;
};
template <typename Iterator>
using MapItemOf = typename Mutable<std::iter_value_t<Iterator>>::type;

// The item of a range as f gets it: what a reference refers to.
template <typename I>
using MapInput = typename DeducedParameter<std::decay_t<I>>::type;

// A call for a chunk, but for the chunk itself.
template <typename F, typename... B, typename Chunk>
void AddChunk(OutgoingCall& call, const F& f, ParameterList<B...>, const Chunk& chunk) {
  using X = MapInput<typename Chunk::value_type>;
  call.Add<std::vector<X>>(chunk);
  if constexpr (IsBoundCallable<F>::value) {
    std::apply([&](const auto&... bound) { (call.Add<SharedParameter<B>>(bound), ...); },
               f.values());
  }
}
// Some megabytes, as far as the type says.
template <typename X>
constexpr size_t MostItems() {
  constexpr size_t each = std::is_arithmetic_v<X> ? sizeof(X) : 16 * sizeof(X);
  return each > (size_t{4} << 20) ? 1 : (size_t{4} << 20) / each;
}
// 0 where it is not known.
template <typename Range>
size_t TotalOf(const Range& range) {
  if constexpr (requires { std::size(range); }) {
    return std::size(range);
  } else {
    return 0;
  }
}

template <typename G, typename Tuple, typename... B>
inline constexpr bool kAppliesTo = false;
template <typename G, typename... A, typename... B>
inline constexpr bool kAppliesTo<G, std::tuple<A...>, B...> =
    std::is_invocable_v<G&, const B&..., A&&...>;
template <typename G, typename A1, typename A2, typename... B>
inline constexpr bool kAppliesTo<G, std::pair<A1, A2>, B...> =
    std::is_invocable_v<G&, const B&..., A1&&, A2&&>;

template <typename G, typename X, bool kStar, typename... B>
constexpr bool AssertMappable(ParameterList<B...>) {
  serialize::AssertSerializable<X>();
  if constexpr (kStar) {
    static_assert(kAppliesTo<G, X, std::remove_cvref_t<B>...>,
                  "StarMap calls the function with the elements of each std::tuple of the range, "
                  "which it cannot take");
  } else {
    static_assert(std::is_invocable_v<G&, const std::remove_cvref_t<B>&..., X&&>,
                  "Map calls the function with each item of the range, which it cannot take");
  }
  return true;
}

// What is under way of a Map, whatever its types.
class MapWindow {
 public:
  MapWindow(const MapOptions& options, size_t most_items, size_t total);

  const std::shared_ptr<worker::Session>& session() const { return session_; }
  // Room for another task, and how many items it takes.
  bool HasRoom(size_t buffered) const { return flights_.size() + buffered < window_; }
  size_t NextSize() const { return sizer_.Next(total_ == 0 ? SIZE_MAX : total_ - taken_); }

  void Prepare(OutgoingCall& call, std::string function_name) const;
  // A task was sent; its number, which Wait gives back.
  size_t Sent(Handle result, size_t items);
  bool idle() const { return flights_.empty(); }
  struct Landed {
    size_t number = 0;
    size_t first = 0;  // index of its first item
    size_t items = 0;
    Handle result;
  };
  // The next task that ends. Throws DeadlineExceeded, after it has cancelled the rest.
  Landed Wait();
  void Measured(size_t items, int64_t nanos) { sizer_.Measured(items, nanos); }
  void Done(size_t items) { progress_.Add(items); }
  // Nobody wants the rest.
  void CancelRest(bool kill = false);
  absl::Duration TimeLeft() const;

 private:
  MapOptions options_;
  std::shared_ptr<worker::Session> session_;
  int64_t deadline_nanos_;
  size_t window_;
  size_t total_;      // 0: unknown
  size_t taken_ = 0;  // of the range
  ChunkSizer sizer_;
  Progress progress_;
  CompletionOrder order_;
  size_t next_number_ = 0;
  std::map<size_t, Landed> flights_;
};

}  // namespace internal

template <typename F, typename Range, bool kStar>
class MapRange {
  using Iterator = decltype(std::begin(std::declval<std::remove_reference_t<Range>&>()));
  using Sentinel = decltype(std::end(std::declval<std::remove_reference_t<Range>&>()));
  using Item = internal::MapItemOf<Iterator>;
  using X = internal::MapInput<Item>;
  using Types = internal::MapTypes<F, X, kStar>;
  using G = typename Types::Function;
  static_assert(internal::AssertCallable<G>());
  static_assert(internal::AssertMappable<G, X, kStar>(typename Types::Bound()));
  using Entry = internal::MapEntry<G, X, kStar, false, typename Types::Bound>;
  using CatchingEntry = internal::MapEntry<G, X, kStar, true, typename Types::Bound>;

 public:
  using R = typename Entry::V;
  static_assert(internal::AssertResult<R>());

  MapRange(F f, Range&& range, MapOptions options)
      : f_(std::move(f)),
        range_(std::forward<Range>(range)),
        next_(std::begin(range_)),
        end_(std::end(range_)),
        options_(std::move(options)),
        window_(options_, internal::MostItems<X>(), internal::TotalOf(range_)) {}
  MapRange(const MapRange&) = delete;
  MapRange& operator=(const MapRange&) = delete;
  ~MapRange() { window_.CancelRest(); }

  // The next result; none at the end. Throws.
  std::optional<MapItem<R>> Next() {
    do {
      while (position_ < chunk_items_) {
        const size_t position = position_++;
        if (next_failed_ < chunk_.failed.size() && chunk_.failed[next_failed_] == position) {
          Fail(chunk_first_ + position,
               {.kind = ErrorKind::kTaskError,
                .message = std::move(chunk_.messages[next_failed_]),
                .exception_type = std::move(chunk_.exception_types[next_failed_])});
          ++next_failed_;
          continue;
        }
        return MapItem<R>{chunk_first_ + position, std::move(chunk_.values[next_value_++])};
      }
    } while (Advance());
    return std::nullopt;
  }
  // The rest, in the order in which it comes.
  std::vector<R> ToVector() {
    std::vector<R> values;
    while (std::optional<MapItem<R>> item = Next()) values.push_back(std::move(item->value));
    return values;
  }
  // With OnError::kCollect: what has failed so far.
  const std::vector<MapFailure>& errors() const { return errors_; }

  auto begin() { return internal::NextIterator<MapRange, MapItem<R>>(this); }
  std::default_sentinel_t end() { return {}; }

 private:
  // Sends as many chunks as the window has room for.
  void Fill() {
    while (window_.HasRoom(landed_.size()) && next_ != end_) {
      const size_t wanted = window_.NextSize();
      std::vector<Item> chunk;
      chunk.reserve(std::min(wanted, internal::MostItems<X>()));
      for (; chunk.size() < wanted && next_ != end_; ++next_) chunk.push_back(*next_);
      internal::OutgoingCall call(window_.session());
      call.SetEntry(options_.on_error == OnError::kFailFast ? &Entry::Run : &CatchingEntry::Run);
      call.SetCallable(internal::PackCallable(internal::FunctionOf(f_)));
      window_.Prepare(call, internal::NameOfCallable(internal::FunctionOf(f_)));
      internal::AddChunk(call, f_, typename Types::Bound(), chunk);
      window_.Sent(std::move(call.Submit()[0]), chunk.size());
    }
  }

  // Makes another chunk the current one; false at the end.
  bool Advance() {
    for (;;) {
      Fill();
      if (options_.order == Order::kInput) {
        if (const auto it = landed_.find(next_number_); it != landed_.end()) {
          const internal::MapWindow::Landed landed = std::move(it->second);
          landed_.erase(it);
          ++next_number_;
          if (Open(landed)) return true;
          continue;
        }
      }
      if (window_.idle()) return false;
      internal::MapWindow::Landed landed = window_.Wait();
      if (options_.on_error == OnError::kFailFast) {
        const ObjectId id = landed.result.id();
        if (auto error = window_.session()->FirstError(std::span(&id, 1))) {
          window_.CancelRest();
          landed_.clear();
          internal::Throw(*std::move(error));
        }
      }
      if (options_.order == Order::kInput && landed.number != next_number_) {
        landed_.emplace(landed.number, std::move(landed));
        continue;
      }
      ++next_number_;
      if (Open(landed)) return true;
    }
  }

  // False where the whole chunk has failed.
  bool Open(const internal::MapWindow::Landed& landed) {
    auto fetched =
        internal::Fetch(ObjectRef<internal::ChunkResult<R>>(internal::Handle(landed.result)));
    window_.Done(landed.items);
    if (auto* error = std::get_if<ErrorInfo>(&fetched)) {
      for (size_t i = 0; i < landed.items; ++i) Fail(landed.first + i, *error);
      return false;
    }
    chunk_ = std::get<internal::ChunkResult<R>>(std::move(fetched));
    chunk_first_ = landed.first;
    chunk_items_ = landed.items;
    position_ = next_value_ = next_failed_ = 0;
    window_.Measured(landed.items, chunk_.nanos);
    return true;
  }

  void Fail(size_t index, ErrorInfo error) {
    if (options_.on_error == OnError::kFailFast) internal::Throw(std::move(error));
    if (options_.on_error == OnError::kCollect) errors_.push_back({index, std::move(error)});
  }

  F f_;
  Range range_;  // a reference where it was an lvalue
  Iterator next_;
  Sentinel end_;
  MapOptions options_;
  internal::MapWindow window_;
  std::map<size_t, internal::MapWindow::Landed> landed_;  // before their turn
  size_t next_number_ = 0;                                // of the task whose turn it is
  internal::ChunkResult<R> chunk_;                        // the one whose items are being given
  size_t chunk_first_ = 0;
  size_t chunk_items_ = 0;
  size_t position_ = 0;
  size_t next_value_ = 0;
  size_t next_failed_ = 0;
  std::vector<MapFailure> errors_;
};

// The range must outlive the result where it is no temporary.
template <typename F, typename Range>
[[nodiscard]] MapRange<std::decay_t<F>, Range, false> Map(F&& f, Range&& range,
                                                          MapOptions options = {}) {
  return MapRange<std::decay_t<F>, Range, false>(std::forward<F>(f), std::forward<Range>(range),
                                                 std::move(options));
}

template <typename F, typename Range>
[[nodiscard]] MapRange<std::decay_t<F>, Range, true> StarMap(F&& f, Range&& range,
                                                             MapOptions options = {}) {
  return MapRange<std::decay_t<F>, Range, true>(std::forward<F>(f), std::forward<Range>(range),
                                                std::move(options));
}

}  // namespace troupe

#endif  // TROUPE_SDK_MAP_H_
