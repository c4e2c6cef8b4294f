#include "core/base/fuzz_events.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <vector>

namespace troupe {
namespace {

std::vector<uint8_t> Numbered(uint8_t count) {
  std::vector<uint8_t> bytes;
  for (uint8_t i = 1; i <= count; ++i) bytes.insert(bytes.end(), FuzzEvent::kBytes, i);
  return bytes;
}

TEST(FuzzEvents, AreTheWholeRecordsOfTheBytes) {
  std::vector<uint8_t> bytes = Numbered(3);
  bytes.push_back(9);
  const std::vector<FuzzEvent> events = FuzzEvents(bytes.data(), bytes.size());
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events[1].what, 2);
  EXPECT_EQ(events[2].much, 3);
  EXPECT_TRUE(FuzzEvents(nullptr, 0).empty());
}

// Most events come out of a mutation as they were, each change of the five happens, and nothing is
// written beyond the room.
TEST(FuzzEvents, AreMutatedAsWholes) {
  constexpr size_t kEvents = 10, kRoom = 12 * FuzzEvent::kBytes;
  bool grew = false, shrank = false, moved = false, changed = false;
  for (uint32_t seed = 0; seed < 500; ++seed) {
    std::vector<uint8_t> bytes = Numbered(kEvents);
    bytes.resize(kRoom + FuzzEvent::kBytes, 0xee);
    const size_t size = MutateFuzzEvents(bytes.data(), kEvents * FuzzEvent::kBytes, kRoom, seed);
    ASSERT_LE(size, kRoom);
    ASSERT_EQ(size % FuzzEvent::kBytes, 0u);
    EXPECT_TRUE(
        std::all_of(bytes.begin() + kRoom, bytes.end(), [](uint8_t byte) { return byte == 0xee; }));
    std::vector<uint8_t> whole;
    for (const FuzzEvent& event : FuzzEvents(bytes.data(), size)) {
      const uint8_t n = event.what;
      const bool same = n >= 1 && n <= kEvents && event.who == n && event.which == n &&
                        event.other == n && event.how == n && event.much == n;
      if (same) whole.push_back(n);
      changed |= !same;
    }
    grew |= size > kEvents * FuzzEvent::kBytes;
    shrank |= size < kEvents * FuzzEvent::kBytes;
    moved |= std::set(whole.begin(), whole.end()).size() == kEvents &&
             !std::is_sorted(whole.begin(), whole.end());
  }
  EXPECT_TRUE(grew && shrank && moved && changed);
}

TEST(FuzzEvents, GrowFromNothingAndFitIntoNoRoom) {
  std::vector<uint8_t> bytes(4 * FuzzEvent::kBytes);
  EXPECT_GT(MutateFuzzEvents(bytes.data(), 0, bytes.size(), 1), 0u);
  EXPECT_EQ(MutateFuzzEvents(bytes.data(), 0, FuzzEvent::kBytes - 1, 1), 0u);
}

}  // namespace
}  // namespace troupe
