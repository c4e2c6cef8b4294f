#include "core/serialize/serialize.h"

#include <cxxabi.h>

#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "core/base/string_view.h"

namespace troupe::serialize {

absl::StatusOr<std::string_view> ViewString(std::span<const std::byte> bytes) {
  const auto view = ViewContiguous<std::string>(bytes);
  if (!view.ok()) return view.status();
  return std::string_view(reinterpret_cast<const char*>(view->data()), view->size());
}

}  // namespace troupe::serialize

namespace troupe::serialize::internal {

absl::StatusOr<std::span<const std::byte>> ContiguousIn(std::span<const std::byte> bytes,
                                                        std::string_view type) {
  uint64_t size = 0;
  if (bytes.size() < sizeof(ValueHeader) + sizeof(size))
    return DecodeError(type, "its bytes end too early");
  std::memcpy(&size, bytes.data() + sizeof(ValueHeader), sizeof(size));
  if (size > bytes.size()) return DecodeError(type, "its bytes end too early");
  const size_t begin = ContiguousAt(static_cast<size_t>(size));
  if (begin > bytes.size() || size > bytes.size() - begin)
    return DecodeError(type, "its bytes end too early");
  return bytes.subspan(begin, static_cast<size_t>(size));
}

std::string PolymorphicError(const std::type_info& base, const std::string& derived) {
  const auto demangled = [](const std::string& name) {
    int status = 0;
    char* text = abi::__cxa_demangle(name.c_str(), nullptr, nullptr, &status);
    std::string result = status == 0 && text != nullptr ? text : name;
    std::free(text);
    return result;
  };
  return absl::StrCat("the class ", demangled(derived), " is not registered for pointers to ",
                      demangled(base.name()),
                      ": add const bool registered = RegisterDerived<Base, "
                      "Derived>(\"name\") at namespace scope");
}

absl::Status EncodeError(std::string_view type, std::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat("a ", ToAbsl(type), " cannot be sent: ", ToAbsl(what)));
}

absl::Status DecodeError(std::string_view type, std::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("this is no ", ToAbsl(type), ": ", ToAbsl(what)));
}

absl::Status MismatchError(uint64_t wanted_fingerprint, uint64_t stored_fingerprint) {
  std::string stored = TextOf(stored_fingerprint);
  if (stored.empty()) stored = "that this program does not know";
  return absl::FailedPreconditionError(absl::StrCat(
      "a value of type ", stored, " (", absl::Hex(stored_fingerprint, absl::kZeroPad16),
      ") was read as ", TextOf(wanted_fingerprint), " (",
      absl::Hex(wanted_fingerprint, absl::kZeroPad16), ")"));
}

}  // namespace troupe::serialize::internal
