#include "core/base/free_blocks.h"

#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace troupe {
namespace {

constexpr size_t kMost = 4;

// Each test has a size, and so a list, of its own.
template <int kTest>
struct RecordOf : Recycled<RecordOf<kTest>, kMost> {
  uint64_t words[100 + kTest] = {};
};

TEST(FreeBlocks, GivesWhatWasFreedToTheNext) {
#if defined(TROUPE_KEEPS_NO_BLOCKS)
  GTEST_LOG_(INFO) << "nothing is kept under AddressSanitizer";
#else
  using Record = RecordOf<1>;
  auto first = std::make_unique<Record>();
  auto second = std::make_unique<Record>();
  const void* const blocks[] = {first.get(), second.get()};
  first = nullptr;
  second = nullptr;
  const auto third = std::make_unique<Record>();
  const auto fourth = std::make_unique<Record>();
  EXPECT_EQ(third.get(), blocks[1]);
  EXPECT_EQ(fourth.get(), blocks[0]);
#endif
}

// What was freed last is the first to be given, unless it was one too many.
TEST(FreeBlocks, GivesBackWhatIsAboveItsBound) {
#if !defined(TROUPE_KEEPS_NO_BLOCKS)
  using Record = RecordOf<5>;
  for (int round = 0; round < 2; ++round) {
    std::vector<std::unique_ptr<Record>> records;
    for (size_t i = 0; i < kMost + 1; ++i) records.push_back(std::make_unique<Record>());
    const void* const last_kept = records[kMost - 1].get();
    for (std::unique_ptr<Record>& record : records) record = nullptr;
    EXPECT_EQ(std::make_unique<Record>().get(), last_kept) << "round " << round;
  }
#endif
}

TEST(FreeBlocks, ConstructsWhatItGives) {
  using Record = RecordOf<2>;
  for (int round = 0; round < 3; ++round) {
    std::vector<std::unique_ptr<Record>> records;
    for (size_t i = 0; i < 3 * kMost; ++i) {
      records.push_back(std::make_unique<Record>());
      for (uint64_t& word : records.back()->words) {
        ASSERT_EQ(word, 0u);
        word = ~uint64_t{0};
      }
    }
  }
}

TEST(FreeBlocks, LeavesWhatIsLargerAlone) {
  using Record = RecordOf<3>;
  struct LargerRecord : Record {
    uint64_t more[100] = {};
  };
  auto record = std::make_unique<Record>();
  const void* const block = record.get();
  record = nullptr;
  for (int i = 0; i < 3; ++i) {
    const auto larger = std::make_unique<LargerRecord>();
    larger->more[99] = 1;  // in its own memory, as AddressSanitizer sees
    EXPECT_NE(larger.get(), block) << "a block of the smaller one";
  }
}

TEST(FreeBlocks, TakesWhatAnotherThreadHasMade) {
  using Record = RecordOf<4>;
  std::unique_ptr<Record> record;
  std::thread([&] { record = std::make_unique<Record>(); }).join();
  const void* const block = record.get();
  record = nullptr;
#if !defined(TROUPE_KEEPS_NO_BLOCKS)
  record = std::make_unique<Record>();
  EXPECT_EQ(record.get(), block);
#else
  EXPECT_NE(block, nullptr);
#endif
}

TEST(FreeBlocks, AllocatorGoesToTheHeapForMore) {
  using Words = std::vector<uint64_t, RecyclingAllocator<uint64_t, 64, kMost>>;
  for (const size_t count : {1u, 8u, 9u, 1000u}) {
    Words words(count, 7);
    words.push_back(8);
    EXPECT_EQ(words.front() + words.back(), 15u);
  }
  // And goes back to it: so large a block has pages of its own.
  RecyclingAllocator<uint64_t, 128, kMost> allocator;
  uint64_t* const large = allocator.allocate(1 << 20);
  allocator.deallocate(large, 1 << 20);
  uint64_t* const small = allocator.allocate(1);
  EXPECT_NE(small, large);
  allocator.deallocate(small, 1);
}

}  // namespace
}  // namespace troupe
