#include "sdk/internal/returned.h"

#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"

namespace troupe::internal {

namespace {

// Into memory of this process, where a packed task runs without a cluster.
std::variant<worker::EncodedResult, ErrorInfo> EncodeHere(const serialize::ValueType& type,
                                                          const void* value) {
  const auto size = serialize::Measure(type, value);
  if (!size.ok()) return CannotTravel(size.status());
  if (size->refs > 0) {
    return ErrorInfo{
        .kind = ErrorKind::kNotSerializable,
        .message = "a result that holds references needs the cluster that they are of"};
  }
  worker::EncodedResult result;
  result.space.inline_bytes.resize(size->bytes);
  std::vector<ObjectId> refs;
  const absl::Status status = serialize::EncodeTo(type, value, result.space.bytes(), &refs);
  if (!status.ok()) return CannotTravel(status);
  return result;
}

}  // namespace

void AddResult(worker::TaskCall& call, const serialize::ValueType& type, const void* value) {
  auto encoded =
      call.session == nullptr ? EncodeHere(type, value) : Encode(*call.session, type, value);
  if (auto* error = std::get_if<ErrorInfo>(&encoded)) {
    call.Fail(std::move(*error));
  } else {
    call.Return(std::get<worker::EncodedResult>(std::move(encoded)));
  }
}

ErrorInfo NoStreamError() {
  return {.kind = ErrorKind::kInvalidArgument,
          .message = "a Generator needs a cluster to stream in"};
}

ErrorInfo WrongCount(size_t returned, uint32_t wanted) {
  return {.kind = ErrorKind::kInvalidArgument,
          .message = absl::StrCat("the function returned ", returned, " values and Returns(",
                                  wanted, ") was asked for")};
}

}  // namespace troupe::internal
