// A large value is never copied on its way: the pointer that a task sees lies in a shared chunk,
// and nobody's private memory grows with the value's size.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <span>
#include <string>
#include <vector>

#include "sdk/troupe.h"
#include "tests/integration/processes.h"

namespace {

using troupe::testing::LiesInAChunk;
using troupe::testing::PrivateKib;
using troupe::testing::PssKib;

constexpr size_t kCount = size_t{1} << 27;  // of doubles: 1 GiB
constexpr int64_t kMostKib = 1024;

struct Seen {
  bool in_chunk = false;
  double sum = 0;
  int64_t private_kib = 0;
};

// Touches each page.
Seen Look(std::span<const double> values) {
  const int64_t before = PrivateKib(getpid());
  Seen seen{.in_chunk = LiesInAChunk(values.data())};
  for (size_t i = 0; i < values.size(); i += 512) seen.sum += values[i];
  seen.private_kib = PrivateKib(getpid()) - before;
  return seen;
}

TEST(ZeroCopy, AnArgumentOf1GiBIsReadWhereItLies) {
  const troupe::Cluster cluster =
      troupe::Init({.workers = 2, .object_store_memory = int64_t{1200} << 20});
  troupe::ObjectRef<troupe::Array<double>> array;
  {
    troupe::Builder<double> builder = troupe::Create<double>(kCount);
    EXPECT_TRUE(LiesInAChunk(builder.data()));
    for (size_t i = 0; i < kCount; i += 512) builder[i] = 1;
    array = builder.Seal();
  }
  const auto look = troupe::Task(Look);
  const troupe::ObjectRef<Seen> first = look.Remote(array);
  const troupe::ObjectRef<Seen> second = look.Remote(array);
  for (const Seen& seen : troupe::Get(std::vector{first, second})) {
    EXPECT_TRUE(seen.in_chunk);
    EXPECT_EQ(seen.sum, kCount / 512);
    EXPECT_LT(seen.private_kib, kMostKib);
  }
  const int64_t before = PrivateKib(getpid());
  const troupe::Array<double> view = troupe::Get(array);
  EXPECT_TRUE(LiesInAChunk(view.data()));
  EXPECT_EQ(view.size(), kCount);
  double sum = 0;
  for (size_t i = 0; i < kCount; i += 512) sum += view[i];
  EXPECT_EQ(sum, kCount / 512);
  EXPECT_LT(PrivateKib(getpid()) - before, kMostKib);
}

TEST(ZeroCopy, AnArgumentOf1GiBForTenTasksIsInMemoryOnce) {
  constexpr int64_t kGibInKib = int64_t{1} << 20;
  const int64_t own_before = PssKib(getpid());
  const troupe::Cluster cluster =
      troupe::Init({.workers = 4, .object_store_memory = int64_t{1200} << 20});
  troupe::Builder<double> builder = troupe::Create<double>(kCount - 8);  // with its header, 1 GiB
  for (size_t i = 0; i < builder.size(); i += 512) builder[i] = 1;
  const troupe::ObjectRef<troupe::Array<double>> array = builder.Seal();
  std::vector<troupe::ObjectRef<Seen>> tasks;
  for (int i = 0; i < 10; ++i) tasks.push_back(troupe::Task(Look).Remote(array));
  for (const Seen& seen : troupe::Get(tasks)) EXPECT_EQ(seen.sum, kCount / 512);
  // The workers have it mapped still; what of the store nobody maps comes on top.
  int64_t sum = -own_before;
  std::vector<int> processes = troupe::testing::Descendants(getpid());
  EXPECT_EQ(processes.size(), 5u) << "a node and four workers";
  processes.push_back(getpid());
  for (const int pid : processes) sum += PssKib(pid);
  const troupe::MemoryInfo info = troupe::Memory(0);
  const auto others =
      static_cast<int64_t>((info.leased_bytes + info.kept_bytes + info.object_bytes) / 1024) -
      kGibInKib;
  std::printf("PSS of the cluster: %" PRId64 " MiB, and %" PRId64 " MiB of the store beside it\n",
              sum / 1024, others / 1024);
  EXPECT_GE(sum, kGibInKib);
  EXPECT_LE(sum + others, kGibInKib * 11 / 10);
}

TEST(ZeroCopy, WhatWasBuiltInPlaceIsPublishedInNoTime) {
  const troupe::Cluster cluster =
      troupe::Init({.workers = 1, .object_store_memory = int64_t{1200} << 20});
  std::vector<double> micros;
  for (int run = 0; run < 5; ++run) {
    troupe::Builder<double> builder = troupe::Create<double>(kCount);
    builder[kCount - 1] = run;
    const auto begin = std::chrono::steady_clock::now();
    const troupe::ObjectRef<troupe::Array<double>> array = builder.Seal();
    micros.push_back(
        std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin)
            .count());
    EXPECT_EQ(troupe::Get(array)[kCount - 1], run);
  }
  std::sort(micros.begin(), micros.end());
  std::printf("1 GiB built in place is published in %.1f us (%.1f to %.1f)\n", micros[2], micros[0],
              micros[4]);
  EXPECT_LE(micros[2], 10 * 50);
}

}  // namespace
