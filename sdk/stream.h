// Stream<T> is what a task gives that returns a Generator<T>: references to its items, in order,
// while it runs.
//
//   for (troupe::ObjectRef<Frame> frame : troupe::Task(Decode).Remote("film.mp4")) ...
//
//   troupe::Stream<Frame> frames = troupe::Task(Decode).Window(4).Remote("film.mp4");
//   while (std::optional<troupe::ObjectRef<Frame>> frame = frames.Next(absl::Seconds(1))) ...
//
// The task stays at most a window (16 items) ahead of what was taken, so that memory is bounded;
// while it waits it lends its CPU. Dropping the stream stops it at its next co_yield. What it
// throws, or what killed its worker, is thrown after the last item; a retry repeats no item that
// was given, provided that the function gives the same items again. A reference lives on by itself.
// Only the process that submitted the task reads its stream.   Move-only. Not thread-safe.
// After Ray's streaming generators.
#ifndef TROUPE_SDK_STREAM_H_
#define TROUPE_SDK_STREAM_H_

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <optional>
#include <utility>

#include "absl/time/time.h"
#include "sdk/internal/next_iterator.h"
#include "sdk/object_ref.h"
#include "worker/task_call.h"

namespace troupe {

inline constexpr uint32_t kDefaultStreamWindow = 16;

namespace internal {

// The consumer's end, whatever the type of the items.
class StreamReader {
 public:
  StreamReader() = default;
  explicit StreamReader(Handle end) : end_(std::move(end)) {}
  StreamReader(StreamReader&&) = default;
  StreamReader& operator=(StreamReader&& other) noexcept {
    std::swap(end_, other.end_);
    return *this;
  }
  ~StreamReader();

  // A null handle at the end. Throws.
  Handle Next(absl::Duration timeout);

 private:
  Handle end_;  // of the task's result 0: where it resolves, the stream ends
};

// The producer's end, while its generator runs.
class StreamWriter {
 public:
  explicit StreamWriter(worker::TaskCall* call);
  StreamWriter(const StreamWriter&) = delete;
  StreamWriter& operator=(const StreamWriter&) = delete;
  ~StreamWriter();

  // False where no more is wanted, or with the error where it cannot be had.
  bool Write(const serialize::ValueType& type, const void* item, std::optional<ErrorInfo>* error);

 private:
  worker::TaskCall* call_;
  uint32_t index_ = 0;
};

}  // namespace internal

template <typename T>
class [[nodiscard]] Stream {
 public:
  using value_type = T;

  // Empty.
  Stream() = default;
  explicit Stream(internal::Handle end) : reader_(std::move(end)) {}

  // Waits for the next item; none at the end. Throws DeadlineExceeded after the timeout, and what
  // ended the stream.
  std::optional<ObjectRef<T>> Next(absl::Duration timeout = absl::InfiniteDuration()) {
    internal::Handle item = reader_.Next(timeout);
    if (item.id().is_null()) return std::nullopt;
    return ObjectRef<T>(std::move(item));
  }

  auto begin() { return internal::NextIterator<Stream, ObjectRef<T>>(this); }
  std::default_sentinel_t end() { return {}; }

 private:
  internal::StreamReader reader_;
};

}  // namespace troupe

#endif  // TROUPE_SDK_STREAM_H_
