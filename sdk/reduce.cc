#include "sdk/reduce.h"

#include <cstring>

namespace troupe::internal {

std::vector<std::byte> JoinCallables(std::span<const std::byte> first,
                                     std::span<const std::byte> second) {
  const uint64_t size = first.size();
  const auto size_bytes = std::as_bytes(std::span(&size, 1));
  std::vector<std::byte> both(size_bytes.begin(), size_bytes.end());
  both.insert(both.end(), first.begin(), first.end());
  both.insert(both.end(), second.begin(), second.end());
  return both;
}

std::pair<std::span<const std::byte>, std::span<const std::byte>> SplitCallables(
    std::span<const std::byte> both) {
  uint64_t size = 0;
  if (both.size() < sizeof(size)) return {};
  std::memcpy(&size, both.data(), sizeof(size));
  both = both.subspan(sizeof(size));
  if (size > both.size()) return {};
  return {both.first(static_cast<size_t>(size)), both.subspan(static_cast<size_t>(size))};
}

}  // namespace troupe::internal
