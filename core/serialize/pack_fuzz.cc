// Bytes that claim to be packed, or to be a value that is looked at where it lies: an error, or a
// view that lies within them.
//
// Input: {u8 kind, u8 length of the text} and the rest. The rest is opened as it is; then it is the
// text and the body of what is packed here, and comes out of that as it went in; then it is a
// value, with its own header and with the right one.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/base/check.h"
#include "core/serialize/pack.h"
#include "core/serialize/serialize.h"

namespace {

using troupe::serialize::Fingerprint;
using troupe::serialize::OpenPacked;
using troupe::serialize::PackedView;
using troupe::serialize::PackKind;
using troupe::serialize::PackWriter;
using troupe::serialize::ValueHeader;
using troupe::serialize::ViewArray;
using troupe::serialize::ViewString;

void CheckError(const absl::Status& status) {
  TROUPE_CHECK(absl::IsInvalidArgument(status) || absl::IsFailedPrecondition(status),
               "another error than the promised ones");
}

void CheckWithin(std::string_view all, const void* data, size_t size) {
  if (size == 0) return;
  const char* begin = static_cast<const char*>(data);
  TROUPE_CHECK(begin >= all.data() && begin + size <= all.data() + all.size(),
               "a view of other bytes");
}

void Open(std::string_view bytes, PackKind kind) {
  const absl::StatusOr<PackedView> view = OpenPacked(bytes, kind);
  if (!view.ok()) return CheckError(view.status());
  CheckWithin(bytes, view->text.data(), view->text.size());
  CheckWithin(bytes, view->body.data(), view->body.size());
}

void Pack(std::string_view text, std::string_view body, PackKind kind, PackKind other) {
  PackWriter writer(kind, text, body.size());
  if (!body.empty()) std::memcpy(writer.body().data(), body.data(), body.size());
  std::string packed = std::move(writer).Finish();
  const absl::StatusOr<PackedView> view = OpenPacked(packed, kind);
  TROUPE_CHECK(view.ok() && view->text == text, "what was packed is not there");
  TROUPE_CHECK(view->body.size() == body.size() &&
                   (body.empty() || std::memcmp(view->body.data(), body.data(), body.size()) == 0),
               "what was packed is something else");
  TROUPE_CHECK(OpenPacked(packed, other).ok() == (kind == other), "one kind is taken for another");
  packed[packed.size() / 2] = static_cast<char>(packed[packed.size() / 2] ^ 1);
  TROUPE_CHECK(!OpenPacked(packed, kind).ok(), "damage is not noticed");
}

template <typename T>
std::vector<double> WithHeaderOf(std::string_view rest) {
  const ValueHeader header{.fingerprint = Fingerprint<T>()};
  std::vector<double> memory((sizeof(header) + rest.size() + 7) / 8);
  std::memcpy(memory.data(), &header, sizeof(header));
  if (!rest.empty())
    std::memcpy(reinterpret_cast<char*>(memory.data()) + sizeof(header), rest.data(), rest.size());
  return memory;
}

void Look(std::string_view bytes) {
  const auto span = std::as_bytes(std::span(bytes));
  if (const auto array = ViewArray<double>(span); array.ok()) {
    CheckWithin(bytes, array->data(), array->size_bytes());
  } else {
    CheckError(array.status());
  }
  if (const auto string = ViewString(span); string.ok()) {
    CheckWithin(bytes, string->data(), string->size());
  } else {
    CheckError(string.status());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const auto kind = PackKind(data[0] % 5), other = PackKind(data[0] / 5 % 5);
  // Aligned, and of exactly this size: AddressSanitizer sees each step beyond it.
  const std::unique_ptr<char[]> memory(new char[size - 2]);
  const std::string_view rest(memory.get(), size - 2);
  if (!rest.empty()) std::memcpy(memory.get(), data + 2, rest.size());
  const size_t text = std::min<size_t>(data[1], rest.size());
  Open(rest, kind);
  Pack(rest.substr(0, text), rest.substr(text), kind, other);
  Look(rest);
  for (const std::vector<double>& value :
       {WithHeaderOf<std::vector<double>>(rest), WithHeaderOf<std::string>(rest)}) {
    Look({reinterpret_cast<const char*>(value.data()), value.size() * sizeof(double)});
  }
  return 0;
}
