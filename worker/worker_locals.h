// Values that each worker has one of: those behind WorkerLocal<T>.
//
// A worker is a process, or a thread with its helpers (worker/thread_launcher.h). Thread-safe; each
// value is made once, and who comes meanwhile waits for it.
#ifndef TROUPE_WORKER_WORKER_LOCALS_H_
#define TROUPE_WORKER_WORKER_LOCALS_H_

#include <memory>

#include "absl/functional/function_ref.h"
#include "worker/session.h"

namespace troupe::worker {

// The calling thread's worker's value under this key, made by the first call. What `make` throws
// passes through, and the next call makes it again; `make` itself may not ask for this key
// (std::logic_error). The pointer lives until ForgetLocals.
void* WorkerLocalOf(const void* key, absl::FunctionRef<std::shared_ptr<void>()> make);
// A worker that is a thread has ended: its values go. Those of a process end with it.
void ForgetLocals(const Session* worker);

}  // namespace troupe::worker

#endif  // TROUPE_WORKER_WORKER_LOCALS_H_
