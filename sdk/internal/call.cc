#include "sdk/internal/call.h"

#include <algorithm>
#include <mutex>
#include <unordered_map>

#include "core/base/limits.h"
#include "core/base/string_view.h"
#include "worker/code_reference.h"
#include "worker/function_name.h"

namespace troupe::internal {

std::optional<ErrorInfo> RefusalOf(const char* function, const Handle& handle,
                                   const std::shared_ptr<worker::Session>& session) {
  if (handle.id().is_null()) return NullRefError(function);
  if (handle.session() == session) return std::nullopt;
  return ErrorInfo{.kind = ErrorKind::kInvalidArgument,
                   .message = std::string(function) +
                              ": this reference belongs to a cluster that was shut down, or to "
                              "another worker"};
}

OutgoingCall::OutgoingCall(std::shared_ptr<worker::Session> session)
    : session_(std::move(session)), inline_budget_(4 * session_->max_inline_value_bytes()) {
  RefuseForkedChild();  // a handle knows its session without asking for it
}

OutgoingCall::~OutgoingCall() = default;

void OutgoingCall::SetName(std::string name) {
  name_ = std::move(name);
  spec_.name = name_;
}

void OutgoingCall::SetCallable(std::vector<std::byte> bytes) {
  callable_ = std::move(bytes);
  spec_.callable = callable_;
}

void OutgoingCall::SetFunction(std::string name, const std::string& signature) {
  function_ = std::move(name);
  spec_.function = function_;
  const auto bytes = std::as_bytes(std::span(signature.data(), signature.size()));
  SetCallable({bytes.begin(), bytes.end()});
}

void OutgoingCall::SetResults(uint32_t count, uint32_t stream_window) {
  if (count == 0 || count > Limits::kMaxReturns) {
    Throw(ErrorKind::kInvalidArgument, "Returns: a task has at least one result and at most " +
                                           std::to_string(Limits::kMaxReturns));
  }
  spec_.num_returns = count;
  spec_.stream_window = stream_window;
}

void OutgoingCall::SetCallSite(CallSite site) {
  spec_.caller.site_file = worker::OffsetOfText(site.file);
  // Of generated code with more lines, the last that can be said.
  spec_.caller.site_line = static_cast<uint16_t>(std::clamp(site.line, 0, 0xFFFF));
}

void OutgoingCall::CheckOwner(const Handle& handle) const {
  if (auto error = RefusalOf("Remote", handle, session_)) Throw(*std::move(error));
}

void OutgoingCall::SetPlacement(const Handle& group, uint32_t bundle) {
  CheckOwner(group);
  placement_group_ = group;
  spec_.placement = {group.id(), bundle};
}

void OutgoingCall::AddObject(const Handle& handle) {
  CheckOwner(handle);
  spec_.arguments.push_back({handle.id()});
}

std::vector<ObjectId>& OutgoingCall::AddList(size_t count) {
  std::vector<ObjectId> ids;
  ids.reserve(count);
  spec_.arguments.push_back({std::move(ids)});
  return std::get<std::vector<ObjectId>>(spec_.arguments.back().content);
}

void OutgoingCall::AddValue(const serialize::ValueType& type, const void* value) {
  auto encoded = Encode(*session_, type, value);
  if (auto* error = std::get_if<ErrorInfo>(&encoded)) Throw(std::move(*error));
  AddEncoded(std::get<worker::EncodedResult>(std::move(encoded)));
}

void OutgoingCall::AddEncoded(std::span<const std::byte> bytes) {
  auto encoded = CopyEncoded(*session_, bytes);
  if (auto* error = std::get_if<ErrorInfo>(&encoded)) Throw(std::move(*error));
  AddEncoded(std::get<worker::EncodedResult>(std::move(encoded)));
}

void OutgoingCall::AddEncoded(worker::EncodedResult encoded) {
  const size_t size = encoded.space.inline_bytes.size();
  if (!encoded.space.stored() && size <= inline_budget_) {
    inline_budget_ -= size;
    spec_.arguments.push_back({wire::Argument::Inline{{}, encoded.refs.ids()}});
    inline_arguments_.push_back(std::move(encoded));
    return;
  }
  // Too large for the message: it is stored, and travels by its id.
  auto sealed = session_->Seal(std::move(encoded.space), encoded.refs.ids());
  if (auto* error = std::get_if<ErrorInfo>(&sealed)) Throw(std::move(*error));
  stored_arguments_.emplace_back(session_, std::get<objectstore::HandleCount*>(sealed));
  spec_.arguments.push_back({stored_arguments_.back().id()});
}

ErrorInfo WrongArgumentsError() {
  return {.kind = ErrorKind::kInternal, .message = "a call with a wrong number of arguments"};
}

std::optional<ErrorInfo> DecodeText(const worker::ValueBytes& value, Handle handle, Text* text) {
  const auto view = serialize::ViewString(value.bytes());
  if (!view.ok()) return ErrorOf(view.status());
  *text = Text(*view, value.owner, std::move(handle));
  return std::nullopt;
}

uint64_t OffsetOrThrow(const void* function) {
  const absl::StatusOr<uint64_t> offset = worker::OffsetOfCode(function);
  if (!offset.ok()) Throw(ErrorKind::kBuildMismatch, std::string(ToStd(offset.status().message())));
  return *offset;
}

uint64_t AddressOrThrow(uint64_t offset) {
  const absl::StatusOr<const void*> code = worker::CodeAtOffset(offset);
  if (!code.ok()) Throw(ErrorKind::kBuildMismatch, std::string(ToStd(code.status().message())));
  return reinterpret_cast<uint64_t>(*code);
}

std::vector<std::byte> PackObject(const serialize::ValueType& type, const void* object,
                                  CallSite site) {
  const auto size = serialize::Measure(type, object);
  if (!size.ok()) Throw(CannotTravel(size.status()));
  std::vector<std::byte> bytes(size->bytes);
  std::vector<ObjectId> refs;
  const absl::Status status = serialize::EncodeTo(type, object, std::span(bytes), &refs);
  if (!status.ok()) Throw(CannotTravel(status));
  if (!refs.empty()) {
    Throw(ErrorKind::kNotSerializable,
          "a function object may not hold references: pass them as arguments, or by Bind");
  }
  if (bytes.size() > Limits::kLargeCaptureBytes && *site.file != '\0')
    WarnOfLargeFields(site, type.name, bytes.size());
  return bytes;
}

std::optional<ErrorInfo> UnpackObject(std::span<const std::byte> bytes,
                                      const serialize::ValueType& type, void* object) {
  const absl::Status status = serialize::DecodeInto(type, bytes, {}, object);
  if (status.ok()) return std::nullopt;
  return ErrorInfo{.kind = ErrorKind::kTypeMismatch,
                   .message = std::string(ToStd(status.message()))};
}

std::vector<Handle> OutgoingCall::Submit() {
  if (const worker::RunningTask* parent = worker::CurrentRunningTask()) {
    spec_.depth = parent->depth + 1;
    spec_.caller.task = parent->id;
  }
  // Only now, since they may have moved when others were added.
  auto* encoded = inline_arguments_.data();
  for (wire::Argument& argument : spec_.arguments) {
    if (auto* bytes = std::get_if<wire::Argument::Inline>(&argument.content))
      bytes->bytes = (encoded++)->space.bytes();
  }
  std::vector<Handle> results;
  results.reserve(spec_.num_returns);
  auto error = session_->Submit(
      spec_, [&](objectstore::HandleCount* result) { results.emplace_back(session_, result); });
  if (error.has_value()) Throw(*std::move(error));
  return results;
}

namespace {

std::string LookUpName(const void* function) {
  static auto* const mutex = new std::mutex;  // threads of the user's code may outlive main
  static auto* const names = new std::unordered_map<const void*, std::string>;
  const std::lock_guard<std::mutex> lock(*mutex);
  const auto [name, is_new] = names->try_emplace(function);
  if (is_new) name->second = worker::FunctionName(function);
  // Where the executable was stripped.
  return name->second.empty() ? "(a function without a symbol)" : name->second;
}

}  // namespace

// The search takes longer than the rest of a call: once for each function. That each thread has a
// copy of what was found spares calls the lock.
const std::string& NameOfFunction(const void* function) {
  thread_local std::unordered_map<const void*, std::string> names;
  const auto [name, is_new] = names.try_emplace(function);
  if (is_new) name->second = LookUpName(function);
  return name->second;
}

std::string NameOfVirtualMethod(std::string_view its_class) {
  return std::string(its_class) + " (virtual)";
}

}  // namespace troupe::internal
