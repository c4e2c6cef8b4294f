#include "sdk/pin.h"

#include <cstdint>
#include <optional>
#include <variant>

#include "sdk/errors.h"
#include "sdk/get.h"

namespace troupe::internal {

Pinned PinObject(const Handle& handle, absl::Duration timeout) {
  if (handle.id().is_null()) Throw(NullRefError("Pin"));
  const int64_t deadline = DeadlineAfter(timeout);
  if (std::optional<ErrorInfo> error = WaitForAll(handle.session(), {handle.id()}, timeout))
    Throw(*std::move(error));
  auto value = handle.session()->Value(handle.id(), deadline);
  if (auto* error = std::get_if<ErrorInfo>(&value)) Throw(std::move(*error));
  auto& bytes = std::get<worker::ValueBytes>(value);
  return Pinned(handle, bytes.in_store ? std::move(bytes.owner) : nullptr);
}

void FreeObjects(const std::vector<Handle>& handles) {
  std::vector<ObjectId> ids;
  ids.reserve(handles.size());
  for (const Handle& handle : handles) {
    if (handle.id().is_null()) Throw(NullRefError("Free"));
    ids.push_back(handle.id());
  }
  if (!handles.empty()) handles[0].session()->Free(std::move(ids));
}

}  // namespace troupe::internal
