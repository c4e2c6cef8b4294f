#include "core/serialize/pack.h"

#include <cstring>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "core/base/string_view.h"

namespace troupe::serialize {
namespace {

constexpr char kMagic[4] = {'T', 'R', 'P', 'K'};
constexpr size_t kBodyAlignment = 16;

struct PackHeader {
  char magic[4];
  uint16_t version;
  uint16_t kind;
  uint64_t total_bytes;
  uint64_t checksum;  // of all that follows
  uint32_t text_bytes;
  uint32_t reserved;
};
static_assert(sizeof(PackHeader) == 32);

size_t BodyAt(size_t text_bytes) {
  return (sizeof(PackHeader) + text_bytes + kBodyAlignment - 1) / kBodyAlignment * kBodyAlignment;
}

// Each byte changes it, and where it stands. Not for adversaries.
uint64_t Checksum(std::string_view bytes, uint64_t seed) {
  uint64_t hash = seed ^ 0x9E3779B97F4A7C15u;
  size_t at = 0;
  for (; at + 8 <= bytes.size(); at += 8) {
    uint64_t word;
    std::memcpy(&word, bytes.data() + at, sizeof(word));
    hash = (hash ^ word) * 0x9FB21C651E98DF25u;
    hash ^= hash >> 32;
  }
  for (; at < bytes.size(); ++at) {
    hash = (hash ^ static_cast<unsigned char>(bytes[at])) * 0x9FB21C651E98DF25u;
    hash ^= hash >> 32;
  }
  return hash ^ bytes.size();
}

std::string_view NameOf(uint16_t kind) {
  switch (PackKind(kind)) {
    case PackKind::kValue:
      return "a value";
    case PackKind::kTask:
      return "a task";
    case PackKind::kResult:
      return "a result";
    case PackKind::kFunction:
      return "a function";
  }
  return "something unknown";
}

uint64_t ChecksumOf(const PackHeader& header, std::string_view rest) {
  return Checksum(rest, uint64_t{header.kind} << 32 | header.text_bytes);
}

}  // namespace

PackWriter::PackWriter(PackKind kind, std::string_view text, size_t body_bytes)
    : bytes_(Bytes(text, body_bytes), '\0'), body_at_(BodyAt(text.size())) {
  PackHeader header{};
  std::memcpy(header.magic, kMagic, sizeof(kMagic));
  header.version = kPackVersion;
  header.kind = static_cast<uint16_t>(kind);
  header.total_bytes = bytes_.size();
  header.text_bytes = static_cast<uint32_t>(text.size());
  std::memcpy(bytes_.data(), &header, sizeof(header));
  if (!text.empty()) std::memcpy(bytes_.data() + sizeof(header), text.data(), text.size());
}

size_t PackWriter::Bytes(std::string_view text, size_t body_bytes) {
  return BodyAt(text.size()) + body_bytes;
}

std::string PackWriter::Finish() && {
  PackHeader header;
  std::memcpy(&header, bytes_.data(), sizeof(header));
  header.checksum = ChecksumOf(header, std::string_view(bytes_).substr(sizeof(header)));
  std::memcpy(bytes_.data(), &header, sizeof(header));
  return std::move(bytes_);
}

absl::StatusOr<PackedView> OpenPacked(std::string_view bytes, PackKind kind) {
  PackHeader header;
  if (bytes.size() < sizeof(header) || std::memcmp(bytes.data(), kMagic, sizeof(kMagic)) != 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        "these ", bytes.size(), " bytes were not packed by Troupe, or are only the beginning"));
  }
  std::memcpy(&header, bytes.data(), sizeof(header));
  if (header.version != kPackVersion) {
    return absl::InvalidArgumentError(
        absl::StrCat("these bytes were packed in version ", header.version,
                     " of the format, and this program reads version ", kPackVersion));
  }
  if (header.total_bytes != bytes.size()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "these are ", bytes.size(), " bytes of packed ones that had ", header.total_bytes));
  }
  if (header.text_bytes > bytes.size() || BodyAt(header.text_bytes) > bytes.size() ||
      header.reserved != 0 || header.checksum != ChecksumOf(header, bytes.substr(sizeof(header)))) {
    return absl::InvalidArgumentError("these packed bytes are damaged: their checksum is wrong");
  }
  if (header.kind != static_cast<uint16_t>(kind)) {
    return absl::InvalidArgumentError(absl::StrCat("these bytes are ", ToAbsl(NameOf(header.kind)),
                                                   ", not ",
                                                   ToAbsl(NameOf(static_cast<uint16_t>(kind)))));
  }
  return PackedView{bytes.substr(sizeof(header), header.text_bytes),
                    std::as_bytes(std::span(bytes)).subspan(BodyAt(header.text_bytes))};
}

}  // namespace troupe::serialize
