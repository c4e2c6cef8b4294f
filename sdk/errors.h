// The errors that users see. Get and the like throw them; TryGet returns the same as an
// absl::Status.
//
// Each carries an ErrorInfo: what happened, in which task, which attempt, which process.
//
//   try {
//     double score = troupe::Get(ref);
//   } catch (const troupe::TaskError& e) {  // what the user's code threw
//     std::cerr << e.what();
//   } catch (const troupe::Error& e) {      // all else
//     if (e.retryable()) TryAgain();
//   }
//
// Thread-safety: values.
#ifndef TROUPE_SDK_ERRORS_H_
#define TROUPE_SDK_ERRORS_H_

#include <exception>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "core/base/error.h"

namespace troupe {

class Error : public std::exception {
 public:
  explicit Error(ErrorInfo info) : info_(std::move(info)), what_(info_.ToString()) {}

  const char* what() const noexcept override { return what_.c_str(); }
  const ErrorInfo& info() const { return info_; }
  ErrorKind kind() const { return info_.kind; }
  absl::Status status() const { return ToStatus(info_); }
  // Of a TaskError: the functions in which the user's code threw it, a line for each, the innermost
  // first. Empty where that is not known.
  const std::string& stack() const { return info_.stack; }
  // True where the same call may succeed when it is made again.
  bool retryable() const {
    return info_.kind == ErrorKind::kWorkerCrashed || info_.kind == ErrorKind::kUnavailable ||
           info_.kind == ErrorKind::kResourceExhausted || info_.kind == ErrorKind::kObjectLost;
  }

 private:
  ErrorInfo info_;
  std::string what_;
};

// The user's code threw.
class TaskError : public Error {
  using Error::Error;
};
// The process died while the task ran: a signal, exit(), out of memory.
class WorkerCrashed : public Error {
  using Error::Error;
};
class ActorDied : public Error {
  using Error::Error;
};
// The cluster is gone, or the actor is being restarted.
class Unavailable : public Error {
  using Error::Error;
};
class Cancelled : public Error {
  using Error::Error;
};
class DeadlineExceeded : public Error {
  using Error::Error;
};
class ObjectLost : public Error {
  using Error::Error;
};
// A stored value was read as another type.
class TypeMismatch : public Error {
  using Error::Error;
};
// No function is registered under that name.
class UnknownFunction : public Error {
  using Error::Error;
};
class BuildMismatch : public Error {
  using Error::Error;
};
class ResourceExhausted : public Error {
  using Error::Error;
};
// The machine's memory ran out, and the task's process was killed for it.
class OutOfMemory : public Error {
  using Error::Error;
};
// The task asks for more than the cluster has.
class Infeasible : public Error {
  using Error::Error;
};
class NotSerializable : public Error {
  using Error::Error;
};
class InvalidArgument : public Error {
  using Error::Error;
};

namespace internal {

// Throws the class that belongs to the error's kind, or what the task threw where its type is
// registered.
[[noreturn]] void Throw(ErrorInfo error);
[[noreturn]] void Throw(ErrorKind kind, std::string message);
std::exception_ptr ToExceptionPtr(ErrorInfo error);

}  // namespace internal
}  // namespace troupe

#endif  // TROUPE_SDK_ERRORS_H_
