// Faults of the system beneath a real cluster, from core/fault: each is met by a clear error or by
// none, loses nothing that was there, and nothing waits for ever.
//
// A cluster's node and workers are armed by the environment that they inherit from this program,
// which is not armed itself, since it was started before.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <numeric>
#include <string>
#include <vector>

#include "core/fault/fault.h"
#include "sdk/troupe.h"
#include "tests/integration/program.h"

namespace {

constexpr int64_t kMebibyte = int64_t{1} << 20;
using Words = std::vector<uint64_t>;

Words MakeWords(uint64_t seed, size_t count) {
  Words words(count);
  std::iota(words.begin(), words.end(), seed);
  return words;
}
uint64_t Sum(const Words& words) { return std::accumulate(words.begin(), words.end(), 0ull); }
int Square(int x) { return x * x; }

// The environment of the cluster that is started next.
class Faults {
 public:
  explicit Faults(const char* faults) {
    unlink(path_.c_str());
    setenv("TROUPE_FAULTS", faults, 1);
    setenv("TROUPE_PROBES", path_.c_str(), 1);
  }
  // Whoever counts the probes of all tests gets those of this one, too.
  ~Faults() {
    unsetenv("TROUPE_FAULTS");
    unsetenv("TROUPE_PROBES");
    if (all_.empty()) return;
    setenv("TROUPE_PROBES", all_.c_str(), 1);
    std::ofstream(all_, std::ios::app) << std::ifstream(path_).rdbuf();
  }
  Faults(const Faults&) = delete;
  Faults& operator=(const Faults&) = delete;

  // The fault, or a probe beside it, was passed in some process of the cluster.
  bool Happened(const std::string& name) const {
    std::ifstream file(path_);
    for (std::string line; std::getline(file, line);) {
      if (line == name) return true;
    }
    return false;
  }

 private:
  const std::string path_ = std::string(std::getenv("TEST_TMPDIR")) + "/probes";
  const char* const outer_ = std::getenv("TROUPE_PROBES");
  const std::string all_ = outer_ == nullptr ? "" : outer_;
};

troupe::Cluster SmallStore() {
  return troupe::Init({.workers = 2,
                       .object_store_memory = 8 * kMebibyte,
                       .spill_directories = {std::getenv("TEST_TMPDIR")}});
}

// Three times the small store, put by a driver and made by tasks, comes back bit by bit the same.
void ExpectThatNothingIsLost() {
  constexpr size_t kWords = 100'000;
  std::vector<troupe::ObjectRef<Words>> refs;
  for (uint64_t i = 0; i < 30; ++i) {
    refs.push_back(i % 2 == 0 ? troupe::Put(MakeWords(i, kWords))
                              : troupe::Task(MakeWords).Remote(i, kWords));
  }
  for (uint64_t i = 0; i < refs.size(); ++i) {
    const Words expected = MakeWords(i, kWords);
    EXPECT_EQ(troupe::Get(troupe::Task(Sum).Remote(refs[i])), Sum(expected)) << i;
    EXPECT_EQ(troupe::Get(refs[i]), expected) << i;
  }
}

// Small calls one after the other, each of which sleeps and wakes both sides.
void ExpectThatCallsReturn(int count) {
  for (int i = 0; i < count; ++i) EXPECT_EQ(troupe::Get(troupe::Task(Square).Remote(i)), i * i);
}

template <typename Error, typename F>
std::string MessageOf(F call) {
  try {
    call();
  } catch (const Error& error) {
    return error.info().message;
  }
  return "no error";
}

class SpillFaults : public testing::TestWithParam<const char*> {};

TEST_P(SpillFaults, LoseNothing) {
  const Faults faults(GetParam());
  const troupe::Cluster cluster = SmallStore();
  ExpectThatNothingIsLost();
  const std::string point = GetParam();
  EXPECT_TRUE(faults.Happened("fault: " + point.substr(0, point.find('='))));
}

INSTANTIATE_TEST_SUITE_P(Each, SpillFaults,
                         testing::Values("spill.write=fail:1:EIO@2", "spill.write=fail:1:ENOSPC@2",
                                         "spill.write=fail:0.05:EINTR", "spill.write=truncate:0.5",
                                         "spill.write=delay:0.2:5", "spill.read=truncate:0.5",
                                         "spill.read=delay:0.2:5", "spill.create=fail:1:EMFILE@1",
                                         "spill.create=fail:1:EOPNOTSUPP",
                                         "store.read=truncate:0.5", "store.write=truncate:0.5"));

TEST(Faults, WhatCannotBeReadBackIsLostByNameAndAlone) {
  const Faults faults("spill.read=fail:1:EIO@1");
  const troupe::Cluster cluster = SmallStore();
  std::vector<troupe::ObjectRef<Words>> refs;
  for (uint64_t i = 0; i < 30; ++i) refs.push_back(troupe::Put(MakeWords(i, 100'000)));
  int lost = 0;
  for (uint64_t i = 0; i < refs.size(); ++i) {
    try {
      EXPECT_EQ(troupe::Get(refs[i]), MakeWords(i, 100'000)) << i;
    } catch (const troupe::ObjectLost& error) {
      ++lost;
      for (const char* part : {"made by Put", "cannot be read: Input/output error"})
        EXPECT_NE(error.info().message.find(part), std::string::npos) << error.what();
    }
  }
  EXPECT_EQ(lost, 1);
}

// The system has none left, once: what is on the disk stays there for the next who asks.
TEST(Faults, WhatNoMemoryIsThereForIsReadBackTheNextTime) {
  const Faults faults("store.write=fail:1:ENOMEM@1");
  const troupe::Cluster cluster = SmallStore();
  std::vector<troupe::ObjectRef<Words>> refs;
  for (uint64_t i = 0; i < 30; ++i) refs.push_back(troupe::Put(MakeWords(i, 100'000)));
  int refused = 0;
  for (uint64_t i = 0; i < refs.size(); ++i) {
    try {
      EXPECT_EQ(troupe::Get(refs[i]), MakeWords(i, 100'000)) << i;
    } catch (const troupe::ResourceExhausted& error) {
      ++refused;
      for (const char* part : {"no memory to read back", "Cannot allocate memory"})
        EXPECT_NE(error.info().message.find(part), std::string::npos) << error.what();
      EXPECT_EQ(troupe::Get(refs[i]), MakeWords(i, 100'000)) << i;
    }
  }
  EXPECT_EQ(refused, 1);
  EXPECT_TRUE(faults.Happened("core: no memory to read an object back"));
}

class StoreFaults : public testing::TestWithParam<const char*> {};

// The kernel has no memory, once: the producer is told, and the next one gets it.
TEST_P(StoreFaults, AreToldAndPass) {
  const Faults faults(GetParam());
  const troupe::Cluster cluster = SmallStore();
  const auto put = [] { (void)troupe::Put(MakeWords(1, 100'000)); };
  const std::string said = MessageOf<troupe::ResourceExhausted>(put);
  EXPECT_NE(said.find("Cannot allocate memory"), std::string::npos) << said;
  for (uint64_t i = 0; i < 4; ++i)
    EXPECT_EQ(troupe::Get(troupe::Put(MakeWords(i, 100'000))), MakeWords(i, 100'000));
}

INSTANTIATE_TEST_SUITE_P(Each, StoreFaults,
                         testing::Values("store.chunk=fail:1:ENOMEM@1",
                                         "store.populate=fail:1:ENOMEM@1"));

TEST(Faults, AProcessThatCannotBeStartedIsStartedAgain) {
  const Faults faults("spawn.start=fail:1:EAGAIN@2");
  const troupe::Cluster cluster = troupe::Init({.workers = 2});
  ExpectThatCallsReturn(20);
  EXPECT_TRUE(faults.Happened("spawn: a process could not be started"));
}

TEST(Faults, AProcessWithoutAPidfdIsEndedAndStartedAgain) {
  const Faults faults("spawn.pidfd=fail:1:EMFILE@2");
  const troupe::Cluster cluster = troupe::Init({.workers = 2});
  ExpectThatCallsReturn(20);
  EXPECT_TRUE(faults.Happened("spawn: no pidfd"));
}

TEST(Faults, WhereNoProcessCanEverBeStartedTasksFailWithTheReason) {
  const Faults faults("spawn.start=fail:1:EAGAIN");
  const troupe::Cluster cluster = troupe::Init({.workers = 2});
  const auto square = troupe::Task(Square).Remote(3);
  const std::string said = MessageOf<troupe::WorkerCrashed>([&] { (void)troupe::Get(square); });
  EXPECT_NE(said.find("Resource temporarily unavailable"), std::string::npos) << said;
}

class JoinFaults : public testing::TestWithParam<const char*> {};

TEST_P(JoinFaults, AreASentenceOfInit) {
  const Faults faults(GetParam());
  const std::string said = MessageOf<troupe::Error>([] { (void)troupe::Init({.workers = 1}); });
  EXPECT_NE(said.find("Too many open files"), std::string::npos) << said;
}

INSTANTIATE_TEST_SUITE_P(Each, JoinFaults,
                         testing::Values("channel.memory=fail:1:EMFILE@1",
                                         "channel.bell=fail:1:EMFILE@1"));  // the node's own

// Whosesoever it is: the node's, the driver's channel's, or a worker's, which is started again.
TEST(Faults, ABellThatCannotBeMadeIsASentenceOrAnotherProcess) {
  int told = 0, served = 0;
  for (int seed = 1; seed <= 12; ++seed) {
    const Faults faults(("channel.bell=fail:0.3:EMFILE@1,seed=" + std::to_string(seed)).c_str());
    std::string said;
    try {
      const troupe::Cluster cluster = troupe::Init({.workers = 2});
      ExpectThatCallsReturn(10);
      ++served;
    } catch (const troupe::Error& error) {
      said = error.info().message;
      EXPECT_NE(said.find("Too many open files"), std::string::npos) << said;
      ++told;
    }
    EXPECT_TRUE(said.empty() || faults.Happened("fault: channel.bell"));
  }
  EXPECT_GT(told, 0);
  EXPECT_GT(served, 0);
}

// Whoever comes then is told so at once, and the next one is served.
TEST(Faults, ANodeWithoutADescriptorForAConnectionSaysSo) {
  const Faults faults("node.accept=fail:1:EMFILE@1");
  const troupe::testing::StandingNode node;
  const auto join = [&] { return troupe::Init({.address = node.address()}); };
  const std::string said = MessageOf<troupe::Error>([&] { (void)join(); });
  EXPECT_NE(said.find("no descriptor left"), std::string::npos) << said;
  EXPECT_TRUE(faults.Happened("node: no descriptor is left for a connection"));
  const troupe::Cluster cluster = join();
  ExpectThatCallsReturn(10);
}

class ChannelFaults : public testing::TestWithParam<const char*> {};

// Bells that ring late, and sockets that take and give a part: slower, and nothing else.
TEST_P(ChannelFaults, ChangeNoResult) {
  const Faults faults(GetParam());
  const troupe::Cluster cluster = SmallStore();
  ExpectThatCallsReturn(50);
  ExpectThatNothingIsLost();
  const std::string point = GetParam();
  EXPECT_TRUE(faults.Happened("fault: " + point.substr(0, point.find('='))));
}

INSTANTIATE_TEST_SUITE_P(Each, ChannelFaults,
                         testing::Values("channel.ring_bell=delay:0.2:10",
                                         "channel.send=truncate:0.7",
                                         "channel.receive=truncate:0.7",
                                         "channel.send=fail:0.3:ETOOMANYREFS",
                                         "channel.send=delay:0.1:5"));

// A worker whose socket breaks is a worker that has died. Where it is the driver's own, the cluster
// is Unavailable; any other error gets out of here, and fails.
TEST(Faults, BrokenSocketsAreDeaths) {
  for (int seed = 1; seed <= 5; ++seed) {
    const Faults faults(
        ("channel.receive=fail:0.05:ECONNRESET,seed=" + std::to_string(seed)).c_str());
    try {
      const troupe::Cluster cluster = troupe::Init({.workers = 2});
      const auto square = troupe::Task(Square).Options({.max_retries = -1});
      for (int i = 0; i < 100; ++i) EXPECT_EQ(troupe::Get(square.Remote(i)), i * i);
    } catch (const troupe::Unavailable&) {
    }
  }
}

// The driver has no address space left, once.
TEST(Faults, WhatCannotBeMappedIsAnErrorOfThatGet) {
  const troupe::Cluster cluster = SmallStore();
  const auto made = troupe::Task(MakeWords).Remote(uint64_t{1}, size_t{100'000});
  (void)troupe::Wait(std::vector{made});
  {
    const troupe::fault::Armed faults("store.map=fail:1:ENOMEM");
    const std::string said = MessageOf<troupe::Error>([&] { (void)troupe::Get(made); });
    EXPECT_NE(said.find("Cannot allocate memory"), std::string::npos) << said;
  }
  EXPECT_EQ(troupe::Get(made), MakeWords(1, 100'000));
}

}  // namespace
