// WorkerLocal<T> is a cache that each worker has one of: what is dear to make, and needed by many
// tasks. A model, a connection, a compiled pattern.
//
//   // At namespace scope.
//   troupe::WorkerLocal<Model> model([] { return Model::Load("/models/big"); });
//
//   double Score(double x) { return model->Score(x); }  // loaded once in each worker, on first use
//
// The driver has one of its own, too. Calls of an actor with several threads share the worker's: T
// is then used by several threads at a time, and guards itself. In an in-process cluster each
// worker is a thread and has its own; a thread that a task starts by itself sees the driver's.
//
// Life: made by the first use, while other users of the same worker wait for it; what `make` throws
// is the user's, and the next use tries again; one that uses the value it makes gets a
// std::logic_error. In a process it is never destroyed: that ends as a whole. In an in-process
// cluster it is destroyed on its worker's thread when that ends; a reference into it must not
// outlive the task.
// Thread-safe. It must live as long as anybody uses it: make it a global or a static.
#ifndef TROUPE_SDK_WORKER_LOCAL_H_
#define TROUPE_SDK_WORKER_LOCAL_H_

#include <functional>
#include <memory>
#include <utility>

#include "worker/worker_locals.h"

namespace troupe {

template <typename T>
class WorkerLocal {
 public:
  // Made by T().
  WorkerLocal() : WorkerLocal([] { return T(); }) {}
  // Made by make(), which returns a T. Bound values are shared by all that it makes.
  template <typename Make>
  explicit WorkerLocal(Make make)
      : make_([make = std::move(make)] { return std::shared_ptr<void>(new T(make())); }) {}
  WorkerLocal(const WorkerLocal&) = delete;
  WorkerLocal& operator=(const WorkerLocal&) = delete;

  T& operator*() const { return *static_cast<T*>(worker::WorkerLocalOf(this, make_)); }
  T* operator->() const { return &**this; }

 private:
  std::function<std::shared_ptr<void>()> make_;
};

}  // namespace troupe

#endif  // TROUPE_SDK_WORKER_LOCAL_H_
