// Pin keeps a value in memory; Free ends one before its references end.
//
// A value that somebody looks at (an Array, a view) stays where it is; one at which nobody looks
// may be spilled to disk when memory runs short, and is read back by the next who does. A pinned
// one is as if somebody looked: it is neither moved nor spilled, and a Get of it, anywhere, waits
// for nothing. Small values, which travel in messages, are always at hand.
//
//   troupe::Pinned warm = troupe::Pin(table);   // waits until it is there, and in memory
//   ...                                         // until `warm` goes
//
// Free is for a program that knows better than its references, which may be in a long list, or in
// other processes: the value is given up, and its memory with it. Who asks for it from then on gets
// ObjectLost, and so do tasks that take it and have not begun; it is not made again. Who looks at
// it meanwhile, or has a small value already, keeps that: the memory comes back when the last one
// stops looking. One that is not there yet is given up as soon as it is; Cancel ends its task.
//
//   troupe::Free(old_batches);
//
// Errors: of Pin, those of Get; InvalidArgument for references to nothing. Thread-safe.   Pinning
// is Ray's plasma pin, Free its ray.internal.free.
#ifndef TROUPE_SDK_PIN_H_
#define TROUPE_SDK_PIN_H_

#include <memory>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "core/base/ids.h"
#include "sdk/object_ref.h"

namespace troupe {

// Keeps a value in memory as long as it lives. Moved like a std::unique_ptr.
class [[nodiscard]] Pinned {
 public:
  // Keeps nothing.
  Pinned() = default;
  Pinned(internal::Handle handle, std::shared_ptr<const void> view)
      : handle_(std::move(handle)), view_(std::move(view)) {}
  Pinned(Pinned&& other) = default;
  Pinned& operator=(Pinned&& other) = default;

  ObjectId id() const { return handle_.id(); }

 private:
  internal::Handle handle_;
  std::shared_ptr<const void> view_;  // null: the value is small
};

namespace internal {

Pinned PinObject(const Handle& handle, absl::Duration timeout);
void FreeObjects(const std::vector<Handle>& handles);

}  // namespace internal

template <typename T>
Pinned Pin(const ObjectRef<T>& ref, absl::Duration timeout = absl::InfiniteDuration()) {
  return internal::PinObject(ref.handle(), timeout);
}

template <typename T>
void Free(const ObjectRef<T>& ref) {
  internal::FreeObjects({ref.handle()});
}
template <typename T>
void Free(const std::vector<ObjectRef<T>>& refs) {
  std::vector<internal::Handle> handles;
  handles.reserve(refs.size());
  for (const ObjectRef<T>& ref : refs) handles.push_back(ref.handle());
  internal::FreeObjects(handles);
}

}  // namespace troupe

#endif  // TROUPE_SDK_PIN_H_
