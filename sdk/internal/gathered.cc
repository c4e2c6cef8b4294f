#include "sdk/internal/gathered.h"

namespace troupe::internal {

GatheredValues::GatheredValues(std::shared_ptr<worker::Session> session,
                               const worker::TaskArgument& list)
    : session_(std::move(session)) {
  for (const worker::ArgumentValue& element : list.values)
    values_.emplace(element.object, &element.value);
}

std::optional<ErrorInfo> GatheredValues::Read(ObjectId id, const serialize::ValueType& type,
                                              void* value) const {
  const auto found = values_.find(id);
  if (found == values_.end()) {
    return ErrorInfo{.kind = ErrorKind::kInternal,
                     .message = "a reference in an argument whose object did not come with it"};
  }
  return Decode(session_, *found->second, id, type, value);
}

}  // namespace troupe::internal
