// Values between the SDK's types and the session. Private to the SDK.
#ifndef TROUPE_SDK_INTERNAL_VALUE_H_
#define TROUPE_SDK_INTERNAL_VALUE_H_

#include <memory>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "core/base/string_view.h"
#include "core/serialize/serialize.h"
#include "sdk/array.h"
#include "sdk/errors.h"
#include "worker/task_call.h"

namespace troupe::internal {

ErrorInfo ErrorOf(const absl::Status& status);

// Encodes into memory of the session, in the store where the value is large.
template <typename T>
std::variant<worker::EncodedResult, ErrorInfo> Encode(worker::Session& session, const T& value) {
  worker::EncodedResult result;
  size_t bytes = 0;
  if constexpr (IsArray<T>::value) {
    bytes = serialize::ArrayBytes<typename T::value_type>(value.size());
  } else {
    const auto size = serialize::Measure(value);
    if (!size.ok()) {
      return ErrorInfo{.kind = ErrorKind::kNotSerializable,
                       .message = std::string(ToStd(size.status().message()))};
    }
    bytes = size->bytes;
  }
  auto space = session.Reserve(bytes);
  if (auto* error = std::get_if<ErrorInfo>(&space)) return std::move(*error);
  result.space = std::get<worker::ValueSpace>(std::move(space));
  if (!result.space.stored()) result.space.bytes = result.space.inline_bytes;
  if constexpr (IsArray<T>::value) {
    serialize::WriteArrayHeader<typename T::value_type>(result.space.bytes, value.size());
    serialize::CopyBytes(result.space.bytes.data() + serialize::kArrayDataAt, value.data(),
                         value.size_bytes());
  } else {
    std::vector<ObjectId> refs;
    const absl::Status status = serialize::EncodeTo(value, result.space.bytes, &refs);
    if (!status.ok()) {
      session.Abandon(std::move(result.space));
      return ErrorInfo{.kind = ErrorKind::kNotSerializable,
                       .message = std::string(ToStd(status.message()))};
    }
    result.refs = worker::HeldReferences(&session, std::move(refs));
  }
  return result;
}

// The value where it lies; one that came inline moves to memory that is aligned for it.
template <ReadInPlace T>
std::variant<T, ErrorInfo> ViewInPlace(const worker::ValueBytes& value) {
  std::shared_ptr<const void> owner = value.owner;
  std::span<const std::byte> bytes = value.bytes();
  if (!value.in_store) {
    auto copy = std::make_shared<AlignedBytes>(bytes);
    bytes = copy->bytes();
    owner = std::move(copy);
  }
  absl::StatusOr<T> view = InPlace<T>::View(bytes, std::move(owner));
  if (!view.ok()) return ErrorOf(view.status());
  return *std::move(view);
}

// `container`: the value's object, null for an inline argument.
template <typename T>
std::variant<T, ErrorInfo> DecodeValue(const std::shared_ptr<worker::Session>& session,
                                       const worker::ValueBytes& value, ObjectId container) {
  if constexpr (ReadInPlace<T>) {
    return ViewInPlace<T>(value);
  } else {
    // The ids inside are the container's until we claim them; an inline argument's were granted
    // with it.
    const bool claim = !container.is_null() && !value.refs.empty();
    if (claim) session->ClaimAll(container, value.refs);
    absl::StatusOr<T> decoded = serialize::Decode<T>(value.bytes(), value.refs);
    if (claim) session->DropHandles(value.refs);
    if (!decoded.ok()) return ErrorOf(decoded.status());
    return *std::move(decoded);
  }
}

}  // namespace troupe::internal

#endif  // TROUPE_SDK_INTERNAL_VALUE_H_
