#include "core/serialize/serialize.h"

#include "absl/strings/str_cat.h"
#include "core/base/string_view.h"

namespace troupe::serialize::internal {

absl::Status EncodeError(std::string_view type, std::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat("a ", ToAbsl(type), " cannot be sent: ", ToAbsl(what)));
}

absl::Status DecodeError(std::string_view type, std::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("this is no ", ToAbsl(type), ": ", ToAbsl(what)));
}

absl::Status MismatchError(std::string_view wanted, uint64_t wanted_fingerprint,
                           uint64_t stored_fingerprint) {
  std::string stored = NameOf(stored_fingerprint);
  if (stored.empty()) stored = "a type that this program does not know";
  return absl::FailedPreconditionError(
      absl::StrCat("a value of type ", stored, " (",
                   absl::Hex(stored_fingerprint, absl::kZeroPad16), ") was read as ",
                   ToAbsl(wanted), " (", absl::Hex(wanted_fingerprint, absl::kZeroPad16), ")"));
}

}  // namespace troupe::serialize::internal
