// Objects on real processes: values in place, references inside values, memory that comes back.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <numeric>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/time.h"
#include "sdk/troupe.h"
#include "tests/integration/processes.h"
#include "tests/integration/program.h"

namespace {

using std::chrono_literals::operator""s;
using troupe::testing::BecomesTrue;
using troupe::testing::LiesInAChunk;
using troupe::testing::PrivateKib;

struct Seen {
  bool in_chunk = false;
  double sum = 0;
  int64_t private_kib = 0;
};

Seen Look(std::span<const double> values) {
  const int64_t before = PrivateKib(getpid());
  Seen seen{.in_chunk = LiesInAChunk(values.data())};
  for (size_t i = 0; i < values.size(); i += 512) seen.sum += values[i];  // touches each page
  seen.private_kib = PrivateKib(getpid()) - before;
  return seen;
}

class ObjectsTest : public testing::Test {
 protected:
  troupe::Cluster cluster_ = troupe::Init({.workers = 2, .object_store_memory = int64_t{1} << 30});
};

TEST_F(ObjectsTest, ValuesOfAllSizesComeBack) {
  for (const size_t size : {0, 1, 7, 4095, 4096, 4097, 16'384, 100'000, 3'000'000}) {
    std::string text(size, 'x');
    for (size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * 31);
    EXPECT_EQ(troupe::Get(troupe::Put(text)), text) << size;
    const auto echo = troupe::Task([](const std::string& s) { return s; });
    EXPECT_EQ(troupe::Get(echo.Remote(text)), text) << size;
  }
}

TEST_F(ObjectsTest, ABuilderGivesNoWayToChangeWhatItHasSealed) {
  for (const size_t size : {10, 1'000'000}) {
    troupe::Builder<double> builder = troupe::Create<double>(size);
    for (double& x : builder.span()) x = 1;
    const troupe::ObjectRef<troupe::Array<double>> array = builder.Seal();
    EXPECT_THROW(builder[0] = 2, troupe::InvalidArgument);
    EXPECT_THROW((void)builder.data(), troupe::InvalidArgument);
    EXPECT_THROW((void)builder.Seal(), troupe::InvalidArgument);
    EXPECT_EQ(troupe::Get(array)[0], 1);
  }
}

class Keeper {
 public:
  void Keep(troupe::ObjectRef<std::vector<double>> ref) { kept_ = std::move(ref); }
  double Last() const { return troupe::Get(kept_).back(); }

 private:
  troupe::ObjectRef<std::vector<double>> kept_;
};

TEST_F(ObjectsTest, WhatAnActorKeepsLivesAsLongAsTheActor) {
  const auto keeper = troupe::Actor<Keeper>().Remote();
  const auto make = troupe::Task([](size_t size) {
    std::vector<double> numbers(size, 3);
    numbers.back() = 5;
    return numbers;
  });
  for (int i = 0; i < 10; ++i)
    troupe::Get(keeper.Task(&Keeper::Keep).Remote(make.Remote(1'000'000)));
  EXPECT_EQ(troupe::Get(keeper.Task(&Keeper::Last).Remote()), 5);
  const auto stored = [] {
    uint64_t bytes = 0;
    for (const troupe::StoredObject& object : troupe::Memory().objects) bytes += object.size;
    return bytes;
  };
  EXPECT_TRUE(BecomesTrue([&] { return stored() < 9'000'000; }, 30s)) << "those before it stay";
  EXPECT_GT(stored(), 8'000'000u);
  troupe::Kill(keeper);
  EXPECT_TRUE(BecomesTrue([&] { return stored() < 1'000; }, 30s)) << stored();
}

TEST_F(ObjectsTest, ALargeArgumentIsReadWhereItLies) {
  troupe::Builder<double> builder = troupe::Create<double>(32'000'000);  // 256 MB
  for (double& x : builder.span()) x = 1;
  const troupe::ObjectRef<troupe::Array<double>> array = builder.Seal();
  const Seen seen = troupe::Get(troupe::Task(Look).Remote(array));
  EXPECT_TRUE(seen.in_chunk);
  EXPECT_EQ(seen.sum, 62'500);
  EXPECT_LT(seen.private_kib, 8 << 10);  // a copy would take 250,000
  const int64_t before = PrivateKib(getpid());
  const troupe::Array<double> view = troupe::Get(array);
  EXPECT_TRUE(LiesInAChunk(view.data()));
  EXPECT_EQ(view.size(), 32'000'000u);
  EXPECT_LT(PrivateKib(getpid()) - before, 8 << 10);
}

TEST_F(ObjectsTest, AVectorIsAnArrayIsASpan) {
  const std::vector<float> values(10'000, 2.5f);
  const troupe::ObjectRef<std::vector<float>> vector = troupe::Put(values);
  const auto size = troupe::Task([](const troupe::Array<float>& a) { return a.size(); });
  EXPECT_EQ(troupe::Get(size.Remote(vector)), 10'000u);
  troupe::Builder<float> small = troupe::Create<float>(3);
  std::iota(small.span().begin(), small.span().end(), 1.0f);
  const troupe::ObjectRef<troupe::Array<float>> array = small.Seal();
  EXPECT_THROW((void)small.Seal(), troupe::InvalidArgument);
  const auto sum =
      troupe::Task([](const std::vector<float>& v) { return v.at(0) + v.at(1) + v.at(2); });
  EXPECT_EQ(troupe::Get(sum.Remote(array)), 6.0f);
  EXPECT_EQ(troupe::Get(array)[2], 3.0f);
  // A span parameter takes a vector by value too, small and large.
  const auto total = troupe::Task([](std::span<const float> s) { return s.size(); });
  EXPECT_EQ(troupe::Get(total.Remote(std::vector<float>(3))), 3u);
  EXPECT_EQ(troupe::Get(total.Remote(values)), 10'000u);
}

struct Album {
  std::string title;
  std::map<std::string, troupe::ObjectRef<std::string>> songs;
};

TEST_F(ObjectsTest, ReferencesInsideValuesKeepTheirObjects) {
  troupe::ObjectRef<Album> album;
  {
    Album draft{"first", {}};
    for (int i = 0; i < 100; ++i) {
      draft.songs["song " + std::to_string(i)] = troupe::Put("text " + std::to_string(i));
    }
    album = troupe::Put(draft);
  }
  const auto sing = troupe::Task([](const Album& a) { return troupe::Get(a.songs.at("song 42")); });
  EXPECT_EQ(troupe::Get(sing.Remote(album)), "text 42");
  const Album copy = troupe::Get(album);
  album = {};
  EXPECT_EQ(troupe::Get(copy.songs.at("song 99")), "text 99");
}

// A reference that a task made and returned outlives its maker.
struct ManyRefs {
  std::vector<troupe::ObjectRef<int>> refs;
};

// More than go back to the node in one message: the maker drops them all before it answers.
TEST_F(ObjectsTest, AThousandReferencesGoOutAndIn) {
  constexpr int kRefs = 1000;
  const auto make = troupe::Task([](int count) {
    ManyRefs many;
    for (int i = 0; i < count; ++i) many.refs.push_back(troupe::Put(i));
    return many;
  });
  const auto sum = troupe::Task([](const ManyRefs& many) {
    int total = 0;
    for (const int x : troupe::Get(many.refs)) total += x;
    return total;
  });
  EXPECT_EQ(troupe::Get(sum.Remote(make.Remote(kRefs))), kRefs * (kRefs - 1) / 2);
  ManyRefs mine;
  for (int i = 0; i < kRefs; ++i) mine.refs.push_back(troupe::Put(i));
  EXPECT_EQ(troupe::Get(sum.Remote(std::move(mine))), kRefs * (kRefs - 1) / 2);
}

TEST_F(ObjectsTest, ObjectsOutliveTheirMaker) {
  const auto make = troupe::Task([] { return troupe::Put(std::vector<int>(50'000, gettid())); });
  const troupe::ObjectRef<std::vector<int>> made = troupe::Get(make.Remote());
  const std::vector<int> values = troupe::Get(made);
  EXPECT_EQ(values.size(), 50'000u);
  EXPECT_NE(values[0], getpid());
}

TEST_F(ObjectsTest, MemoryComesBack) {
  // Three times the store's size, one value at a time.
  for (int i = 0; i < 60; ++i) {
    const troupe::ObjectRef<std::vector<double>> ref =
        troupe::Put(std::vector<double>(8'000'000, i));
    if (i % 20 == 0) {
      const auto first = troupe::Task([](std::span<const double> s) { return s[0]; });
      EXPECT_EQ(troupe::Get(first.Remote(ref)), i);
    }
  }
}

// Begins, says so, and is busy until it is told to end.
int BeBusy(const std::string& begun, const std::string& end) {
  (void)std::ofstream(begun);
  while (!std::filesystem::exists(end)) std::this_thread::yield();
  return 7;
}

TEST_F(ObjectsTest, WhatTasksTookThatMovedFromABusyWorkerIsFreed) {
  const troupe::testing::ShortDirectory directory;
  const std::string begun = directory.path() + "/begun", end = directory.path() + "/end";
  const troupe::ObjectRef<int> busy = troupe::Task(BeBusy).Remote(begun, end);
  ASSERT_TRUE(BecomesTrue([&] { return std::filesystem::exists(begun); }, 30s));
  {
    std::vector<troupe::ObjectRef<double>> sums;
    const auto first = troupe::Task([](std::span<const double> s) { return s[0]; });
    // Some of them are sent to the busy worker, until the other one has nothing to do.
    for (int i = 0; i < 16; ++i)
      sums.push_back(first.Remote(troupe::Put(std::vector<double>(100'000, i))));
    (void)troupe::Get(sums);
  }
  EXPECT_TRUE(BecomesTrue([] { return troupe::Memory(0).object_bytes == 0; }, 30s))
      << troupe::Memory(0).object_bytes << " bytes are held by a worker that will not need them";
  (void)std::ofstream(end);
  EXPECT_EQ(troupe::Get(busy), 7);
}

// Says whether the store becomes empty, before the 10 s after which who waits for this is told why
// it waits, and tells the node what it owes.
bool WatchTheStore(const std::string& begun) {
  (void)std::ofstream(begun);
  return BecomesTrue([] { return troupe::Memory(0).object_bytes == 0; }, 8s);
}

TEST_F(ObjectsTest, WhatOneThreadDropsIsFreedWhileAnotherOneWaits) {
  const troupe::testing::ShortDirectory directory;
  const std::string begun = directory.path() + "/begun";
  std::optional<troupe::ObjectRef<std::vector<double>>> large =
      troupe::Put(std::vector<double>(1'000'000));
  const troupe::ObjectRef<bool> empty = troupe::Task(WatchTheStore).Remote(begun);
  std::thread waits([&] { EXPECT_TRUE(troupe::Get(empty)) << "it was not given back"; });
  EXPECT_TRUE(BecomesTrue([&] { return std::filesystem::exists(begun); }, 30s));
  large.reset();
  waits.join();
}

// All twenty wait with the value in their hands: a copy for each of them would have no room.
TEST_F(ObjectsTest, ABoundValueOf50MbIsThereOnceForTwentyTasks) {
  constexpr size_t kNumbers = 6'250'000;
  const auto look = troupe::Bind([](std::span<const double> values, int) { return Look(values); },
                                 std::vector<double>(kNumbers, 1));
  troupe::Promise<int> gate;
  std::vector<troupe::ObjectRef<Seen>> tasks;
  for (int i = 0; i < 20; ++i) tasks.push_back(troupe::Task(look).Remote(gate.ref()));
  const auto expect_one_copy = [](const char* when) {
    const troupe::MemoryInfo info = troupe::Memory();
    const auto large =
        std::count_if(info.objects.begin(), info.objects.end(),
                      [](const troupe::StoredObject& object) { return object.size >= 1'000'000; });
    EXPECT_EQ(large, 1) << when;
    EXPECT_GE(info.object_bytes, kNumbers * sizeof(double)) << when;
    EXPECT_LT(info.object_bytes, 60'000'000u) << when;
  };
  expect_one_copy("before the tasks");
  gate.Set(1);
  for (const Seen& seen : troupe::Get(tasks)) {
    EXPECT_TRUE(seen.in_chunk);
    EXPECT_EQ(seen.sum, (kNumbers + 511) / 512);
  }
  expect_one_copy("after the tasks");
}

TEST(ObjectStore, WhatCannotFitFailsWithItsSize) {
  const troupe::Cluster cluster =
      troupe::Init({.workers = 1, .object_store_memory = int64_t{16} << 20});
  try {
    (void)troupe::Put(std::vector<char>(32 << 20));
    FAIL() << "no error";
  } catch (const troupe::ResourceExhausted& e) {
    EXPECT_NE(e.info().message.find("16.0 MiB"), std::string::npos) << e.what();
  }
  EXPECT_EQ(troupe::Get(troupe::Put(std::vector<char>(8 << 20))).size(), size_t{8} << 20);
}

TEST_F(ObjectsTest, ReadingAsAnotherTypeIsATypeMismatch) {
  const troupe::ObjectRef<int> number = troupe::Put(7);
  const troupe::ObjectRef<std::string> lie{number.handle()};
  try {
    (void)troupe::Get(lie);
    FAIL() << "no error";
  } catch (const troupe::TypeMismatch& e) {
    EXPECT_NE(e.info().message.find("of type int i32 "), std::string::npos) << e.what();
    EXPECT_NE(e.info().message.find("was read as std::"), std::string::npos) << e.what();
    EXPECT_NE(e.info().message.find("string"), std::string::npos) << e.what();
  }
}

struct Celsius {
  double degrees = 0;
  bool measured = false;
};
struct Place {
  std::string name;
};

// The worker has met neither type in any value before.
TEST_F(ObjectsTest, AWorkerNamesATypeThatOnlyItsCallerHasWritten) {
  const troupe::ObjectRef<Celsius> warm = troupe::Put(Celsius{21.5, true});
  const troupe::ObjectRef<Place> lie{warm.handle()};
  const auto read = troupe::Task([](const Place& place) { return place.name; }).Remote(lie);
  try {
    (void)troupe::Get(read);
    FAIL() << "no error";
  } catch (const troupe::TypeMismatch& e) {
    EXPECT_NE(e.info().message.find("Celsius {f64;bool;}"), std::string::npos) << e.what();
    EXPECT_NE(e.info().message.find("Place {"), std::string::npos) << e.what();
  }
}

}  // namespace
