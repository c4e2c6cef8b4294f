// ErrorInfo is an error as a value: what a reference resolves to when there is no result.
//
// It travels with the object that could not be made, along dependencies, to whoever asks for it,
// and says what died, by which cause, which task, which attempt, in which process. The public face
// throws it as a typed troupe::Error. Thread-safety: a value.
#ifndef TROUPE_CORE_BASE_ERROR_H_
#define TROUPE_CORE_BASE_ERROR_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "core/base/ids.h"

namespace troupe {

// The numbers travel: never change one, add at the end.
enum class ErrorKind : uint16_t {
  kInternal = 0,
  kTaskError = 1,  // the user's code threw
  kWorkerCrashed = 2,
  kActorDied = 3,
  kUnavailable = 4,
  kCancelled = 5,
  kDeadlineExceeded = 6,
  kObjectLost = 7,
  kTypeMismatch = 8,
  kUnknownFunction = 9,
  kBuildMismatch = 10,
  kResourceExhausted = 11,
  kOutOfMemory = 12,
  kInfeasible = 13,
  kNotSerializable = 14,
  kInvalidArgument = 15,
};
inline constexpr uint16_t kErrorKinds = 16;

// False of how a program ends things itself, and of what it hears of in another way: a failure of
// that kind is no news to a program that has let go of the result.
constexpr bool IsNews(ErrorKind kind) {
  return kind != ErrorKind::kCancelled && kind != ErrorKind::kActorDied &&
         kind != ErrorKind::kUnavailable;
}

// "TaskError", "WorkerCrashed", ...
std::string_view ErrorKindName(ErrorKind kind);

struct ErrorInfo {
  ErrorKind kind = ErrorKind::kInternal;
  std::string message = {};         // what happened and what to do about it
  std::string exception_type = {};  // demangled; only for kTaskError
  std::string origin = {};          // the name of the task or actor in which it happened
  TaskId task = {};                 // null where no task is concerned
  uint32_t attempt = 0;             // counted from 1; 0: none began
  int32_t pid = 0;                  // of the process in which it happened; 0: unknown
  std::string payload = {};         // a registered exception, encoded; else empty
  // Of kTaskError: the functions in which it was thrown, the innermost first, a line for each.
  // Empty where that is not known: of what a shared library throws (std::vector::at), and where a
  // task has thrown too often (worker/thrown_stack.h).
  std::string stack = {};

  // "TaskError: std::runtime_error: no such file [task Load t-7.42, attempt 1, pid 4711]"
  std::string ToString() const;

  friend bool operator==(const ErrorInfo&, const ErrorInfo&) = default;
};

// The Status whose code is nearest to the error's kind and whose message is error.ToString().
absl::Status ToStatus(const ErrorInfo& error);

}  // namespace troupe

#endif  // TROUPE_CORE_BASE_ERROR_H_
