// A large value is never copied on its way: the pointer that a task sees lies in a shared chunk,
// and nobody's private memory grows with the value's size.
#include <gtest/gtest.h>

#include <cinttypes>
#include <cstdio>
#include <fstream>
#include <span>
#include <string>

#include "sdk/troupe.h"

namespace {

constexpr size_t kCount = size_t{1} << 27;  // of doubles: 1 GiB
constexpr int64_t kMostKib = 1024;

// Private memory of this process, in KiB.
int64_t PrivateKib() {
  std::ifstream file("/proc/self/smaps_rollup");
  int64_t sum = 0;
  for (std::string line; std::getline(file, line);) {
    int64_t kib = 0;
    if (std::sscanf(line.c_str(), "Private_Clean: %" SCNd64, &kib) == 1 ||
        std::sscanf(line.c_str(), "Private_Dirty: %" SCNd64, &kib) == 1) {
      sum += kib;
    }
  }
  return sum;
}

bool LiesInAChunk(const void* pointer) {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    uint64_t begin = 0, end = 0;
    if (std::sscanf(line.c_str(), "%" SCNx64 "-%" SCNx64, &begin, &end) != 2) continue;
    const auto address = reinterpret_cast<uint64_t>(pointer);
    if (address >= begin && address < end)
      return line.find("memfd:troupe-chunk") != std::string::npos;
  }
  return false;
}

struct Seen {
  bool in_chunk = false;
  double sum = 0;
  int64_t private_kib = 0;
};

// Touches each page.
Seen Look(std::span<const double> values) {
  const int64_t before = PrivateKib();
  Seen seen{.in_chunk = LiesInAChunk(values.data())};
  for (size_t i = 0; i < values.size(); i += 512) seen.sum += values[i];
  seen.private_kib = PrivateKib() - before;
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
  const int64_t before = PrivateKib();
  const troupe::Array<double> view = troupe::Get(array);
  EXPECT_TRUE(LiesInAChunk(view.data()));
  EXPECT_EQ(view.size(), kCount);
  double sum = 0;
  for (size_t i = 0; i < kCount; i += 512) sum += view[i];
  EXPECT_EQ(sum, kCount / 512);
  EXPECT_LT(PrivateKib() - before, kMostKib);
}

}  // namespace
