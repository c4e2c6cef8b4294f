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

#include <cstddef>
#include <iterator>
#include <map>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "sdk/internal/map_entry.h"
#include "sdk/internal/map_window.h"
#include "sdk/internal/next_iterator.h"
#include "sdk/map_options.h"

namespace troupe {

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
