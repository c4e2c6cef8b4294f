// What is under way of a Map or a reduction, at its caller's. Private to the SDK.
#ifndef TROUPE_SDK_INTERNAL_MAP_WINDOW_H_
#define TROUPE_SDK_INTERNAL_MAP_WINDOW_H_

#include <cxxabi.h>

#include <algorithm>
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

#include "core/base/clock.h"
#include "sdk/as_completed.h"
#include "sdk/cancel.h"
#include "sdk/chunk_sizer.h"
#include "sdk/internal/call.h"
#include "sdk/internal/item_reader.h"
#include "sdk/internal/map_entry.h"
#include "sdk/map_options.h"
#include "sdk/progress.h"
#include "sdk/task.h"

namespace troupe::internal {

// What is bound to f, if it is a Bind.
template <typename F, typename... B>
void AddBound(OutgoingCall& call, const F& f, ParameterList<B...>) {
  if constexpr (IsBoundCallable<F>::value) {
    std::apply([&](const auto&... bound) { (call.Add<SharedParameter<B>>(bound), ...); },
               f.values());
  }
}
// The arguments of a call for a chunk.
template <typename F, typename... B, typename Item>
void AddChunk(OutgoingCall& call, const F& f, ParameterList<B...>, const std::vector<Item>& items) {
  using X = MapInput<Item>;
  if constexpr (std::is_same_v<X, Item>) {
    call.AddValue(kChunkType<X>, std::addressof(items));
  } else {
    call.Add<std::vector<X>>(items);
  }
  AddBound(call, f, ParameterList<B...>());
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
  // Of the next task's first item.
  size_t next_index() const { return taken_; }
  size_t NextSize() const { return sizer_.Next(total_ == 0 ? SIZE_MAX : total_ - taken_); }
  size_t chunk_bytes() const { return chunk_bytes_; }

  void Prepare(OutgoingCall& call, std::string function_name) const;
  TaskOptions fold_options() const;
  CallSite site() const { return site_; }
  // A task was sent; its number, which Wait gives back.
  size_t Sent(Handle result, size_t items, size_t bytes);
  // The same of items that were in a task which has failed, from `first` on.
  void SentAgain(Handle result, size_t first, size_t items, size_t bytes);
  void SentFold(Handle result);
  // The next item cannot travel; its index. It takes the room of a task until it is GivenUp.
  size_t NotSent();
  void GivenUp();
  // Throws it, and says the item.
  [[noreturn]] static void ThrowAt(size_t index, ErrorInfo error);
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
  // A chunk makes room for another; its items are done, or will be sent again.
  void Done(const Landed& landed);
  void TakeBack(const Landed& landed);
  // Nobody wants the rest.
  void CancelRest(bool kill = false);
  // The rest goes on without us.
  void LetGo() { flights_.clear(); }

 private:
  size_t Hold(Handle result, size_t first, size_t items, size_t bytes);
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

// False of errors that a task has whatever its items are.
constexpr bool MaySucceedApart(ErrorKind kind) {
  return kind != ErrorKind::kCancelled && kind != ErrorKind::kUnavailable &&
         kind != ErrorKind::kInfeasible && kind != ErrorKind::kBuildMismatch;
}

// None where it can, after all.
std::optional<ErrorInfo> WhyItCannotTravel(const serialize::ValueType& type, const void* value);

// The bytes of items as they travel, one after the other.
template <typename Item>
class EncodedBytes {
 public:
  explicit EncodedBytes(const MapWindow& window) : window_(window) {}

  // Why it cannot travel, where it cannot; no more is added then.
  std::optional<ErrorInfo> Add(const Item& item) {
    if constexpr (std::is_arithmetic_v<Item> || std::is_enum_v<Item>) {
      bytes_ += sizeof(Item);
    } else if constexpr (IsObjectRef<Item>::value) {
      bytes_ += sizeof(ObjectId);
      return RefusalOf(window_.what(), item.handle(), window_.session());
    } else {
      try {
        archive_(item);
      } catch (const abi::__forced_unwind&) {  // the thread is ended
        throw;
      } catch (...) {
        return WhyItCannotTravel(TypeOf<Item>(), std::addressof(item));
      }
    }
    return std::nullopt;
  }
  size_t bytes() const { return std::max(bytes_, archive_.offset()); }

 private:
  const MapWindow& window_;
  size_t bytes_ = 0;
  serialize::OutputArchive archive_{{}, 0, nullptr};  // measures
};

// The next items of a range: as many as the window wants, fewer where they are large, or where one
// cannot travel: that one comes after the items, and is not among them.
template <typename Item>
struct ChunkOf {
  std::vector<Item> items;
  size_t bytes = 0;
  std::optional<ErrorInfo> failed = {};
};
template <typename Item, typename Range>
ChunkOf<Item> TakeChunk(const MapWindow& window, ItemReader<Range>& input) {
  const size_t wanted = window.NextSize();
  ChunkOf<Item> chunk;
  chunk.items.reserve(std::min(wanted, MostItems<MapInput<Item>>()));
  EncodedBytes<Item> size(window);
  bool full = false;
  while (!full && !chunk.failed && chunk.items.size() < wanted && !input.AtEnd()) {
    if constexpr (std::is_copy_constructible_v<Item>) {
      chunk.items.push_back(input.Read());
    } else {
      chunk.items.push_back(std::move(input.Read()));
    }
    chunk.failed = size.Add(chunk.items.back());
    full = size.bytes() >= window.chunk_bytes();
  }
  chunk.bytes = size.bytes();
  if (chunk.failed) chunk.items.pop_back();
  return chunk;
}

}  // namespace troupe::internal

#endif  // TROUPE_SDK_INTERNAL_MAP_WINDOW_H_
