// For tests: messages of all sizes whose size and content follow from their number.
#ifndef TROUPE_CORE_CHANNEL_NUMBERED_MESSAGE_H_
#define TROUPE_CORE_CHANNEL_NUMBERED_MESSAGE_H_

#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "core/channel/ring.h"

namespace troupe::channel {

// splitmix64
inline uint64_t Scramble(uint64_t x) {
  x += 0x9E3779B97F4A7C15u;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

// Mostly small; one in 16 has up to 16,000 bytes, many frames of the smallest ring.
inline size_t WordsOfMessage(uint64_t number) {
  const uint64_t random = Scramble(number);
  return 1 + (random >> 8) % (random % 16 == 0 ? 2000 : 40);
}
inline std::vector<uint64_t> NumberedMessage(uint64_t number, size_t words) {
  std::vector<uint64_t> message(words);
  for (size_t i = 0; i < words; ++i) message[i] = number * 0x9E3779B97F4A7C15u + i;
  return message;
}
inline std::vector<uint64_t> NumberedMessage(uint64_t number) {
  return NumberedMessage(number, WordsOfMessage(number));
}
inline Bytes AsBytes(const std::vector<uint64_t>& words) { return std::as_bytes(std::span(words)); }

inline bool IsMessage(Bytes bytes, uint64_t number) {
  const size_t words = WordsOfMessage(number);
  if (bytes.size() != words * 8) return false;
  for (size_t i = 0; i < words; ++i) {
    uint64_t word;
    std::memcpy(&word, bytes.data() + i * 8, 8);
    if (word != number * 0x9E3779B97F4A7C15u + i) return false;
  }
  return true;
}

}  // namespace troupe::channel

#endif  // TROUPE_CORE_CHANNEL_NUMBERED_MESSAGE_H_
