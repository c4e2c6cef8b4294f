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
// Errors: fail_fast throws the first one that comes, and says the item's index; collect and skip
// leave out the items that failed; collect keeps their errors (errors()). Where a call ends its
// process, or a result cannot be encoded, the items of its task are called again in tasks of their
// own, and only that one fails. An item that cannot be encoded fails here, alone, too.
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
  static_assert(internal::AssertRange<Range>());
  using Input = internal::ItemReader<std::remove_reference_t<Range>>;
  using Item = internal::MapItemOf<typename Input::Iterator>;
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
        input_(range_),
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
      kept_.clear();
      unsent_.clear();
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
  static constexpr size_t kPartsOfAFailedTask = 64;

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
    while (window_.HasRoom() && !input_.AtEnd()) {
      window_.CheckTime();
      internal::ChunkOf<Item> chunk = internal::TakeChunk<Item>(window_, input_);
      if (!chunk.items.empty()) {
        const size_t first = window_.next_index();
        window_.Sent(Submit(first, chunk.items), chunk.items.size(), chunk.bytes);
        Keep(first, std::move(chunk.items));
      }
      if (!chunk.failed.has_value()) continue;
      const size_t index = window_.NotSent();
      if (options_.on_error == OnError::kFailFast) window_.ThrowAt(index, *chunk.failed);
      unsent_.emplace(index, *std::move(chunk.failed));
    }
  }
  internal::Handle Submit(size_t first, const std::vector<Item>& items) {
    internal::OutgoingCall call(window_.session());
    call.SetEntry(options_.on_error == OnError::kFailFast ? &Entry::Run : &CatchingEntry::Run);
    std::vector<std::byte> callable = internal::PackCallable(internal::FunctionOf(f_));
    internal::AppendFirst(first, &callable);
    call.SetCallable(std::move(callable));
    window_.Prepare(call, internal::NameOfCallable(internal::FunctionOf(f_)));
    internal::AddChunk(call, f_, typename Types::Bound(), items);
    return std::move(call.Submit()[0]);
  }

  // Items that share a task are kept until it is done, if none may take the others with it.
  void Keep(size_t first, std::vector<Item> items) {
    if (options_.on_error != OnError::kFailFast && items.size() > 1)
      kept_.emplace(first, std::move(items));
  }
  // A task has failed as a whole: its items go again, in many small tasks; of few items, each in
  // its own. False where that would not help.
  bool SendAgain(const internal::MapWindow::Landed& landed, const ErrorInfo& error) {
    const auto kept = kept_.find(landed.first);
    if (kept == kept_.end() || !internal::MaySucceedApart(error.kind)) return false;
    std::vector<Item> items = std::move(kept->second);
    kept_.erase(kept);
    window_.TakeBack(landed);
    const size_t each = (items.size() + kPartsOfAFailedTask - 1) / kPartsOfAFailedTask;
    for (size_t i = 0; i < items.size(); i += each) {
      const auto begin = items.begin() + static_cast<std::ptrdiff_t>(i);
      const size_t count = std::min(each, items.size() - i);
      std::vector<Item> part(std::make_move_iterator(begin),
                             std::make_move_iterator(begin + static_cast<std::ptrdiff_t>(count)));
      window_.SentAgain(Submit(landed.first + i, part), landed.first + i, count,
                        landed.bytes * count / items.size());
      Keep(landed.first + i, std::move(part));
    }
    return true;
  }

  // The first item that could not be sent has failed, if it is its turn.
  bool FailUnsent() {
    const auto it = unsent_.begin();
    if (it == unsent_.end()) return false;
    if (options_.order == Order::kInput && it->first != next_index_) return false;
    next_index_ = it->first + 1;
    Fail(it->first, std::move(it->second));
    unsent_.erase(it);
    window_.GivenUp();
    return true;
  }

  // Makes another chunk the current one; false at the end.
  bool Advance() {
    for (;;) {
      Fill();
      if (FailUnsent()) continue;
      if (options_.order == Order::kInput) {
        if (const auto it = landed_.find(next_index_); it != landed_.end()) {
          const internal::MapWindow::Landed landed = std::move(it->second);
          landed_.erase(it);
          if (Open(landed)) return true;
          continue;
        }
      }
      if (window_.idle()) return false;
      internal::MapWindow::Landed landed = window_.Wait();
      if (options_.on_error == OnError::kFailFast) {
        if (auto error = window_.ErrorOf(landed)) internal::Throw(*std::move(error));
      }
      if (options_.order == Order::kInput && landed.first != next_index_) {
        landed_.emplace(landed.first, std::move(landed));
        continue;
      }
      if (Open(landed)) return true;
    }
  }

  // False where the whole chunk has failed, or goes again.
  bool Open(const internal::MapWindow::Landed& landed) {
    const ObjectRef<internal::ChunkResult<R>> ref{internal::Handle(landed.result)};
    auto value = window_.session()->Value(ref.id(), window_.deadline_nanos());
    window_.CheckTime();
    const auto* encoded = std::get_if<worker::ValueBytes>(&value);
    const size_t bytes = encoded == nullptr ? 0 : encoded->bytes().size();
    internal::ChunkResult<R> chunk;
    const auto error = internal::DecodeFetched(
        ref.handle(), value, internal::TypeOf<internal::ChunkResult<R>>(), &chunk);
    if (error.has_value() && SendAgain(landed, *error)) return false;
    kept_.erase(landed.first);
    window_.Done(landed);
    next_index_ = landed.first + landed.items;
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
  Input input_;
  MapOptions options_;
  internal::MapWindow window_;
  // By their first items: before their turn, and those that may have to go again.
  std::map<size_t, internal::MapWindow::Landed> landed_;
  std::map<size_t, std::vector<Item>> kept_;
  std::map<size_t, ErrorInfo> unsent_;  // items that cannot travel, before their turn
  size_t next_index_ = 0;               // of the item whose turn it is
  bool ended_ = false;                  // by an error
  internal::ChunkResult<R> chunk_;      // the one whose items are being given
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
