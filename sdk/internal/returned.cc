#include "sdk/internal/returned.h"

#include "absl/strings/str_cat.h"

namespace troupe::internal {

void AddDetached(worker::TaskCall& call, size_t bytes, uint32_t refs,
                 std::vector<std::byte>** memory) {
  if (refs > 0) {
    call.results.emplace_back(
        ErrorInfo{.kind = ErrorKind::kNotSerializable,
                  .message = "a result that holds references needs the cluster that they are of"});
    return;
  }
  worker::EncodedResult result;
  result.space.inline_bytes.resize(bytes);
  call.results.emplace_back(std::move(result));
  *memory = &std::get<worker::EncodedResult>(call.results.back()).space.inline_bytes;
}

ErrorInfo WrongCount(size_t returned, uint32_t wanted) {
  return {.kind = ErrorKind::kInvalidArgument,
          .message = absl::StrCat("the function returned ", returned, " values and Returns(",
                                  wanted, ") was asked for")};
}

}  // namespace troupe::internal
