// Tasks that take more memory than there is, on real processes: the cluster's memory_limit stands
// for the machine's.
#include <gtest/gtest.h>

#include <cstddef>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "sdk/troupe.h"

namespace {

constexpr int64_t kLimit = int64_t{1} << 30;

// Takes so much, piece by piece; how much it got.
size_t Take(size_t bytes) {
  constexpr size_t kPiece = size_t{16} << 20;
  std::vector<std::vector<char>> pieces;
  for (size_t taken = 0; taken < bytes; taken += kPiece) pieces.emplace_back(kPiece, 'x');
  return pieces.size() * kPiece;
}
// The same on its first attempt only.
size_t TakeOnce(size_t bytes, const std::string& marker) {
  if (std::filesystem::exists(marker)) return 0;
  std::ofstream(marker) << "x";
  return Take(bytes);
}
int Square(int x) { return x * x; }

troupe::Cluster SmallCluster() {
  return troupe::Init(
      {.workers = 2, .object_store_memory = int64_t{64} << 20, .memory_limit = kLimit});
}

TEST(OutOfMemory, IsToldWithSizes) {
  const troupe::Cluster cluster = SmallCluster();
  const auto greedy = troupe::Task(Take).Options({.max_retries = 0}).Remote(size_t{64} << 30);
  const auto modest = troupe::Task(Square).Remote(3);
  try {
    (void)troupe::Get(greedy);
    FAIL() << "it got 64 GiB";
  } catch (const troupe::OutOfMemory& e) {
    EXPECT_NE(std::string(e.what()).find("memory_limit is 1.0 GiB"), std::string::npos) << e.what();
    EXPECT_NE(std::string(e.what()).find("this process had"), std::string::npos) << e.what();
    EXPECT_EQ(e.info().attempt, 1u);
  }
  EXPECT_EQ(troupe::Get(modest), 9);
  EXPECT_EQ(troupe::Get(troupe::Task(Square).Remote(4)), 16);
}

TEST(OutOfMemory, WhatMayBeRepeatedIsRepeated) {
  const troupe::Cluster cluster = SmallCluster();
  const std::string marker = ::testing::TempDir() + "/taken";
  std::filesystem::remove(marker);
  EXPECT_EQ(troupe::Get(troupe::Task(TakeOnce).Remote(size_t{64} << 30, marker)), 0u);
}

class Hoarder {
 public:
  size_t Take(size_t bytes) { return ::Take(bytes); }
};

TEST(OutOfMemory, AnActorDiesOfIt) {
  const troupe::Cluster cluster = SmallCluster();
  const auto hoarder = troupe::Actor<Hoarder>().Remote();
  try {
    (void)troupe::Get(hoarder.Task(&Hoarder::Take).Remote(size_t{64} << 30));
    FAIL() << "it got 64 GiB";
  } catch (const troupe::ActorDied& e) {
    EXPECT_NE(std::string(e.what()).find("memory_limit"), std::string::npos) << e.what();
  }
}

}  // namespace
