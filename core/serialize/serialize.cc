#include "core/serialize/serialize.h"

#include "absl/strings/str_cat.h"
#include "core/base/string_view.h"

namespace troupe::serialize {

absl::StatusOr<std::string_view> ViewString(std::span<const std::byte> bytes) {
  if (absl::Status status = internal::CheckHeader<std::string>(bytes); !status.ok()) return status;
  uint64_t size = 0;
  const size_t begin = sizeof(ValueHeader) + sizeof(size);
  const auto too_short = [] {
    return internal::DecodeError(TypeName<std::string>(), "its bytes end too early");
  };
  if (bytes.size() < begin) return too_short();
  std::memcpy(&size, bytes.data() + sizeof(ValueHeader), sizeof(size));
  if (size > bytes.size() - begin) return too_short();
  const size_t padding = PaddingAt(begin, static_cast<size_t>(size));
  if (padding + size > bytes.size() - begin) return too_short();
  return std::string_view(reinterpret_cast<const char*>(bytes.data()) + begin + padding,
                          static_cast<size_t>(size));
}

}  // namespace troupe::serialize

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
