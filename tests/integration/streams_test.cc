// Streams, coroutines, several results and structs of references on real processes.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <cstdint>
#include <fstream>
#include <memory>
#include <numeric>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <tuple>
#include <vector>

#include "absl/time/time.h"
#include "sdk/troupe.h"

namespace {

int Square(int x) { return x * x; }
int Add(int a, int b) { return a + b; }
int Fails(int x) { throw std::runtime_error("no luck with " + std::to_string(x)); }

troupe::Generator<int> CountTo(int n) {
  for (int i = 1; i <= n; ++i) co_yield i;
}
troupe::Generator<int> CountAndThrow(int n) {
  for (int i = 1; i <= n; ++i) co_yield i;
  throw std::runtime_error("that was all");
}
troupe::Generator<std::vector<float>> Frames(int n, size_t floats) {
  std::vector<float> frame(floats);
  for (int i = 0; i < n; ++i) {
    frame.assign(floats, static_cast<float>(i));
    co_yield frame;
  }
}

// What a producer has done, seen from outside.
class Witness {
 public:
  void Made(int item) { made_ = item; }
  void Ended() { ended_ = true; }
  int made() const { return made_; }
  bool ended() const { return ended_; }

 private:
  int made_ = 0;
  bool ended_ = false;
};
troupe::Generator<int> Watched(troupe::ActorHandle<Witness> witness) {
  struct AtTheEnd {
    const troupe::ActorHandle<Witness>& witness;
    ~AtTheEnd() { troupe::Get(witness.Task(&Witness::Ended).Remote()); }
  };
  const AtTheEnd at_the_end{witness};
  for (int i = 1;; ++i) {
    troupe::Get(witness.Task(&Witness::Made).Remote(i));
    co_yield i;
  }
}

class StreamsTest : public testing::Test {
 protected:
  troupe::Cluster cluster_ = troupe::Init({.workers = 2, .object_store_memory = 64 << 20});
};

TEST(GeneratorTest, RunsHere) {
  std::vector<int> numbers;
  for (const int number : CountTo(4)) numbers.push_back(number);
  EXPECT_EQ(numbers, (std::vector{1, 2, 3, 4}));
  troupe::Generator<int> throwing = CountAndThrow(1);
  EXPECT_EQ(*throwing.Next(), 1);
  EXPECT_THROW((void)throwing.Next(), std::runtime_error);
  EXPECT_EQ(throwing.Next(), nullptr);
}

TEST_F(StreamsTest, ItemsComeInOrder) {
  int next = 1;
  for (const troupe::ObjectRef<int> item : troupe::Task(CountTo).Remote(1000))
    EXPECT_EQ(troupe::Get(item), next++);
  EXPECT_EQ(next, 1001);
  for ([[maybe_unused]] auto item : troupe::Task(CountTo).Remote(0)) FAIL();
}

TEST_F(StreamsTest, ItemsAreArgumentsAndOutliveTheStream) {
  std::vector<troupe::ObjectRef<int>> squares, items;
  for (troupe::ObjectRef<int> item : troupe::Task(CountTo).Window(2).Remote(10)) {
    squares.push_back(troupe::Task(Square).Remote(item));
    items.push_back(std::move(item));
  }
  const std::vector<int> values = troupe::Get(squares);
  EXPECT_EQ(std::accumulate(values.begin(), values.end(), 0), 385);
  EXPECT_EQ(troupe::Get(items).back(), 10);
}

TEST_F(StreamsTest, TheExceptionIsTheItemAfterTheLast) {
  troupe::Stream<int> stream = troupe::Task(CountAndThrow).Remote(3);
  for (int i = 1; i <= 3; ++i) EXPECT_EQ(troupe::Get(*stream.Next()), i);
  EXPECT_THROW((void)stream.Next(), troupe::TaskError);
  EXPECT_FALSE(stream.Next().has_value());
}

// What a generator yields may have no way to travel.
struct Choosy {
  int n = 0;
  template <class Archive>
  void save(Archive& archive) const {
    if (n == 3) throw std::runtime_error("the third one stays here");
    archive(n);
  }
  template <class Archive>
  void load(Archive& archive) {
    archive(n);
  }
};
TEST_F(StreamsTest, AnItemThatCannotBeSavedEndsTheStream) {
  const auto choose = []() -> troupe::Generator<Choosy> {
    for (int i = 1; i <= 5; ++i) co_yield Choosy{i};
  };
  troupe::Stream<Choosy> stream = troupe::Task(choose).Remote();
  for (int i = 1; i <= 2; ++i) {
    auto item = stream.Next(absl::Minutes(1));
    ASSERT_TRUE(item.has_value());
    EXPECT_EQ(troupe::Get(*item).n, i);
  }
  try {
    (void)stream.Next(absl::Minutes(1));
    FAIL() << "no error";
  } catch (const troupe::NotSerializable& e) {
    EXPECT_NE(std::string(e.what()).find("the third one stays here"), std::string::npos)
        << e.what();
  }
  EXPECT_FALSE(stream.Next(absl::Minutes(1)).has_value());
}

TEST_F(StreamsTest, TheProducerWaitsForItsConsumerAndLendsItsCpu) {
  const auto witness = troupe::Actor<Witness>().Remote();
  auto first = troupe::Task(Watched).Window(3).Remote(witness);
  EXPECT_EQ(troupe::Get(*first.Next()), 1);
  EXPECT_EQ(troupe::Get(*first.Next()), 2);
  const auto made = [&] { return troupe::Get(witness.Task(&Witness::made).Remote()); };
  while (made() < 5) std::this_thread::yield();  // 2 taken, 3 ahead...
  // ... and one more may be in the making, while others have its CPU.
  std::vector<troupe::ObjectRef<int>> others;
  for (int i = 0; i < 200; ++i) others.push_back(troupe::Task(Square).Remote(i));
  (void)troupe::Get(others);
  EXPECT_LE(made(), 6);
  // Dropping the stream stops it.
  first = troupe::Stream<int>();
  while (!troupe::Get(witness.Task(&Witness::ended).Remote())) std::this_thread::yield();
  EXPECT_LE(made(), 7);
}

TEST_F(StreamsTest, ByItselfTheProducerIsAWindowAhead) {
  const auto witness = troupe::Actor<Witness>().Remote();
  auto stream = troupe::Task(Watched).Remote(witness);
  EXPECT_EQ(troupe::Get(*stream.Next()), 1);
  const auto made = [&] { return troupe::Get(witness.Task(&Witness::made).Remote()); };
  constexpr int kWindow = troupe::kDefaultStreamWindow;
  static_assert(kWindow == 16);
  while (made() < 1 + kWindow) std::this_thread::yield();
  for (int i = 0; i < 200; ++i) (void)troupe::Get(troupe::Task(Square).Remote(i));
  EXPECT_LE(made(), 1 + kWindow + 1);
  stream = troupe::Stream<int>();
  while (!troupe::Get(witness.Task(&Witness::ended).Remote())) std::this_thread::yield();
}

TEST_F(StreamsTest, AWindowHasRoomForAnItem) {
  const auto task = troupe::Task(CountTo);
  EXPECT_THROW((void)task.Window(0), troupe::InvalidArgument);
  int items = 0;
  for ([[maybe_unused]] auto item : task.Window(1).Remote(3)) ++items;
  EXPECT_EQ(items, 3);
}

TEST_F(StreamsTest, LargeItemsPassThroughASmallStore) {
  int next = 0;
  for (const auto frame : troupe::Task(Frames).Window(4).Remote(100, size_t{1} << 20)) {
    const troupe::ObjectRef<std::vector<float>> held = frame;
    EXPECT_EQ(troupe::Get(held)[5], static_cast<float>(next++));
  }
  EXPECT_EQ(next, 100);
}

TEST_F(StreamsTest, ManyStreamsAtOnce) {
  std::vector<troupe::Stream<int>> streams;
  for (int i = 0; i < 10; ++i) streams.push_back(troupe::Task(CountTo).Window(1).Remote(20));
  for (int n = 1; n <= 20; ++n) {
    for (troupe::Stream<int>& stream : streams) EXPECT_EQ(troupe::Get(*stream.Next()), n);
  }
  for (troupe::Stream<int>& stream : streams) EXPECT_FALSE(stream.Next().has_value());
}

TEST_F(StreamsTest, ATaskReadsTheStreamOfAnother) {
  const auto sum = troupe::Task([](int n) {
    int total = 0;
    for (const troupe::ObjectRef<int> item : troupe::Task(CountTo).Remote(n))
      total += troupe::Get(item);
    return total;
  });
  std::vector<troupe::ObjectRef<int>> sums;
  for (int i = 0; i < 4; ++i) sums.push_back(sum.Remote(100));
  for (const int total : troupe::Get(sums)) EXPECT_EQ(total, 5050);
}

// The worker dies in the middle, once: the retry gives what is missing, and nothing twice.
troupe::Generator<int> DiesOnce(std::string mark, int n) {
  for (int i = 1; i <= n; ++i) {
    if (i == n / 2 && !std::ifstream(mark).good()) {
      std::ofstream(mark) << "died";
      kill(getpid(), SIGKILL);
    }
    co_yield i;
  }
}
TEST_F(StreamsTest, ARetryGoesOnWhereTheConsumerIs) {
  const std::string mark = testing::TempDir() + "/died_once";
  int next = 1;
  for (const troupe::ObjectRef<int> item : troupe::Task(DiesOnce).Remote(mark, 100))
    EXPECT_EQ(troupe::Get(item), next++);
  EXPECT_EQ(next, 101);
}

TEST_F(StreamsTest, NextHasATimeout) {
  const auto witness = troupe::Actor<Witness>().Remote();
  auto waiting = troupe::Task([](troupe::ActorHandle<Witness> w) -> troupe::Generator<int> {
                   while (!troupe::Get(w.Task(&Witness::ended).Remote())) std::this_thread::yield();
                   co_yield 1;
                 }).Remote(witness);
  EXPECT_THROW((void)waiting.Next(absl::Milliseconds(1)), troupe::DeadlineExceeded);
  troupe::Get(witness.Task(&Witness::Ended).Remote());
  EXPECT_EQ(troupe::Get(*waiting.Next()), 1);
}

// --- Coroutines.

troupe::Async<int> SumOfSquares(troupe::ObjectRef<int> x, int y) {
  const int first = co_await troupe::Task(Square).Remote(x);
  const int second = co_await troupe::Task(Square).Remote(y);
  co_return first + second;
}
troupe::Async<int> Twice(int x) {
  const int once = co_await SumOfSquares(troupe::Put(x), x);
  co_return once + co_await SumOfSquares(troupe::Put(x), x);
}
troupe::Async<void> Fail(int x) { (void)co_await troupe::Task(Fails).Remote(x); }
troupe::Async<std::string> Recovers(int x) {
  std::string what = "nothing";
  try {
    co_await Fail(x);
  } catch (const troupe::TaskError& e) {
    what = e.info().message;
  }
  co_return what;
}

TEST_F(StreamsTest, CoroutinesAwaitReferencesAndOneAnother) {
  EXPECT_EQ(SumOfSquares(troupe::Put(3), 4).Run(), 25);
  EXPECT_EQ(Twice(2).Run(), 16);
  EXPECT_EQ(Recovers(7).Run(), "no luck with 7");
  EXPECT_THROW(Fail(1).Run(), troupe::TaskError);
  EXPECT_THROW((void)SumOfSquares(troupe::ObjectRef<int>(), 1).Run(), troupe::InvalidArgument);
  std::vector<troupe::Async<int>> many;
  for (int i = 0; i < 100; ++i) many.push_back(Twice(i));
  const std::vector<int> results = troupe::RunAll(std::move(many));
  for (int i = 0; i < 100; ++i) EXPECT_EQ(results[i], 4 * i * i);
}

TEST_F(StreamsTest, ACoroutineIsATask) {
  std::vector<troupe::ObjectRef<int>> refs;
  for (int i = 0; i < 8; ++i) refs.push_back(troupe::Task(Twice).Remote(i));
  const troupe::ObjectRef<int> five = troupe::Task(SumOfSquares).Remote(troupe::Put(1), 2);
  EXPECT_EQ(troupe::Get(five), 5);
  for (int i = 0; i < 8; ++i) EXPECT_EQ(troupe::Get(refs[i]), 4 * i * i);
  EXPECT_THROW(troupe::Get(troupe::Task(Fail).Remote(3)), troupe::TaskError);
}

// --- Several results, structs of references, views of text.

std::tuple<int, std::string> Split(int x) { return {x, std::to_string(x)}; }
std::vector<int> UpTo(int n) {
  std::vector<int> numbers(n);
  std::iota(numbers.begin(), numbers.end(), 1);
  return numbers;
}
TEST_F(StreamsTest, SeveralResultsAreReferencesOfTheirOwn) {
  auto [number, text] = troupe::Task(Split).Returns<int, std::string>().Remote(7);
  EXPECT_EQ(troupe::Get(troupe::Task(Square).Remote(number)), 49);
  EXPECT_EQ(troupe::Get(text), "7");
  const std::vector<troupe::ObjectRef<int>> numbers = troupe::Task(UpTo).Returns(5).Remote(5);
  ASSERT_EQ(numbers.size(), 5u);
  EXPECT_EQ(troupe::Get(troupe::Task(Add).Remote(numbers[1], numbers[4])), 7);
  // Another number than was asked for is an error of each.
  const auto wrong = troupe::Task(UpTo).Returns(3).Remote(2);
  for (const auto& ref : wrong) EXPECT_THROW((void)troupe::Get(ref), troupe::InvalidArgument);
  EXPECT_THROW((void)troupe::Task(UpTo).Returns(0).Remote(0), troupe::InvalidArgument);
}

class Splitter {
 public:
  std::tuple<int, std::string> Split(int x) { return {x, std::to_string(++calls_)}; }
  std::vector<int> UpTo(int n) { return std::vector<int>(n, ++calls_); }

 private:
  int calls_ = 0;
};
TEST_F(StreamsTest, MethodsHaveSeveralResultsToo) {
  const auto splitter = troupe::Actor<Splitter>().Remote();
  auto [number, text] = splitter.Task(&Splitter::Split).Returns<int, std::string>().Remote(7);
  EXPECT_EQ(troupe::Get(troupe::Task(Square).Remote(number)), 49);
  EXPECT_EQ(troupe::Get(text), "1");
  const std::vector<troupe::ObjectRef<int>> numbers =
      splitter.Task(&Splitter::UpTo).Options({.name = "three"}).Returns(3).Remote(3);
  ASSERT_EQ(numbers.size(), 3u);
  for (const auto& ref : numbers) EXPECT_EQ(troupe::Get(ref), 2);
  const auto wrong = splitter.Task(&Splitter::UpTo).Returns(3).Remote(2);
  for (const auto& ref : wrong) EXPECT_THROW((void)troupe::Get(ref), troupe::InvalidArgument);
}

struct Inputs {
  troupe::ObjectRef<int> number;
  std::vector<troupe::ObjectRef<int>> others;
  std::string name;
};
struct Values {
  int number = 0;
  std::vector<int> others;
  std::string name;
};
std::string Describe(const Values& values, int factor) {
  const int sum = std::accumulate(values.others.begin(), values.others.end(), values.number);
  return values.name + "=" + std::to_string(factor * sum);
}
TEST_F(StreamsTest, AStructOfReferencesIsResolved) {
  const Inputs inputs{troupe::Task(Square).Remote(2), {troupe::Put(1), troupe::Put(5)}, "sum"};
  EXPECT_EQ(troupe::Get(troupe::Task(Describe).Remote(troupe::Resolve(inputs), 10)), "sum=100");
  const Inputs failing{troupe::Task(Fails).Remote(2), {}, "sum"};
  EXPECT_THROW((void)troupe::Get(troupe::Task(Describe).Remote(troupe::Resolve(failing), 1)),
               troupe::TaskError);
}

size_t Vowels(std::string_view text) {
  size_t count = 0;
  for (const char c : text) count += std::string_view("aeiou").find(c) != std::string_view::npos;
  return count;
}
TEST_F(StreamsTest, TextIsReadWhereItLies) {
  EXPECT_EQ(troupe::Get(troupe::Task(Vowels).Remote("audio")), 4u);
  EXPECT_EQ(troupe::Get(troupe::Task(Vowels).Remote(std::string_view("sky"))), 0u);
  const troupe::ObjectRef<std::string> book = troupe::Put(std::string(3'000'000, 'e'));
  EXPECT_EQ(troupe::Get(troupe::Task(Vowels).Remote(book)), 3'000'000u);
}

}  // namespace
