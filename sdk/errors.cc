#include "sdk/errors.h"

#include "worker/registered_exceptions.h"

namespace troupe::internal {

void Throw(ErrorInfo error) {
  if (!error.payload.empty()) worker::RethrowRegistered(error.exception_type, error.payload);
  switch (error.kind) {
    case ErrorKind::kTaskError:
      throw TaskError(std::move(error));
    case ErrorKind::kWorkerCrashed:
      throw WorkerCrashed(std::move(error));
    case ErrorKind::kActorDied:
      throw ActorDied(std::move(error));
    case ErrorKind::kUnavailable:
      throw Unavailable(std::move(error));
    case ErrorKind::kCancelled:
      throw Cancelled(std::move(error));
    case ErrorKind::kDeadlineExceeded:
      throw DeadlineExceeded(std::move(error));
    case ErrorKind::kObjectLost:
      throw ObjectLost(std::move(error));
    case ErrorKind::kTypeMismatch:
      throw TypeMismatch(std::move(error));
    case ErrorKind::kBuildMismatch:
      throw BuildMismatch(std::move(error));
    case ErrorKind::kResourceExhausted:
      throw ResourceExhausted(std::move(error));
    case ErrorKind::kInfeasible:
      throw Infeasible(std::move(error));
    case ErrorKind::kNotSerializable:
      throw NotSerializable(std::move(error));
    case ErrorKind::kInvalidArgument:
      throw InvalidArgument(std::move(error));
    case ErrorKind::kUnknownFunction:
      throw UnknownFunction(std::move(error));
    case ErrorKind::kOutOfMemory:
      throw OutOfMemory(std::move(error));
    case ErrorKind::kInternal:
      break;
  }
  throw Error(std::move(error));
}

void Throw(ErrorKind kind, std::string message) {
  Throw(ErrorInfo{.kind = kind, .message = std::move(message)});
}

std::exception_ptr ToExceptionPtr(ErrorInfo error) {
  try {
    Throw(std::move(error));
  } catch (...) {
    return std::current_exception();
  }
}

}  // namespace troupe::internal
