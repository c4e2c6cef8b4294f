// More than fits: values go to disk and come back, bit by bit the same, whatever is killed; whoever
// looks at one keeps it; and each way in which there is no room has its sentence.
//
//   bazel run -c opt //tests/integration:spill_test -- --store_mebibytes=256 --mebibytes=20000
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "sdk/troupe.h"
#include "tests/integration/processes.h"
#include "tests/integration/spill_files.h"

namespace {

using std::chrono_literals::operator""s;
using troupe::testing::BecomesTrue;
using troupe::testing::ChunkBytesOf;
using troupe::testing::Descendants;
using troupe::testing::EmbeddedNode;
using troupe::testing::NameOf;

int64_t store_mebibytes = 32;
int64_t mebibytes = 400;

constexpr int64_t kMebibyte = int64_t{1} << 20;

std::string SpillDirectory() { return std::getenv("TEST_TMPDIR"); }

// The bytes that belong to a seed.
void Fill(uint64_t seed, uint8_t* bytes, size_t size) {
  std::mt19937_64 random(seed);
  for (; size >= 8; size -= 8, bytes += 8) {
    const uint64_t word = random();
    std::memcpy(bytes, &word, 8);
  }
  const uint64_t word = random();
  if (size > 0) std::memcpy(bytes, &word, size);
}

bool IsRight(std::span<const uint8_t> bytes, uint64_t seed) {
  std::vector<uint8_t> expected(bytes.size());
  Fill(seed, expected.data(), expected.size());
  return std::equal(bytes.begin(), bytes.end(), expected.begin());
}

troupe::ObjectRef<troupe::Array<uint8_t>> PutRandom(uint64_t seed, size_t size) {
  troupe::Builder<uint8_t> builder = troupe::Create<uint8_t>(size);
  Fill(seed, builder.data(), size);
  return builder.Seal();
}

std::vector<uint8_t> MakeRandom(uint64_t seed, size_t size) {
  std::vector<uint8_t> bytes(size);
  Fill(seed, bytes.data(), size);
  return bytes;
}

// Until what was dropped has gone from the node's tables, too.
troupe::MemoryInfo MemoryWhenQuiet() {
  const absl::Time deadline = absl::Now() + absl::Seconds(60);
  troupe::MemoryInfo info = troupe::Memory();
  while ((info.object_count > 0 || info.spilled_bytes > 0) && absl::Now() < deadline) {
    absl::SleepFor(absl::Milliseconds(5));
    info = troupe::Memory();
  }
  return info;
}

TEST(Spill, RandomValuesComeBackThroughASmallStore) {
  const troupe::Cluster cluster = troupe::Init({.workers = 2,
                                                .object_store_memory = store_mebibytes * kMebibyte,
                                                .spill_directories = {SpillDirectory()}});
  std::mt19937_64 random(17);
  const auto check = troupe::Task(IsRight).Options({.max_retries = -1});
  const auto make = troupe::Task(MakeRandom).Options({.max_retries = -1});
  struct Held {
    uint64_t seed;
    size_t size;
    troupe::ObjectRef<troupe::Array<uint8_t>> put;
    troupe::ObjectRef<std::vector<uint8_t>> made;
  };
  std::deque<Held> held;
  std::vector<troupe::ObjectRef<bool>> checks;
  // By a worker, or here.
  const auto read = [&](const Held& h) {
    if (random() % 2 == 0) {
      checks.push_back(h.put ? check.Remote(h.put, h.seed) : check.Remote(h.made, h.seed));
    } else if (h.put) {
      EXPECT_TRUE(IsRight(troupe::Get(h.put), h.seed)) << h.seed;
    } else {
      EXPECT_TRUE(IsRight(troupe::Get(h.made), h.seed)) << h.seed;
    }
  };
  const auto workers = [] {
    std::vector<int> pids = Descendants(getpid());
    std::erase_if(pids, [](int pid) { return NameOf(pid) != "troupe-worker"; });
    return pids;
  };
  int kills = 0;
  int64_t bytes = 0, held_bytes_limit = 3 * store_mebibytes * kMebibyte;
  int64_t held_bytes = 0;
  for (uint64_t seed = 1; bytes < mebibytes * kMebibyte; ++seed) {
    // From 1 byte to a quarter of the store, at most 64 MiB, each order of magnitude as often.
    const int largest = store_mebibytes >= 256 ? 26 : 23;
    const size_t size =
        std::max<size_t>(1, (random() % 1000 + 1) * (size_t{1} << random() % (largest + 1)) / 1000);
    bytes += static_cast<int64_t>(size);
    held_bytes += static_cast<int64_t>(size);
    Held h{seed, size, {}, {}};
    if (random() % 2 == 0) {
      h.put = PutRandom(seed, size);
    } else {
      h.made = make.Remote(seed, size);
    }
    held.push_back(std::move(h));
    read(held[random() % held.size()]);
    while (held_bytes > held_bytes_limit) {
      // Each is read once more before it goes.
      const auto victim = held.begin() + static_cast<ptrdiff_t>(random() % held.size());
      read(*victim);
      held_bytes -= static_cast<int64_t>(victim->size);
      held.erase(victim);
    }
    if (random() % 100 == 0) {  // whatever it is doing
      const std::vector<int> pids = workers();
      if (!pids.empty()) kills += kill(pids[random() % pids.size()], SIGKILL) == 0 ? 1 : 0;
    }
    if (checks.size() > 50) {
      for (const bool right : troupe::Get(checks)) EXPECT_TRUE(right);
      checks.clear();
    }
  }
  EXPECT_GT(troupe::Memory(0).spilled_bytes, 0u) << "nothing was spilled";
  EXPECT_GT(kills, 0);
  for (const Held& h : held) read(h);
  for (const bool right : troupe::Get(checks)) EXPECT_TRUE(right);
  checks.clear();
  held.clear();
  const troupe::MemoryInfo info = MemoryWhenQuiet();
  EXPECT_EQ(info.object_count, 0u);
  EXPECT_EQ(info.object_bytes, 0u);
  EXPECT_EQ(info.spilled_bytes, 0u);
}

// A client that puts and gets more than its share.
int Churn(uint64_t seed, size_t size) {
  std::vector<troupe::ObjectRef<troupe::Array<uint8_t>>> refs;
  int right = 0;
  for (uint64_t i = 0; i < 20; ++i) refs.push_back(PutRandom(seed + i, size));
  for (uint64_t i = 0; i < 20; ++i) right += IsRight(troupe::Get(refs[i]), seed + i) ? 1 : 0;
  return right;
}

TEST(Spill, FiveClientsMakeProgress) {
  const troupe::Cluster cluster = troupe::Init({.workers = 4,
                                                .object_store_memory = store_mebibytes * kMebibyte,
                                                .spill_directories = {SpillDirectory()}});
  // All five together three times what there is room for.
  const auto size = static_cast<size_t>(store_mebibytes * kMebibyte / 32);
  std::vector<troupe::ObjectRef<int>> clients;
  for (uint64_t i = 0; i < 4; ++i) clients.push_back(troupe::Task(Churn).Remote(1000 * i, size));
  EXPECT_EQ(Churn(9000, size), 20);
  for (const int right : troupe::Get(clients)) EXPECT_EQ(right, 20);
}

TEST(Spill, WhatCompressesTakesLessOfTheDisk) {
  const troupe::Cluster cluster = troupe::Init({.workers = 1,
                                                .object_store_memory = 8 * kMebibyte,
                                                .spill_directories = {SpillDirectory()},
                                                .spill_quota = 12 * kMebibyte});
  std::vector<troupe::ObjectRef<troupe::Array<uint32_t>>> refs;
  constexpr size_t kNumbers = 250'000;
  // Five times what memory and disk would have room for.
  for (uint32_t i = 0; i < 100; ++i) {
    troupe::Builder<uint32_t> builder = troupe::Create<uint32_t>(kNumbers);
    for (uint32_t k = 0; k < kNumbers; ++k) builder[k] = i + k / 100;
    refs.push_back(builder.Seal());
  }
  const troupe::MemoryInfo info = troupe::Memory();
  EXPECT_LE(info.spilled_bytes, uint64_t{12 * kMebibyte});
  uint64_t spilled = 0;
  for (const troupe::StoredObject& object : info.objects)
    spilled += object.state == troupe::ObjectState::kSpilled ? object.size : 0;
  EXPECT_GT(spilled, 10 * info.spilled_bytes) << "objects have their full size, the disk has not";
  for (uint32_t i = 0; i < 100; ++i) {
    const troupe::Array<uint32_t> numbers = troupe::Get(refs[i]);
    ASSERT_EQ(numbers.size(), kNumbers);
    for (uint32_t k = 0; k < kNumbers; ++k) ASSERT_EQ(numbers[k], i + k / 100) << i;
  }
  refs.clear();
  EXPECT_EQ(MemoryWhenQuiet().spilled_bytes, 0u);
}

TEST(Spill, WhatIsLookedAtStaysWhereItIs) {
  const troupe::Cluster cluster = troupe::Init({.workers = 1,
                                                .object_store_memory = 16 * kMebibyte,
                                                .spill_directories = {SpillDirectory()}});
  const auto ref = PutRandom(1, 3'000'000);
  const troupe::Array<uint8_t> view = troupe::Get(ref);
  const uint8_t* place = view.data();
  std::vector<troupe::ObjectRef<troupe::Array<uint8_t>>> others;
  for (uint64_t i = 0; i < 40; ++i) others.push_back(PutRandom(100 + i, 1'000'000));
  EXPECT_EQ(view.data(), place);
  EXPECT_TRUE(IsRight(view, 1)) << "it was moved under its reader";
  uint64_t in_memory = 0, spilled = 0;
  for (const troupe::StoredObject& object : troupe::Memory().objects) {
    if (object.id == ref.id()) {
      EXPECT_EQ(object.state, troupe::ObjectState::kInMemory);
      EXPECT_EQ(object.pins, 1u);
      EXPECT_EQ(object.holders, 1u);
    }
    in_memory += object.state == troupe::ObjectState::kInMemory ? object.size : 0;
    spilled += object.state == troupe::ObjectState::kSpilled ? object.size : 0;
  }
  EXPECT_LE(in_memory, uint64_t{16 * kMebibyte});
  EXPECT_GT(spilled, uint64_t{20 * kMebibyte});
  for (uint64_t i = 0; i < 40; ++i) EXPECT_TRUE(IsRight(troupe::Get(others[i]), 100 + i));
}

TEST(Spill, TheTotalsAddUp) {
  const troupe::Cluster cluster =
      troupe::Init({.workers = 1, .object_store_memory = 16 * kMebibyte});
  const auto put = PutRandom(1, 1'000'000);
  const auto made = troupe::Task(MakeRandom).Options({.name = "Maker"}).Remote(2, 2'000'000);
  (void)troupe::Get(made);
  // What is not free is what the system has given to the node's chunks: once no lease is being
  // filled with memory.
  troupe::MemoryInfo info;
  int64_t chunk_bytes = 0;
  EXPECT_TRUE(BecomesTrue(
      [&] {
        info = troupe::Memory();
        chunk_bytes = ChunkBytesOf(EmbeddedNode());
        return static_cast<int64_t>(info.cap_bytes - info.free_bytes) == chunk_bytes;
      },
      30s))
      << info.cap_bytes - info.free_bytes << " bytes are said to be used, and " << chunk_bytes
      << " are";
  EXPECT_EQ(info.cap_bytes, uint64_t{16 * kMebibyte});
  EXPECT_EQ(info.object_bytes + info.leased_bytes + info.kept_bytes + info.free_bytes,
            info.cap_bytes);
  uint64_t sizes = 0;
  for (const troupe::StoredObject& object : info.objects) sizes += (object.size + 63) / 64 * 64;
  EXPECT_EQ(info.object_bytes, sizes);
  ASSERT_EQ(info.objects.size(), 2u);
  EXPECT_EQ(info.objects[0].id, made.id());
  EXPECT_EQ(info.objects[0].maker, "Maker");
  EXPECT_EQ(info.objects[1].maker, "Put");
}

// Two directories, of which one is soon full: both are used, and then the other alone.
TEST(Spill, SeveralDirectoriesTakeTurnsAndOneThatIsFullIsLeftOut) {
  const std::string small = SpillDirectory() + "/small", large = SpillDirectory() + "/large";
  std::filesystem::create_directory(small);
  std::filesystem::create_directory(large);
  if (mount("tmpfs", small.c_str(), "tmpfs", 0, "size=2m") != 0) {
    std::printf("TROUPE_SKIPPED: only root can mount a small tmpfs\n");
    return;
  }
  {
    const troupe::Cluster cluster = troupe::Init(
        {.workers = 1, .object_store_memory = 8 * kMebibyte, .spill_directories = {small, large}});
    std::vector<troupe::ObjectRef<troupe::Array<uint8_t>>> refs;
    for (uint64_t i = 0; i < 40; ++i) refs.push_back(PutRandom(i, 1'000'000));
    EXPECT_GT(troupe::testing::SpillFilesIn(small), 0u);
    EXPECT_GT(troupe::testing::SpillFilesIn(large), 0u);
    for (uint64_t i = 0; i < 40; ++i) EXPECT_TRUE(IsRight(troupe::Get(refs[i]), i)) << i;
    refs.clear();
    EXPECT_EQ(MemoryWhenQuiet().spilled_bytes, 0u);
  }
  EXPECT_EQ(umount(small.c_str()), 0) << "a file is left open there";
}

TEST(Spill, SizesAroundEveryBoundary) {
  const troupe::Cluster cluster = troupe::Init({.workers = 1,
                                                .object_store_memory = 64 * kMebibyte,
                                                .spill_directories = {SpillDirectory()}});
  const auto check = troupe::Task(IsRight);
  constexpr size_t kLease = kMebibyte;  // a 64th of the store, and a chunk
  constexpr size_t kHeader = 64;        // before the data of an array
  for (const size_t size : {size_t{0}, size_t{1}, size_t{7}, size_t{4095}, size_t{4096},
                            size_t{4097}, kLease - kHeader - 1, kLease - kHeader,
                            kLease - kHeader + 1, kLease - 1, kLease, kLease + 1}) {
    const auto ref = PutRandom(size, size);
    EXPECT_TRUE(IsRight(troupe::Get(ref), size)) << size;
    EXPECT_TRUE(troupe::Get(check.Remote(ref, size))) << size;
    // As a result, and put as a value.
    const std::vector<uint8_t> made =
        troupe::Get(troupe::Task(MakeRandom).Remote(uint64_t{size}, size));
    EXPECT_TRUE(IsRight(made, size)) << size;
    EXPECT_TRUE(troupe::Get(check.Remote(troupe::Put(made), size))) << size;
  }
  EXPECT_THROW((void)troupe::Create<uint8_t>(64 * kMebibyte), troupe::ResourceExhausted);
  EXPECT_THROW((void)troupe::Get(troupe::Task(MakeRandom).Remote(uint64_t{1}, 64 * kMebibyte)),
               troupe::ResourceExhausted);
}

// Puts until there is no room, and says what it was told; nothing is lost.
std::string FillUp(uint64_t cap) {
  std::vector<troupe::ObjectRef<troupe::Array<uint8_t>>> refs;
  std::string said;
  try {
    for (uint64_t i = 0; i * 1'000'000 < 10 * cap; ++i) refs.push_back(PutRandom(i, 1'000'000));
  } catch (const troupe::ResourceExhausted& e) {
    said = e.info().message;
  }
  EXPECT_GE(refs.size() * 1'000'000, cap / 10 * 8) << "too little of the store was usable";
  for (uint64_t i = 0; i < refs.size(); ++i) EXPECT_TRUE(IsRight(troupe::Get(refs[i]), i)) << i;
  return said;
}

TEST(Full, AQuotaThatIsUsedUpIsNamed) {
  const troupe::Cluster cluster = troupe::Init({.workers = 1,
                                                .object_store_memory = 8 * kMebibyte,
                                                .spill_directories = {SpillDirectory()},
                                                .spill_quota = kMebibyte});
  const std::string said = FillUp(8 * kMebibyte);
  for (const char* part : {"8.0 MiB", "the quota of 1.0 MiB", "--spill_quota", "of Put"})
    EXPECT_NE(said.find(part), std::string::npos) << said;
}

TEST(Full, AFullDiskHoldsProducersBackAndLosesNothing) {
  const std::string directory = SpillDirectory() + "/small";
  std::filesystem::create_directory(directory);
  if (mount("tmpfs", directory.c_str(), "tmpfs", 0, "size=2m") != 0) {
    std::printf("TROUPE_SKIPPED: only root can mount a small tmpfs\n");
    return;
  }
  {
    const troupe::Cluster cluster = troupe::Init(
        {.workers = 1, .object_store_memory = 8 * kMebibyte, .spill_directories = {directory}});
    const std::string said = FillUp(8 * kMebibyte);
    for (const char* part : {"8.0 MiB", directory.c_str(), "No space left on device"})
      EXPECT_NE(said.find(part), std::string::npos) << said;
  }
  EXPECT_EQ(umount(directory.c_str()), 0) << "a file is left open there";
}

TEST(Full, ADirectoryThatIsOrBecomesReadOnlyIsNamed) {
  const std::string directory = SpillDirectory() + "/read_only";
  std::filesystem::create_directory(directory);
  if (mount("tmpfs", directory.c_str(), "tmpfs", MS_RDONLY, "size=64m") != 0) {
    std::printf("TROUPE_SKIPPED: only root can mount a read-only tmpfs\n");
    return;
  }
  const troupe::InitOptions options = {
      .workers = 1, .object_store_memory = 8 * kMebibyte, .spill_directories = {directory}};
  try {
    const troupe::Cluster cluster = troupe::Init(options);
    ADD_FAILURE() << "no error";
  } catch (const troupe::InvalidArgument& e) {
    EXPECT_NE(e.info().message.find(directory), std::string::npos) << e.what();
    EXPECT_NE(e.info().message.find("Read-only file system"), std::string::npos) << e.what();
  }
  ASSERT_EQ(mount("tmpfs", directory.c_str(), "tmpfs", MS_REMOUNT, ""), 0);
  {
    const troupe::Cluster cluster = troupe::Init(options);
    ASSERT_EQ(mount("tmpfs", directory.c_str(), "tmpfs", MS_REMOUNT | MS_RDONLY, ""), 0);
    const std::string said = FillUp(8 * kMebibyte);
    for (const char* part : {"8.0 MiB", directory.c_str(), "Read-only file system"})
      EXPECT_NE(said.find(part), std::string::npos) << said;
  }
  EXPECT_EQ(umount(directory.c_str()), 0) << "a file is left open there";
}

TEST(Full, ADirectoryThatCannotBeWrittenToIsRefusedAtOnce) {
  const std::vector<std::string> without_a_name = {SpillDirectory(), ""};
  for (const auto& [directories, said] :
       {std::pair(std::vector<std::string>{"/proc"}, "/proc"),
        std::pair(std::vector<std::string>{"/no/such/directory"}, "/no/such/directory"),
        std::pair(without_a_name, "an empty name")}) {
    try {
      const troupe::Cluster cluster = troupe::Init({.spill_directories = directories});
      FAIL() << "no error";
    } catch (const troupe::InvalidArgument& e) {
      EXPECT_NE(e.info().message.find(said), std::string::npos) << e.what();
    }
  }
  try {
    const troupe::Cluster cluster = troupe::Init({.object_store_memory = int64_t{1} << 60});
    FAIL() << "no error";
  } catch (const troupe::InvalidArgument& e) {
    EXPECT_NE(e.info().message.find("ask for less"), std::string::npos) << e.what();
  }
}

TEST(Lost, DamagedDataIsAnErrorThatNamesItsMaker) {
  const troupe::Cluster cluster = troupe::Init({.workers = 1,
                                                .object_store_memory = 8 * kMebibyte,
                                                .spill_directories = {SpillDirectory()}});
  std::vector<troupe::ObjectRef<troupe::Array<uint8_t>>> refs;
  for (uint64_t i = 0; i < 20; ++i) refs.push_back(PutRandom(i, 1'000'000));
  ASSERT_GT(troupe::testing::DamageSpillFiles(SpillDirectory()), 0u);
  int lost = 0;
  for (uint64_t i = 0; i < 20; ++i) {
    try {
      EXPECT_TRUE(IsRight(troupe::Get(refs[i]), i)) << "wrong data was taken for right";
    } catch (const troupe::ObjectLost& e) {
      ++lost;
      EXPECT_NE(e.info().message.find("made by Put"), std::string::npos) << e.what();
      EXPECT_NE(e.info().message.find("damaged"), std::string::npos) << e.what();
    }
  }
  EXPECT_GT(lost, 5);
}

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  for (int i = 1; i < argc; ++i) {
    absl::string_view argument = argv[i];
    const bool known = (absl::ConsumePrefix(&argument, "--mebibytes=") &&
                        absl::SimpleAtoi(argument, &mebibytes)) ||
                       (absl::ConsumePrefix(&argument, "--store_mebibytes=") &&
                        absl::SimpleAtoi(argument, &store_mebibytes));
    if (!known) {
      std::fprintf(stderr, "spill_test: use --mebibytes=N and --store_mebibytes=N\n");
      return 2;
    }
  }
  return RUN_ALL_TESTS();
}
