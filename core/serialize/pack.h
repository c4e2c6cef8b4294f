// Packed bytes stand by themselves: in a file, a database, another program. Their frame says what
// they are, of which type, and whether they are whole.
//
//   PackWriter writer(PackKind::kValue, TypeText<T>(), size.bytes);
//   EncodeTo(value, writer.body(), &refs);
//   std::string packed = std::move(writer).Finish();
//   absl::StatusOr<PackedView> view = OpenPacked(packed, PackKind::kValue);
//
// Layout: magic "TRPK", version, kind, length of the text, checksum of all that follows; the text;
// zeros up to a multiple of 16; the body. Native byte order. Errors: InvalidArgument, one sentence.
// Thread-safe.
#ifndef TROUPE_CORE_SERIALIZE_PACK_H_
#define TROUPE_CORE_SERIALIZE_PACK_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace troupe::serialize {

inline constexpr uint16_t kPackVersion = 1;

enum class PackKind : uint16_t { kValue = 1, kTask = 2, kResult = 3, kFunction = 4 };

class PackWriter {
 public:
  // `text`: what it is, for people.
  PackWriter(PackKind kind, std::string_view text, size_t body_bytes);
  // To be filled: exactly so many bytes.
  std::span<std::byte> body() {
    return std::as_writable_bytes(std::span(bytes_)).subspan(body_at_);
  }
  std::string Finish() &&;

  static size_t Bytes(std::string_view text, size_t body_bytes);

 private:
  std::string bytes_;
  size_t body_at_;
};

struct PackedView {
  std::string_view text;
  std::span<const std::byte> body;
};
// A view of `bytes`. Errors where they are not packed, of another kind or version, cut or damaged.
absl::StatusOr<PackedView> OpenPacked(std::string_view bytes, PackKind kind);

}  // namespace troupe::serialize

#endif  // TROUPE_CORE_SERIALIZE_PACK_H_
