#include "core/wire/message_mutator.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "core/wire/message_samples.h"
#include "core/wire/messages.h"

namespace troupe::wire {
namespace {

std::vector<uint8_t> BytesOf(const ClientMessage& message) {
  MessageBuffer buffer;
  const Bytes bytes = Encode(message, buffer);
  const auto* const begin = reinterpret_cast<const uint8_t*>(bytes.data());
  return {begin, begin + bytes.size()};
}
std::vector<uint8_t> Mutated(std::vector<uint8_t> input, size_t max_size, unsigned seed) {
  const size_t size = input.size();
  input.resize(std::max(size, max_size));
  input.resize(MutateMessage(input.data(), size, max_size, seed));
  return input;
}
bool Decodes(const std::vector<uint8_t>& input) {
  std::vector<uint64_t> words(input.size() / sizeof(uint64_t));
  if (!words.empty()) std::memcpy(words.data(), input.data(), words.size() * sizeof(uint64_t));
  return DecodeClientMessage(std::as_bytes(std::span(words))).ok();
}

TEST(MessageMutator, KeepsToItsBoundsAndToItsSeed) {
  for (const auto& [name, message] : ClientMessageSamples()) {
    const std::vector<uint8_t> input = BytesOf(message);
    for (unsigned seed = 0; seed < 200; ++seed) {
      for (const size_t max_size : {size_t{0}, size_t{7}, size_t{8}, input.size(), size_t{4096}}) {
        const std::vector<uint8_t> mutated = Mutated(input, max_size, seed);
        ASSERT_LE(mutated.size(), max_size) << name;
        ASSERT_EQ(mutated, Mutated(input, max_size, seed)) << name;
      }
    }
  }
}

// What it makes is another message often enough, and mostly one that only almost is.
TEST(MessageMutator, MakesMessagesAndWhatIsNone) {
  int changed = 0, decoded = 0, all = 0;
  for (const auto& [name, message] : ClientMessageSamples()) {
    const std::vector<uint8_t> input = BytesOf(message);
    for (unsigned seed = 0; seed < 200; ++seed, ++all) {
      const std::vector<uint8_t> mutated = Mutated(input, 4096, seed);
      if (mutated == input) continue;
      ++changed;
      decoded += Decodes(mutated);
    }
  }
  EXPECT_GT(changed, all * 9 / 10);
  EXPECT_GT(decoded, all / 10);
  EXPECT_LT(decoded, all * 9 / 10);
}

}  // namespace
}  // namespace troupe::wire
