#include "sdk/internal/value.h"

#include <cstddef>
#include <cstring>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/base/string_view.h"

namespace troupe::internal {
namespace {

// A copy of bytes at an address that is a multiple of 64.
class AlignedBytes {
 public:
  explicit AlignedBytes(std::span<const std::byte> bytes)
      : size_(bytes.size()), memory_(new Line[size_ / sizeof(Line) + 1]) {
    if (size_ > 0) std::memcpy(memory_.get(), bytes.data(), size_);
  }
  std::span<const std::byte> bytes() const { return {memory_.get()->bytes, size_}; }

 private:
  struct alignas(64) Line {
    std::byte bytes[64];
  };
  size_t size_;
  std::unique_ptr<Line[]> memory_;
};

std::variant<worker::EncodedResult, ErrorInfo> Reserve(worker::Session& session, size_t bytes) {
  auto space = session.Reserve(bytes);
  if (auto* error = std::get_if<ErrorInfo>(&space)) return std::move(*error);
  worker::EncodedResult result;
  result.space = std::get<worker::ValueSpace>(std::move(space));
  return result;
}

}  // namespace

ErrorInfo ErrorOf(const absl::Status& status) {
  const ErrorKind kind =
      serialize::IsTypeMismatch(status) ? ErrorKind::kTypeMismatch : ErrorKind::kInvalidArgument;
  return {.kind = kind, .message = std::string(ToStd(status.message()))};
}

ErrorInfo CannotTravel(const absl::Status& status) {
  return {.kind = ErrorKind::kNotSerializable, .message = std::string(ToStd(status.message()))};
}

std::variant<worker::EncodedResult, ErrorInfo> Encode(worker::Session& session,
                                                      const serialize::ValueType& type,
                                                      const void* value) {
  const auto size = serialize::Measure(type, value);
  if (!size.ok()) return CannotTravel(size.status());
  auto reserved = Reserve(session, size->bytes);
  if (auto* error = std::get_if<ErrorInfo>(&reserved)) return std::move(*error);
  auto& result = std::get<worker::EncodedResult>(reserved);
  std::vector<ObjectId> refs;
  const absl::Status status = serialize::EncodeTo(type, value, result.space.bytes(), &refs);
  if (!status.ok()) {
    session.Abandon(std::move(result.space));
    return CannotTravel(status);
  }
  result.refs = worker::HeldReferences(&session, std::move(refs));
  return reserved;
}

std::variant<worker::EncodedResult, ErrorInfo> CopyEncoded(worker::Session& session,
                                                           std::span<const std::byte> encoded) {
  auto reserved = Reserve(session, encoded.size());
  if (auto* result = std::get_if<worker::EncodedResult>(&reserved))
    serialize::CopyBytes(result->space.bytes().data(), encoded.data(), encoded.size());
  return reserved;
}

std::optional<ErrorInfo> Decode(const std::shared_ptr<worker::Session>& session,
                                const worker::ValueBytes& value, ObjectId container,
                                const serialize::ValueType& type, void* out) {
  absl::Status status;
  if (type.view != nullptr) {
    std::shared_ptr<const void> owner = value.owner;
    std::span<const std::byte> bytes = value.bytes();
    if (!value.in_store) {
      auto copy = std::make_shared<AlignedBytes>(bytes);
      bytes = copy->bytes();
      owner = std::move(copy);
    }
    status = type.view(bytes, std::move(owner), out);
  } else {
    // The ids inside are the container's until we claim them; an inline argument's were granted
    // with it.
    const bool claim = !container.is_null() && !value.refs.empty();
    if (claim) session->ClaimAll(container, value.refs);
    status = serialize::DecodeInto(type, value.bytes(), value.refs, out);
    if (claim) session->DropHandles(value.refs);
  }
  if (status.ok()) return std::nullopt;
  return ErrorOf(status);
}

}  // namespace troupe::internal
