// Map(f, range) calls f for each item of the range, in the workers; StarMap for tuples of
// arguments.
//
//   for (auto [i, y] : troupe::Map(Square, numbers)) Use(i, y);  // in order
//   const troupe::MapOptions as_they_come = {.order = troupe::Order::kCompletion,
//                                            .progress = "squares"};
//   for (auto [i, y] : troupe::Map(Square, numbers, as_they_come)) Use(i, y);
//   std::vector<int> squares = troupe::Map(Square, numbers).ToVector();
//   auto areas = troupe::StarMap(Area, std::vector<std::pair<int, int>>{{1, 2}, {3, 4}});
//
// The range is read lazily, a bounded number of tasks ahead of what was taken: it may be larger
// than memory, or endless. Its items, encoded, take at most a quarter of the object store at a
// time; one that is larger goes alone. It may hold references (ObjectRef<T> for a T). Items that
// cannot be copied are moved from a range that is given away: Map(f, std::move(boxes)). Short calls
// share a task: how many is measured, unless `chunk` says it. f is whatever Task takes, Bind
// included.
// Errors: fail_fast throws the first one that comes; collect and skip leave out the items that
// failed; collect keeps their errors (errors()). A call that ends its process, and a result that
// cannot be encoded, are failures of all items of their task; references have a task each then.
// After the timeout of the whole, whoever asks for the next result gets DeadlineExceeded, whatever
// the calls are doing and however late they ask, and the workers that do them are killed.
// Whatever it throws, the range's own exceptions among them, and when the MapRange goes: the tasks
// that are left are cancelled, and no more results come. A task that is cancelled ends after the
// item that it is at.   Not thread-safe: one thread iterates.   After joblib's Parallel and Dask's
// map.
#ifndef TROUPE_SDK_MAP_H_
#define TROUPE_SDK_MAP_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
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
  size_t chunk = 0;           // items a task, fewer where they are large; 0: as measured
  size_t window = 0;          // tasks under way; 0: four a CPU
  std::string progress = {};  // a label: shown on a terminal
  int priority = 0;
  double cpus = 1;
};

template <typename R>
struct MapItem {
  size_t index = 0;  // in the range
  R value;
};
struct MapFailure {
  size_t index = 0;  // in the range
  ErrorInfo error;   // with the task that had the item, its attempt and its process
};

namespace internal {

// What the function threw for some items of a chunk, and where.
struct ItemFailure {
  uint32_t position = 0;  // within the chunk
  std::string message;
  std::string exception_type;
  std::string payload;  // of a registered exception
  std::string stack;
};
struct ItemFailures {
  std::vector<ItemFailure> items;  // by position
  std::string origin;              // of the task that had them; empty where none has failed
  uint32_t attempt = 0;
  int32_t pid = 0;
};
// In a handler: adds what is being handled.
void AddFailure(size_t position, ItemFailures* failures);
// As the error of one item.
ErrorInfo TakeFailure(ItemFailures& failures, size_t i, TaskId task);

// What a task of a Map returns: the values of the items that did not fail, in order.
template <typename V>
struct ChunkResult {
  std::vector<V> values;
  ItemFailures failures;
  int64_t nanos = 0;
};

// Ends a task between two of its items where nobody wants its result any more.
class StopBetweenItems {
 public:
  StopBetweenItems();  // REQUIRES: in a task
  void Check() const {
    if (stop_.stop_requested()) Stop();
  }

 private:
  [[noreturn]] static void Stop();
  std::stop_token stop_;
};

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
    F f{};
    if (!FindCallable(call, &f)) return;
    DecodeAndCall<OneResult, std::vector<X>, SharedParameter<B>...>(
        call, [&](std::vector<X>&& chunk, auto&&... bound) {
          ChunkResult<V> result;
          result.values.reserve(chunk.size());
          const StopBetweenItems stop;
          const int64_t start = MonotonicNanos();
          for (size_t i = 0; i < chunk.size(); ++i) {
            stop.Check();
            if constexpr (kCatch) {
              try {
                AddOne(f, std::move(chunk[i]), &result, bound...);
              } catch (...) {
                AddFailure(i, &result.failures);
              }
            } else {
              AddOne(f, std::move(chunk[i]), &result, bound...);
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
// Some megabytes, as far as the type says: what is decoded may be larger than what travels.
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

// What is under way of a Map or a reduction, whatever its types: tasks that have a chunk of the
// range, and folds of two results. What has not landed when it goes, or throws, is cancelled.
class MapWindow {
 public:
  // `what`: "Map", for messages.
  MapWindow(const char* what, const MapOptions& options, size_t most_items, size_t total,
            CallSite site);
  ~MapWindow();
  MapWindow(const MapWindow&) = delete;
  MapWindow& operator=(const MapWindow&) = delete;

  const char* what() const { return what_; }
  const std::shared_ptr<worker::Session>& session() const { return session_; }
  // Room for another chunk; how many items it takes, and after how many bytes it is full.
  bool HasRoom() const {
    return HasRoomForFold() && (held_ == 0 || (held_ < window_ && held_bytes_ < most_bytes_));
  }
  bool HasRoomForFold() const { return folds_ < window_; }
  size_t NextSize() const { return sizer_.Next(total_ == 0 ? SIZE_MAX : total_ - taken_); }
  size_t chunk_bytes() const { return chunk_bytes_; }

  void Prepare(OutgoingCall& call, std::string function_name) const;
  TaskOptions fold_options() const;
  CallSite site() const { return site_; }
  // A task was sent; its number, which Wait gives back.
  size_t Sent(Handle result, size_t items, size_t bytes);
  void SentFold(Handle result);
  bool idle() const { return flights_.empty(); }
  struct Landed {
    size_t number = 0;
    bool fold = false;
    size_t first = 0;  // index of its first item
    size_t items = 0;
    size_t bytes = 0;  // of its items, encoded
    Handle result;
  };
  // The next task that ends. Throws DeadlineExceeded, as CheckTime does.
  Landed Wait();
  // Where the time is over, kills the rest and throws DeadlineExceeded.
  void CheckTime() {
    if (deadline_nanos_ != worker::kForever && MonotonicNanos() >= deadline_nanos_) TimeIsOver();
  }
  int64_t deadline_nanos() const { return deadline_nanos_; }
  std::optional<ErrorInfo> ErrorOf(const Landed& landed) const;
  // Forgets the folds that have ended. REQUIRES: nothing else is under way.
  void ForgetEndedFolds();
  void Measured(size_t items, int64_t nanos, size_t bytes) { sizer_.Measured(items, nanos, bytes); }
  // A chunk makes room for another.
  void Done(const Landed& landed);
  // Nobody wants the rest.
  void CancelRest(bool kill = false);
  // The rest goes on without us.
  void LetGo() { flights_.clear(); }

 private:
  Landed Land(size_t number);
  [[noreturn]] void TimeIsOver();

  const char* what_;
  MapOptions options_;
  CallSite site_;
  std::shared_ptr<worker::Session> session_;
  int64_t deadline_nanos_;
  size_t window_;
  size_t most_bytes_;  // of all chunks that have not been taken
  size_t chunk_bytes_;
  size_t total_;      // 0: unknown
  size_t taken_ = 0;  // of the range
  size_t held_ = 0;   // chunks that have not been taken
  size_t held_bytes_ = 0;
  size_t folds_ = 0;  // under way
  ChunkSizer sizer_;
  Progress progress_;
  CompletionOrder order_;
  size_t next_number_ = 0;  // of the chunks; folds have numbers from kFirstFold on
  size_t next_fold_;
  std::map<size_t, Landed> flights_;
};

// The bytes of items as they travel, one after the other.
template <typename Item>
class EncodedBytes {
 public:
  size_t Add(const Item& item) {
    if constexpr (std::is_arithmetic_v<Item> || std::is_enum_v<Item>) {
      return bytes_ += sizeof(Item);
    } else if constexpr (IsObjectRef<Item>::value) {
      return bytes_ += sizeof(ObjectId);
    } else {
      try {
        archive_(item);
      } catch (const std::exception&) {  // it cannot travel: who sends it says so
      }
      return archive_.offset();
    }
  }
  size_t bytes() const { return std::max(bytes_, archive_.offset()); }

 private:
  size_t bytes_ = 0;
  serialize::OutputArchive archive_{{}, 0, nullptr};  // measures
};

// The next items of a range: as many as the window wants, fewer where they are large.
template <typename Item>
struct ChunkOf {
  std::vector<Item> items;
  size_t bytes = 0;
};
template <typename Item, typename Iterator, typename Sentinel>
ChunkOf<Item> TakeChunk(const MapWindow& window, Iterator& next, const Sentinel& end) {
  const size_t wanted = window.NextSize();
  ChunkOf<Item> chunk;
  chunk.items.reserve(std::min(wanted, MostItems<MapInput<Item>>()));
  EncodedBytes<Item> size;
  bool full = false;
  for (; !full && chunk.items.size() < wanted && next != end; ++next) {
    if constexpr (std::is_copy_constructible_v<Item>) {
      chunk.items.push_back(*next);
    } else {
      chunk.items.push_back(std::move(*next));
    }
    full = size.Add(chunk.items.back()) >= window.chunk_bytes();
  }
  chunk.bytes = size.bytes();
  return chunk;
}

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
  static_assert(std::is_copy_constructible_v<Item> || !std::is_lvalue_reference_v<Range>,
                "the items of this range cannot be copied: give it away, Map(f, std::move(range))");
  using Entry = internal::MapEntry<G, X, kStar, false, typename Types::Bound>;
  using CatchingEntry = internal::MapEntry<G, X, kStar, true, typename Types::Bound>;

 public:
  using R = typename Entry::V;
  static_assert(internal::AssertResult<R>());

  MapRange(F f, Range&& range, MapOptions options, CallSite site)
      : f_(std::move(f)),
        range_(std::forward<Range>(range)),
        next_(std::begin(range_)),
        end_(std::end(range_)),
        options_(std::move(options)),
        window_(kStar ? "StarMap" : "Map", options_, MostItems(options_), internal::TotalOf(range_),
                site) {}
  MapRange(const MapRange&) = delete;
  MapRange& operator=(const MapRange&) = delete;

  // The next result; none at the end. Throws, and has no more then.
  std::optional<MapItem<R>> Next() {
    if (ended_) return std::nullopt;
    try {
      return FindNext();
    } catch (...) {
      ended_ = true;
      landed_.clear();
      window_.CancelRest();
      throw;
    }
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
  // A task fails with any of its arguments: items that may fail by themselves are one of each.
  static size_t MostItems(MapOptions& options) {
    if (internal::IsObjectRef<Item>::value && options.on_error != OnError::kFailFast)
      return options.chunk = 1;
    return internal::MostItems<X>();
  }

  std::optional<MapItem<R>> FindNext() {
    do {
      while (position_ < chunk_items_) {
        window_.CheckTime();
        const size_t position = position_++;
        const auto& failed = chunk_.failures.items;
        if (next_failed_ < failed.size() && failed[next_failed_].position == position) {
          Fail(chunk_first_ + position,
               internal::TakeFailure(chunk_.failures, next_failed_++, chunk_task_));
          continue;
        }
        return MapItem<R>{chunk_first_ + position, std::move(chunk_.values[next_value_++])};
      }
    } while (Advance());
    return std::nullopt;
  }

  // Sends as many chunks as the window has room for.
  void Fill() {
    while (window_.HasRoom() && next_ != end_) {
      window_.CheckTime();
      const internal::ChunkOf<Item> chunk = internal::TakeChunk<Item>(window_, next_, end_);
      internal::OutgoingCall call(window_.session());
      call.SetEntry(options_.on_error == OnError::kFailFast ? &Entry::Run : &CatchingEntry::Run);
      call.SetCallable(internal::PackCallable(internal::FunctionOf(f_)));
      window_.Prepare(call, internal::NameOfCallable(internal::FunctionOf(f_)));
      internal::AddChunk(call, f_, typename Types::Bound(), chunk.items);
      window_.Sent(std::move(call.Submit()[0]), chunk.items.size(), chunk.bytes);
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
        if (auto error = window_.ErrorOf(landed)) internal::Throw(*std::move(error));
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
    const ObjectRef<internal::ChunkResult<R>> ref{internal::Handle(landed.result)};
    auto value = window_.session()->Value(ref.id(), window_.deadline_nanos());
    window_.CheckTime();
    const auto* encoded = std::get_if<worker::ValueBytes>(&value);
    const size_t bytes = encoded == nullptr ? 0 : encoded->bytes().size();
    internal::ChunkResult<R> chunk;
    const auto error = internal::DecodeFetched(
        ref.handle(), value, internal::TypeOf<internal::ChunkResult<R>>(), &chunk);
    window_.Done(landed);
    if (error.has_value()) {
      for (size_t i = 0; i < landed.items; ++i) Fail(landed.first + i, *error);
      return false;
    }
    chunk_ = std::move(chunk);
    chunk_task_ = ref.id().task();
    chunk_first_ = landed.first;
    chunk_items_ = landed.items;
    position_ = next_value_ = next_failed_ = 0;
    window_.Measured(landed.items, chunk_.nanos, bytes);
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
  bool ended_ = false;                                    // by an error
  internal::ChunkResult<R> chunk_;                        // the one whose items are being given
  TaskId chunk_task_;
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
                                                          MapOptions options = {},
                                                          CallSite site = CallSite::Here()) {
  return MapRange<std::decay_t<F>, Range, false>(std::forward<F>(f), std::forward<Range>(range),
                                                 std::move(options), site);
}

template <typename F, typename Range>
[[nodiscard]] MapRange<std::decay_t<F>, Range, true> StarMap(F&& f, Range&& range,
                                                             MapOptions options = {},
                                                             CallSite site = CallSite::Here()) {
  return MapRange<std::decay_t<F>, Range, true>(std::forward<F>(f), std::forward<Range>(range),
                                                std::move(options), site);
}

}  // namespace troupe

#endif  // TROUPE_SDK_MAP_H_
