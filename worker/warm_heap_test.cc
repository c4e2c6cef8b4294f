#include "worker/warm_heap.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstddef>
#include <cstdio>
#include <vector>

namespace troupe::worker {
namespace {

constexpr size_t kBytes = size_t{50} << 20;

int64_t PageFaults() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_minflt;
}

// Memory of this process that is in use: bytes.
size_t ResidentBytes() {
  std::FILE* file = std::fopen("/proc/self/statm", "r");
  unsigned long all = 0, resident = 0;
  EXPECT_EQ(std::fscanf(file, "%lu %lu", &all, &resident), 2);
  std::fclose(file);
  return resident * static_cast<size_t>(getpagesize());
}

char UseABlock() {
  const std::vector<char> block(kBytes, 'x');
  const volatile char* looked_at = block.data();
  return looked_at[kBytes / 2];
}

TEST(WarmHeap, ALargeBlockIsThatOfTheTaskBefore) {
  KeepHeapWarm();
  UseABlock();
  const int64_t before = PageFaults();
  UseABlock();
  EXPECT_LT(PageFaults() - before, 100) << "of 12,800 pages";
}

TEST(WarmHeap, WhatIsGivenBackIsGone) {
  KeepHeapWarm();
  UseABlock();
  const size_t warm = ResidentBytes();
  EXPECT_GT(warm, kBytes);
  GiveBackHeap();
  EXPECT_LT(ResidentBytes(), warm - kBytes / 2);
}

}  // namespace
}  // namespace troupe::worker
