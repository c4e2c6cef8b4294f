// Promise<T> makes an object by hand: its reference is there at once, its value when Set is called.
//
// For what is not the result of a task: an answer that comes from outside of the cluster, a signal
// from one task to others. Tasks may take the reference as an argument before there is a value.
//
//   troupe::Promise<int> answer;
//   troupe::ObjectRef<int> twice = troupe::Task(Twice).Remote(answer.ref());   // begins when
//   answer.Set(21);                                                            // this is called
//
// Whoever waits is told in every case: where the promise is destroyed without a value, or its
// process ends, the reference is ObjectLost. Set and SetError throw InvalidArgument where the
// promise has its value, Unavailable where the cluster is gone; where Set cannot encode the value
// (NotSerializable, ResourceExhausted), the promise stays open.
// Move-only. Thread-safety: as a std::promise: one thread at a time.   After std::promise.
#ifndef TROUPE_SDK_PROMISE_H_
#define TROUPE_SDK_PROMISE_H_

#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

#include "sdk/get.h"
#include "sdk/internal/value.h"
#include "sdk/object_ref.h"

namespace troupe {

namespace internal {

// A promise of any type.
class OpenPromise {
 public:
  OpenPromise();
  OpenPromise(OpenPromise&& other) noexcept
      : handle_(std::exchange(other.handle_, {})), open_(std::exchange(other.open_, false)) {}
  OpenPromise& operator=(OpenPromise&& other) noexcept {
    std::swap(handle_, other.handle_);
    std::swap(open_, other.open_);
    return *this;
  }
  ~OpenPromise();

  const Handle& handle() const { return handle_; }
  // Both throw InvalidArgument where it is not open.
  void Keep(const serialize::ValueType& type, const void* value);
  void Break(ErrorInfo why);

 private:
  worker::Session& CheckOpen() const;

  Handle handle_;
  bool open_ = true;
};

}  // namespace internal

template <typename T>
class Promise {
 public:
  // Throws Unavailable without a cluster.
  Promise() = default;

  [[nodiscard]] ObjectRef<T> ref() const { return ObjectRef<T>(promise_.handle()); }

  void Set(const T& value) { promise_.Keep(internal::TypeOf<T>(), std::addressof(value)); }
  // Get throws TaskError with this message.
  void SetError(std::string message) {
    promise_.Break({.kind = ErrorKind::kTaskError, .message = std::move(message)});
  }

 private:
  internal::OpenPromise promise_;
};

// A signal.
template <>
class Promise<void> {
 public:
  Promise() = default;

  [[nodiscard]] ObjectRef<void> ref() const { return ObjectRef<void>(done_.ref().handle()); }
  void Set();
  void SetError(std::string message) { done_.SetError(std::move(message)); }

 private:
  Promise<internal::Nothing> done_;
};

}  // namespace troupe

#endif  // TROUPE_SDK_PROMISE_H_
