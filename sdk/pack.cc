#include "sdk/pack.h"

#include <unistd.h>

#include <cstring>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "core/base/bytes.h"
#include "worker/code_reference.h"
#include "worker/user_code.h"

namespace troupe {
namespace internal {
namespace {

// An error's fields: ErrorInfo itself knows nothing of archives.
struct Outcome {
  bool failed = false;
  std::string value;
  uint16_t kind = 0;
  std::string message;
  std::string exception_type;
  std::string origin;
  uint64_t task_hi = 0, task_lo = 0;
  uint32_t attempt = 0;
  int32_t pid = 0;
  std::string payload;
  std::string stack;
};

ErrorInfo Damaged(const absl::Status& status) {
  return {.kind = ErrorKind::kInvalidArgument, .message = std::string(ToStd(status.message()))};
}

template <typename T>
std::string PackAs(serialize::PackKind kind, std::string_view text, const T& value) {
  const std::string body = EncodeDetached(value);
  serialize::PackWriter writer(kind, text, body.size());
  std::memcpy(writer.body().data(), body.data(), body.size());
  return std::move(writer).Finish();
}

// The bytes of the body at an address that is aligned for any number.
std::string Aligned(std::span<const std::byte> body) {
  return std::string(reinterpret_cast<const char*>(body.data()), body.size());
}

template <typename T>
std::variant<T, ErrorInfo> OpenAs(serialize::PackKind kind, std::string_view packed) {
  const auto view = serialize::OpenPacked(packed, kind);
  if (!view.ok()) return Damaged(view.status());
  T value;
  if (auto error = DecodeDetached(Aligned(view->body), serialize::TypeOf<T>(), &value))
    return *std::move(error);
  return value;
}

template <typename T>
T ValueOrThrow(std::variant<T, ErrorInfo> value) {
  if (auto* error = std::get_if<ErrorInfo>(&value)) Throw(std::move(*error));
  return std::get<T>(std::move(value));
}

}  // namespace

std::string EncodeDetached(const serialize::ValueType& type, const void* value) {
  const auto size = serialize::Measure(type, value);
  if (!size.ok()) Throw(CannotTravel(size.status()));
  if (size->refs > 0) {
    Throw(ErrorKind::kNotSerializable,
          "an ObjectRef belongs to its cluster and cannot be packed: pack the value, Get(ref)");
  }
  std::string bytes(size->bytes, '\0');
  std::vector<ObjectId> refs;
  const absl::Status status =
      serialize::EncodeTo(type, value, std::as_writable_bytes(std::span(bytes)), &refs);
  if (!status.ok()) Throw(CannotTravel(status));
  return bytes;
}

std::optional<ErrorInfo> DecodeDetached(const std::variant<std::string, ErrorInfo>& bytes,
                                        const serialize::ValueType& type, void* value) {
  if (const auto* error = std::get_if<ErrorInfo>(&bytes)) return *error;
  const absl::Status status = serialize::DecodeInto(
      type, std::as_bytes(std::span(std::get<std::string>(bytes))), {}, value);
  if (status.ok()) return std::nullopt;
  return ErrorOf(status);
}

std::string BuildText(std::string_view build_id) {
  return build_id.empty() ? "(none)" : absl::BytesToHexString(ToAbsl(build_id));
}

std::string ThisBuild() { return BuildText(worker::BuildId()); }

PackedCall NewPackedCall(worker::TaskEntry entry) {
  PackedCall call;
  call.build_id = worker::BuildId();
  call.entry = OffsetOrThrow(reinterpret_cast<const void*>(entry));
  return call;
}

std::string PackCall(PackedCall call) {
  const std::string text = call.function.empty() ? call.name : call.function;
  return PackAs(serialize::PackKind::kTask, text, call);
}

std::string PackFunction(const PackedFunction& function) {
  return PackAs(serialize::PackKind::kFunction, function.name, function);
}

PackedFunction OpenFunction(std::string_view packed) {
  return ValueOrThrow(OpenAs<PackedFunction>(serialize::PackKind::kFunction, packed));
}

std::string PackOutcome(std::string value, const ErrorInfo* error) {
  Outcome outcome;
  outcome.value = std::move(value);
  if (error != nullptr) {
    outcome.failed = true;
    outcome.kind = static_cast<uint16_t>(error->kind);
    outcome.message = error->message;
    outcome.exception_type = error->exception_type;
    outcome.origin = error->origin;
    outcome.task_hi = error->task.hi();
    outcome.task_lo = error->task.lo();
    outcome.attempt = error->attempt;
    outcome.pid = error->pid;
    outcome.payload = error->payload;
    outcome.stack = error->stack;
  }
  return PackAs(serialize::PackKind::kResult, outcome.failed ? "an error" : "a value", outcome);
}

std::variant<std::string, ErrorInfo> OpenOutcome(std::string_view packed) {
  auto opened = OpenAs<Outcome>(serialize::PackKind::kResult, packed);
  if (auto* error = std::get_if<ErrorInfo>(&opened)) return std::move(*error);
  auto& outcome = std::get<Outcome>(opened);
  if (!outcome.failed) return std::move(outcome.value);
  return ErrorInfo{
      .kind = outcome.kind < kErrorKinds ? ErrorKind(outcome.kind) : ErrorKind::kInternal,
      .message = std::move(outcome.message),
      .exception_type = std::move(outcome.exception_type),
      .origin = std::move(outcome.origin),
      .task = TaskId(outcome.task_hi, outcome.task_lo),
      .attempt = outcome.attempt,
      .pid = outcome.pid,
      .payload = std::move(outcome.payload),
      .stack = std::move(outcome.stack)};
}

std::variant<std::string, ErrorInfo> OpenValue(std::string_view packed, uint64_t fingerprint) {
  const auto view = serialize::OpenPacked(packed, serialize::PackKind::kValue);
  if (!view.ok()) return Damaged(view.status());
  serialize::ValueHeader header;
  if (view->body.size() >= sizeof(header)) {
    std::memcpy(&header, view->body.data(), sizeof(header));
    if (header.fingerprint != fingerprint) {
      return ErrorInfo{
          .kind = ErrorKind::kTypeMismatch,
          .message = absl::StrCat("these bytes are a value of type ", ToAbsl(view->text),
                                  " and were read as ", serialize::internal::TextOf(fingerprint))};
    }
  }
  return Aligned(view->body);
}

std::string Execute(std::string_view packed, const worker::NamedFunctions& functions) {
  auto opened = OpenAs<PackedCall>(serialize::PackKind::kTask, packed);
  PackedCall task = ValueOrThrow(std::move(opened));
  worker::TaskCall call;
  const auto view = [](const std::string& text) {
    return std::as_bytes(std::span(text.data(), text.size()));
  };
  for (const std::string& argument : task.arguments)
    call.arguments.emplace_back().values.push_back({ObjectId(), {view(argument), {}, nullptr}});
  worker::NamedCall named;
  if (!task.function.empty()) {
    named =
        ValueOrThrow(worker::PrepareNamed(functions, task.function, task.signature, false, &call));
  } else {
    if (task.build_id != worker::BuildId()) {
      Throw(ErrorKind::kBuildMismatch,
            absl::StrCat("this task was packed by build ", BuildText(task.build_id),
                         " and this is build ", ThisBuild(),
                         ": pack it by name, with a FunctionRegistry, for other builds"));
    }
    named.entry = reinterpret_cast<worker::TaskEntry>(AddressOrThrow(task.entry));
    call.callable = view(task.callable);
  }
  std::optional<ErrorInfo> error = worker::CallUserCode(named.entry, call);
  if (!error.has_value() && call.results.size() == 1) {
    if (auto* result = std::get_if<worker::EncodedResult>(&call.results[0])) {
      const std::span<const std::byte> bytes = result->space.bytes();
      return PackOutcome(std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()),
                         nullptr);
    }
    error = std::get<ErrorInfo>(std::move(call.results[0]));
  }
  if (!error.has_value())
    error = ErrorInfo{.kind = ErrorKind::kInternal, .message = "a packed task without a result"};
  if (error->origin.empty()) error->origin = task.function.empty() ? task.name : task.function;
  error->pid = getpid();
  return PackOutcome("", &*error);
}

}  // namespace internal

std::string ExecutePacked(std::string_view task) {
  return internal::Execute(task, worker::NamedFunctions::Global());
}

std::string PackResult() {
  return internal::PackOutcome(internal::EncodeDetached(internal::Nothing()), nullptr);
}

std::string PackResult(const Error& error) { return internal::PackOutcome("", &error.info()); }

size_t TaskDescription::message_bytes() const {
  size_t bytes = 0;
  for (const TaskPart& part : parts)
    bytes += part.way == TaskPart::Way::kStored ? sizeof(ObjectId) : part.bytes;
  return bytes;
}

std::string TaskDescription::ToString() const {
  constexpr const char* kWays[] = {"code reference", "in the message", "stored once, by reference",
                                   "by reference"};
  std::string text = absl::StrCat(name, ": ", message_bytes(), " bytes a call\n");
  for (const TaskPart& part : parts) {
    absl::StrAppend(&text, "  ", part.what, ": ", part.type, ", ",
                    FormatBytes(static_cast<int64_t>(part.bytes)), ", ",
                    kWays[static_cast<size_t>(part.way)], "\n");
  }
  return text;
}

}  // namespace troupe
