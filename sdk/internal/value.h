// Values between the SDK's types and the session. Private to the SDK.
#ifndef TROUPE_SDK_INTERNAL_VALUE_H_
#define TROUPE_SDK_INTERNAL_VALUE_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <variant>

#include "core/serialize/serialize.h"
#include "sdk/array.h"
#include "sdk/errors.h"
#include "worker/task_call.h"

namespace troupe::internal {

// Of what could not be read, and of what could not be written.
ErrorInfo ErrorOf(const absl::Status& status);
ErrorInfo CannotTravel(const absl::Status& status);

// Of what a reference may refer to: what can travel, and arrays of numbers.
template <typename T>
const serialize::ValueType& TypeOf() {
  if constexpr (IsArray<T>::value) {
    return serialize::kValueType<T>;
  } else {
    return serialize::TypeOf<T>();
  }
}

// Encodes into memory of the session, in the store where the value is large.
std::variant<worker::EncodedResult, ErrorInfo> Encode(worker::Session& session,
                                                      const serialize::ValueType& type,
                                                      const void* value);

// A copy of what is encoded already, and holds no references.
std::variant<worker::EncodedResult, ErrorInfo> CopyEncoded(worker::Session& session,
                                                           std::span<const std::byte> encoded);

// Fills *out, which was just made, or looks at the bytes where they lie: those that came inline
// move to memory that is aligned for it. `container`: the value's object, null for an inline
// argument.
std::optional<ErrorInfo> Decode(const std::shared_ptr<worker::Session>& session,
                                const worker::ValueBytes& value, ObjectId container,
                                const serialize::ValueType& type, void* out);

}  // namespace troupe::internal

#endif  // TROUPE_SDK_INTERNAL_VALUE_H_
