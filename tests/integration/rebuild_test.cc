// What was spilled and comes back damaged is made again by its task, bit by bit the same; what was
// Put is lost, and says so.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "sdk/troupe.h"
#include "tests/integration/spill_files.h"

namespace {

constexpr int64_t kMebibyte = int64_t{1} << 20;
constexpr size_t kBytes = 1'000'000;  // of each value

std::string Directory() { return std::getenv("TEST_TMPDIR"); }

using Bytes = std::vector<uint8_t>;

Bytes RandomBytes(uint64_t seed) {
  std::independent_bits_engine<std::mt19937_64, 8, uint8_t> random(seed);
  Bytes bytes(kBytes);
  std::generate(bytes.begin(), bytes.end(), std::ref(random));
  return bytes;
}

// Each run leaves a line.
void Count(const std::string& log) { std::ofstream(log, std::ios::app) << "run\n"; }

int64_t RunsIn(const std::string& log) {
  std::ifstream file(log);
  std::string line;
  int64_t runs = 0;
  while (std::getline(file, line)) ++runs;
  return runs;
}

Bytes Make(uint64_t seed, const std::string& log) {
  Count(log);
  return RandomBytes(seed);
}

Bytes Step(Bytes bytes, uint64_t add, const std::string& log) {
  Count(log);
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(byte + add);
  return bytes;
}

uint64_t Sum(std::span<const uint8_t> bytes) {
  uint64_t sum = 0;
  for (const uint8_t byte : bytes) sum += byte;
  return sum;
}

void WaitFor(const troupe::ObjectRef<Bytes>& ref) {
  EXPECT_EQ(troupe::Wait(std::vector{ref}).ready.size(), 1u);
}

class Rebuild : public testing::Test {
 protected:
  Rebuild() { std::remove(log_.c_str()); }

  // Until all that was there before must have left memory; then what is on the disk is damaged.
  void PushOutAndDamage() {
    std::vector<troupe::ObjectRef<Bytes>> others;
    for (int i = 0; i < 24; ++i) others.push_back(troupe::Put(Bytes(kBytes)));
    ASSERT_GT(troupe::testing::DamageSpillFiles(Directory()), 0u);
  }

  const troupe::Cluster cluster_ = troupe::Init(
      {.workers = 2, .object_store_memory = 8 * kMebibyte, .spill_directories = {Directory()}});
  const std::string log_ = Directory() + "/runs";
};

TEST_F(Rebuild, AResultIsMadeAgainBitByBit) {
  const auto made = troupe::Task(Make).Remote(17, log_);
  WaitFor(made);
  PushOutAndDamage();
  EXPECT_EQ(troupe::Get(made), RandomBytes(17));
  EXPECT_EQ(RunsIn(log_), 2);
}

TEST_F(Rebuild, WhatATaskTakesIsMadeAgainWhileItWaits) {
  const auto made = troupe::Task(Make).Remote(18, log_);
  WaitFor(made);
  PushOutAndDamage();
  const Bytes expected = RandomBytes(18);
  EXPECT_EQ(troupe::Get(troupe::Task(Sum).Remote(made)), Sum(expected));
  EXPECT_EQ(RunsIn(log_), 2);
}

TEST_F(Rebuild, AChainWhoseLinksWereFreedIsRunAgain) {
  troupe::ObjectRef<Bytes> last = troupe::Task(Make).Remote(19, log_);
  for (uint64_t i = 1; i <= 5; ++i) last = troupe::Task(Step).Remote(last, i, log_);
  WaitFor(last);
  EXPECT_EQ(RunsIn(log_), 6);
  PushOutAndDamage();
  Bytes expected = RandomBytes(19);
  for (uint8_t& byte : expected) byte = static_cast<uint8_t>(byte + 15);
  EXPECT_EQ(troupe::Get(last), expected);
  EXPECT_GT(RunsIn(log_), 6);
  EXPECT_LE(RunsIn(log_), 12);
}

TEST_F(Rebuild, WhatWasPutIsLostAndSaysWhy) {
  const auto put = troupe::Put(RandomBytes(20));
  const auto made_of_it = troupe::Task(Step).Options({.name = "Adder"}).Remote(put, 1, log_);
  WaitFor(made_of_it);
  PushOutAndDamage();
  try {
    (void)troupe::Get(put);
    FAIL() << "wrong data was taken for right";
  } catch (const troupe::ObjectLost& e) {
    for (const char* part : {"made by Put", "damaged", "a value that was Put cannot be made again"})
      EXPECT_NE(std::string(e.what()).find(part), std::string::npos) << e.what();
  }
  EXPECT_THROW((void)troupe::Get(made_of_it), troupe::ObjectLost);
}

TEST_F(Rebuild, ATaskWithoutRetriesIsNotRunAgain) {
  const auto made = troupe::Task(Make).Options({.name = "Once", .max_retries = 0}).Remote(21, log_);
  WaitFor(made);
  PushOutAndDamage();
  try {
    (void)troupe::Get(made);
    FAIL() << "wrong data was taken for right";
  } catch (const troupe::ObjectLost& e) {
    for (const char* part : {"made by Once", "none of its max_retries is left"})
      EXPECT_NE(std::string(e.what()).find(part), std::string::npos) << e.what();
  }
  EXPECT_EQ(RunsIn(log_), 1);
}

}  // namespace
