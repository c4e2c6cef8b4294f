// Cancel ends a task before it has ended by itself.
//
//   troupe::Cancel(ref);                    // and the tasks that it has submitted
//   troupe::Cancel(ref, {.force = true});   // kills its process, if it runs
//
// From then on the reference is a Cancelled error, and so are those that depend on it; a task that
// is done stays as it is. A task that has not begun never will. A running one sees its stop token
// (CurrentTask().stop_token()), and its waits fail; with `force` its process is killed. An actor's
// process is not killed for one of its calls: that is what Kill is for. Returns at once.
// Throws InvalidArgument for an empty reference. Thread-safe.   After Ray's cancel.
#ifndef TROUPE_SDK_CANCEL_H_
#define TROUPE_SDK_CANCEL_H_

#include <vector>

#include "sdk/get.h"
#include "sdk/object_ref.h"

namespace troupe {

struct CancelOptions {
  bool force = false;     // kill the process of one that runs
  bool recursive = true;  // and those that it has submitted, to any depth
};

namespace internal {

void CancelTask(const Handle& result, CancelOptions options);

}  // namespace internal

template <typename T>
void Cancel(const ObjectRef<T>& ref, CancelOptions options = {}) {
  internal::CancelTask(ref.handle(), options);
}
template <typename T>
void Cancel(const std::vector<ObjectRef<T>>& refs, CancelOptions options = {}) {
  for (const ObjectRef<T>& ref : refs) internal::CancelTask(ref.handle(), options);
}

}  // namespace troupe

#endif  // TROUPE_SDK_CANCEL_H_
