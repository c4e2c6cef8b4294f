#include "core/base/error.h"

#include "absl/strings/str_cat.h"
#include "core/base/string_view.h"

namespace troupe {
namespace {

absl::StatusCode CodeOf(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kInternal:
      return absl::StatusCode::kInternal;
    case ErrorKind::kTaskError:
      return absl::StatusCode::kUnknown;
    case ErrorKind::kWorkerCrashed:
    case ErrorKind::kActorDied:
      return absl::StatusCode::kAborted;
    case ErrorKind::kUnavailable:
      return absl::StatusCode::kUnavailable;
    case ErrorKind::kCancelled:
      return absl::StatusCode::kCancelled;
    case ErrorKind::kDeadlineExceeded:
      return absl::StatusCode::kDeadlineExceeded;
    case ErrorKind::kObjectLost:
      return absl::StatusCode::kDataLoss;
    case ErrorKind::kTypeMismatch:
    case ErrorKind::kNotSerializable:
    case ErrorKind::kInvalidArgument:
      return absl::StatusCode::kInvalidArgument;
    case ErrorKind::kUnknownFunction:
      return absl::StatusCode::kNotFound;
    case ErrorKind::kBuildMismatch:
    case ErrorKind::kInfeasible:
      return absl::StatusCode::kFailedPrecondition;
    case ErrorKind::kResourceExhausted:
    case ErrorKind::kOutOfMemory:
      return absl::StatusCode::kResourceExhausted;
  }
  return absl::StatusCode::kInternal;
}

}  // namespace

std::string_view ErrorKindName(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kInternal:
      return "Internal";
    case ErrorKind::kTaskError:
      return "TaskError";
    case ErrorKind::kWorkerCrashed:
      return "WorkerCrashed";
    case ErrorKind::kActorDied:
      return "ActorDied";
    case ErrorKind::kUnavailable:
      return "Unavailable";
    case ErrorKind::kCancelled:
      return "Cancelled";
    case ErrorKind::kDeadlineExceeded:
      return "DeadlineExceeded";
    case ErrorKind::kObjectLost:
      return "ObjectLost";
    case ErrorKind::kTypeMismatch:
      return "TypeMismatch";
    case ErrorKind::kUnknownFunction:
      return "UnknownFunction";
    case ErrorKind::kBuildMismatch:
      return "BuildMismatch";
    case ErrorKind::kResourceExhausted:
      return "ResourceExhausted";
    case ErrorKind::kOutOfMemory:
      return "OutOfMemory";
    case ErrorKind::kInfeasible:
      return "Infeasible";
    case ErrorKind::kNotSerializable:
      return "NotSerializable";
    case ErrorKind::kInvalidArgument:
      return "InvalidArgument";
  }
  return "Unknown";
}

std::string ErrorInfo::ToString() const {
  std::string text = absl::StrCat(ToAbsl(ErrorKindName(kind)), ": ");
  if (!exception_type.empty()) absl::StrAppend(&text, exception_type, ": ");
  absl::StrAppend(&text, message);
  if (task.is_null()) return text;
  absl::StrAppend(&text, " [task ", origin, origin.empty() ? "" : " ", task.ToString());
  if (attempt != 0) absl::StrAppend(&text, ", attempt ", attempt);
  if (pid != 0) absl::StrAppend(&text, ", pid ", pid);
  absl::StrAppend(&text, "]");
  return text;
}

absl::Status ToStatus(const ErrorInfo& error) {
  return absl::Status(CodeOf(error.kind), error.ToString());
}

}  // namespace troupe
