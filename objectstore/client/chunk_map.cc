#include "objectstore/client/chunk_map.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace troupe::objectstore {

void ChunkMap::Add(ChunkId chunk, uint64_t bytes, Mapping::Access access, UniqueFd fd) {
  Known& known = chunks_[chunk];
  known.bytes = bytes;
  View& view = access == Mapping::Access::kWrite ? known.write : known.read;
  if (!view.mapping.has_value()) view.fd = std::move(fd);
}

bool ChunkMap::Has(ChunkId chunk, Mapping::Access access) const {
  const auto it = chunks_.find(chunk);
  if (it == chunks_.end()) return false;
  const View& view = access == Mapping::Access::kWrite ? it->second.write : it->second.read;
  return view.mapping.has_value() || view.fd;
}

absl::StatusOr<std::span<std::byte>> ChunkMap::Map(const Location& location,
                                                   Mapping::Access access) {
  const auto it = chunks_.find(location.chunk);
  if (it == chunks_.end() || !Has(location.chunk, access)) {
    return absl::NotFoundError(absl::StrCat(
        "the descriptor of chunk ", static_cast<uint32_t>(location.chunk), " has not come"));
  }
  Known& known = it->second;
  View& view = access == Mapping::Access::kWrite ? known.write : known.read;
  if (!view.mapping.has_value()) {
    absl::StatusOr<Mapping> mapping = Mapping::Map(view.fd.get(), known.bytes, access);
    if (!mapping.ok()) return mapping.status();
    view.mapping.emplace(*std::move(mapping));
    view.fd.reset();
  }
  if (location.offset > known.bytes || location.size > known.bytes - location.offset) {
    return absl::InvalidArgumentError(
        absl::StrCat(location.size, " bytes at ", location.offset, " of a chunk of ", known.bytes));
  }
  return std::span<std::byte>(view.mapping->data() + location.offset, location.size);
}

absl::StatusOr<std::span<const std::byte>> ChunkMap::Read(const Location& location) {
  return Map(location, Mapping::Access::kRead);
}

void ChunkMap::Prepare(const Location& location) {
  if (!Map(location, Mapping::Access::kWrite).ok()) return;
  Known& known = chunks_.at(location.chunk);
  known.prepared.resize((known.bytes + kBlockBytes - 1) / kBlockBytes);
  const uint64_t end = location.offset + location.size;
  uint64_t missing = location.offset;  // from here to the block that is looked at
  const auto prepare_until = [&](uint64_t offset) {
    if (offset > missing) known.write.mapping->Prepare(missing, offset - missing);
  };
  for (uint64_t begin = location.offset; begin < end;) {
    const uint64_t block = begin / kBlockBytes;
    const uint64_t block_end = std::min((block + 1) * kBlockBytes, known.bytes);
    const uint64_t next = std::min(block_end, end);
    if (known.prepared[block]) {
      prepare_until(begin);
      missing = next;
    }
    // The rest of a block that is prepared in part may have another owner yet.
    if (begin == block * kBlockBytes && next == block_end) known.prepared[block] = true;
    begin = next;
  }
  prepare_until(end);
}

void ChunkMap::ForgetPrepared() {
  for (auto& [id, known] : chunks_) known.prepared.clear();
}

absl::StatusOr<std::span<std::byte>> ChunkMap::Write(const Location& location) {
  return Map(location, Mapping::Access::kWrite);
}

}  // namespace troupe::objectstore
