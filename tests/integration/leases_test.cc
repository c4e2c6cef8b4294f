// Leases of the store's memory on real clusters: who has one needs no node, who waits for one holds
// up nobody else, what the dead had comes back, and all who write get their turn.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <thread>
#include <vector>

#include "absl/time/time.h"
#include "core/fault/fault.h"
#include "sdk/troupe.h"
#include "tests/integration/processes.h"

namespace {

using std::chrono_literals::operator""s;
using troupe::testing::BecomesTrue;
using troupe::testing::EmbeddedNode;
using troupe::testing::IsStopped;

constexpr int64_t kMebibyte = int64_t{1} << 20;

// A process that stands still, whatever comes of the test.
class Stopped {
 public:
  explicit Stopped(int pid) : pid_(pid) {
    kill(pid_, SIGSTOP);
    EXPECT_TRUE(BecomesTrue([&] { return IsStopped(pid_); }, 30s));
  }
  ~Stopped() { kill(pid_, SIGCONT); }
  Stopped(const Stopped&) = delete;
  Stopped& operator=(const Stopped&) = delete;

 private:
  const int pid_;
};

using Words = std::vector<uint32_t>;
constexpr size_t kWords = 5'000;  // 20 kB: too large for a message

struct Many {
  std::vector<troupe::ObjectRef<Words>> refs;
};

size_t CountRight(const Many& many) {
  size_t right = 0;
  for (uint32_t i = 0; i < many.refs.size(); ++i)
    right += troupe::Get(many.refs[i]) == Words(kWords, i) ? 1 : 0;
  return right;
}

TEST(Lease, WhatFitsIsPutWhileTheNodeIsStopped) {
  const troupe::Cluster cluster =
      troupe::Init({.workers = 1, .object_store_memory = 1024 * kMebibyte});
  constexpr uint32_t kValues = 300;
  // Leases double, so that soon there is one with room for all.
  constexpr uint64_t kLease = uint64_t{7} << 20;
  for (int i = 0; troupe::Memory(0).leased_bytes < kLease; ++i) {
    ASSERT_LT(i, 3'000) << "no lease becomes so large";
    (void)troupe::Put(Words(kWords));
  }
  const int node = EmbeddedNode();
  ASSERT_NE(node, getpid());
  Many many;
  std::thread puts;
  {
    const Stopped stopped(node);
    std::atomic<bool> done{false};
    puts = std::thread([&] {
      for (uint32_t i = 0; i < kValues; ++i) many.refs.push_back(troupe::Put(Words(kWords, i)));
      done = true;
    });
    EXPECT_TRUE(BecomesTrue([&] { return done.load(); }, 30s)) << "a put waits for the node";
  }
  puts.join();
  EXPECT_EQ(troupe::Get(troupe::Task(CountRight).Remote(many)), kValues);
}

struct Go {
  troupe::ObjectRef<int> ref;
};

constexpr size_t kBuilt = 40 * kMebibyte;

int BuildAndDie(const Go& go) {
  troupe::Builder<uint8_t> builder = troupe::Create<uint8_t>(kBuilt);
  std::fill_n(builder.data(), kBuilt / 2, uint8_t{1});
  (void)troupe::Get(go.ref);
  raise(SIGKILL);
  return 0;
}

TEST(Lease, OfAWorkerThatIsKilledWhileItBuildsComesBack) {
  const troupe::Cluster cluster =
      troupe::Init({.workers = 1, .object_store_memory = 64 * kMebibyte});
  const troupe::MemoryInfo before = troupe::Memory(0);
  troupe::Promise<int> go;
  const auto build = troupe::Task(BuildAndDie).Options({.max_retries = 0}).Remote(Go{go.ref()});
  ASSERT_TRUE(BecomesTrue([] { return troupe::Memory(0).leased_bytes >= kBuilt; }, 30s));
  go.Set(1);
  EXPECT_THROW((void)troupe::Get(build), troupe::WorkerCrashed);
  troupe::MemoryInfo after;
  EXPECT_TRUE(BecomesTrue(
      [&] {
        after = troupe::Memory(0);
        return after.leased_bytes == before.leased_bytes &&
               after.object_bytes == before.object_bytes;
      },
      30s))
      << after.leased_bytes << " bytes are leased, and " << after.object_bytes << " in objects";
  troupe::Builder<uint8_t> large = troupe::Create<uint8_t>(60 * kMebibyte);
  large[large.size() - 1] = 7;
  const auto last = troupe::Task([](std::span<const uint8_t> bytes) { return bytes.back(); });
  EXPECT_EQ(troupe::Get(last.Remote(large.Seal())), 7);
}

int Twice(int x) { return 2 * x; }

// A lease whose memory takes very long to come. That others were answered meanwhile is seen by the
// order of things: ten calls return before the large value is there.
TEST(Lease, ThatWaitsForItsMemoryHoldsUpNobodyElse) {
  constexpr char kFaults[] = "store.populate=delay:1:3000@1";
  setenv("TROUPE_FAULTS", kFaults, 1);         // of a node that is a process
  const troupe::fault::Armed faults(kFaults);  // of one that is a thread
  const troupe::Cluster cluster =
      troupe::Init({.workers = 2, .object_store_memory = 256 * kMebibyte});
  unsetenv("TROUPE_FAULTS");
  // No larger, so that it is there soon after its lease.
  constexpr size_t kLarge = 4 * kMebibyte;
  const auto large = troupe::Task([] {
                       troupe::Builder<uint8_t> builder = troupe::Create<uint8_t>(kLarge);
                       builder[0] = 7;
                       return troupe::Get(builder.Seal())[0];
                     }).Remote();
  ASSERT_TRUE(BecomesTrue([] { return troupe::Memory(0).leased_bytes >= kLarge; }, 30s));
  constexpr int kCalls = 10;
  int calls = 0;
  while (calls < kCalls &&
         troupe::Wait(std::vector{large}, {.timeout = absl::ZeroDuration()}).ready.empty()) {
    EXPECT_EQ(troupe::Get(troupe::Task(Twice).Remote(troupe::Put(calls))), 2 * calls);
    ++calls;
  }
  EXPECT_EQ(calls, kCalls) << "calls were answered before the large value was there";
  EXPECT_EQ(troupe::Get(large), 7);
}

// How many values each writer has put, and whether they go on.
class Tally {
 public:
  bool Add(size_t writer) {
    ++counts_.at(writer);
    return goes_on_;
  }
  std::vector<int> Counts() const { return counts_; }
  void Stop() { goes_on_ = false; }

 private:
  std::vector<int> counts_ = std::vector<int>(5);
  bool goes_on_ = true;
};

// Any five of them, one after the other, are 59 MiB.
constexpr int64_t kMebibytes[] = {8, 15, 10, 14, 12};

// Puts values until it is told to stop, and has the last `held` of them while it waits for memory.
// Whether each was right when it was dropped.
bool Write(const troupe::ActorHandle<Tally>& tally, size_t writer, size_t held) {
  bool right = true;
  std::deque<troupe::ObjectRef<troupe::Array<uint64_t>>> values;
  uint64_t oldest = 0;
  for (uint64_t n = 0;; ++n) {
    while (values.size() > held) {
      const troupe::Array<uint64_t> value = troupe::Get(values.front());
      right = right && value[0] == oldest && value[value.size() - 1] == oldest;
      ++oldest;
      values.pop_front();
    }
    const int64_t bytes = kMebibytes[(writer + n) % std::size(kMebibytes)] * kMebibyte;
    auto builder = troupe::Create<uint64_t>(static_cast<size_t>(bytes) / sizeof(uint64_t));
    builder[0] = builder[builder.size() - 1] = n;
    values.push_back(builder.Seal());
    if (!troupe::Get(tally.Task(&Tally::Add).Remote(writer))) return right;
  }
}

// What the four have while all of them wait takes 236 MiB, so that one more value has room; with
// one more for each, it would be above 268.
TEST(Lease, AFifthWriterGetsItsTurnsWhereFourKeepTheStoreFull) {
  const troupe::Cluster cluster =
      troupe::Init({.workers = 5, .object_store_memory = 256 * kMebibyte});
  const auto tally = troupe::Actor<Tally>().Remote();
  std::vector<troupe::ObjectRef<bool>> writers;
  for (size_t i = 0; i < 4; ++i) writers.push_back(troupe::Task(Write).Remote(tally, i, size_t{5}));
  const auto counts = [&] { return troupe::Get(tally.Task(&Tally::Counts).Remote()); };
  const auto all_four_have = [](const std::vector<int>& now, const std::vector<int>& since,
                                int more) {
    for (size_t i = 0; i < 4; ++i) {
      if (now[i] < since[i] + more) return false;
    }
    return true;
  };
  ASSERT_TRUE(BecomesTrue([&] { return all_four_have(counts(), std::vector<int>(5), 10); }, 60s))
      << testing::PrintToString(counts());
  EXPECT_GE(troupe::Memory(0).object_bytes, 236 * kMebibyte) << "the store is not full";
  const std::vector<int> before = counts();
  writers.push_back(troupe::Task(Write).Remote(tally, size_t{4}, size_t{0}));
  std::vector<int> now;
  ASSERT_TRUE(BecomesTrue(
      [&] {
        now = counts();
        return now[4] >= 20 && all_four_have(now, before, 5);
      },
      60s))
      << "after " << testing::PrintToString(before) << " values there are "
      << testing::PrintToString(now);
  troupe::Get(tally.Task(&Tally::Stop).Remote());
  for (const bool right : troupe::Get(writers)) EXPECT_TRUE(right);
}

}  // namespace
