// References as arguments: in containers, in structs, several times, none at all.
#include <gtest/gtest.h>

#include <array>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "sdk/troupe.h"

namespace {

template <typename T>
using Ref = troupe::ObjectRef<T>;

int Square(int x) { return x * x; }
int Throws(int x) { throw std::runtime_error("no luck with " + std::to_string(x)); }
std::string Text(const std::vector<int>& numbers) {
  std::string text;
  for (const int n : numbers) text += std::to_string(n) + " ";
  return text;
}
std::string TextOfArray(const std::array<int, 3>& numbers) {
  return Text({numbers.begin(), numbers.end()});
}
std::string TextOfMap(const std::map<std::string, std::vector<int>>& map) {
  std::string text;
  for (const auto& [key, numbers] : map) text += key + ": " + Text(numbers);
  return text;
}
int SumOfValues(std::unordered_map<int, int> map) {
  int sum = 0;
  for (const auto& [key, value] : map) sum += key * value;
  return sum;
}
std::string TextOfNested(std::vector<std::vector<std::optional<int>>> nested) {
  std::string text;
  for (const auto& inner : nested) {
    for (const std::optional<int>& n : inner) text += n ? std::to_string(*n) : "none";
    text += ";";
  }
  return text;
}
std::string TextOfTuple(const std::tuple<int, std::string, std::pair<int, double>>& t) {
  return std::to_string(std::get<0>(t)) + std::get<1>(t) + std::to_string(std::get<2>(t).first) +
         std::to_string(std::get<2>(t).second);
}
int SumOfLists(std::list<int> list, std::deque<int> deque) {
  return std::accumulate(deque.begin(), deque.end(), std::accumulate(list.begin(), list.end(), 0));
}
size_t HowMany(const std::vector<int>& numbers, const std::vector<std::vector<int>>& nested) {
  return numbers.size() + nested.size();
}

class References : public testing::Test {
 protected:
  troupe::Cluster cluster_ = troupe::Init({.workers = 2});
};

TEST_F(References, InContainersAreResolved) {
  const auto two = troupe::Task(Square).Remote(2);  // not there yet, perhaps
  const Ref<int> one = troupe::Put(1), three = troupe::Put(3);
  EXPECT_EQ(troupe::Get(troupe::Task(TextOfArray).Remote(std::array{one, two, three})), "1 4 3 ");
  const std::map<std::string, std::vector<Ref<int>>> map = {{"a", {three, one, three}}, {"b", {}}};
  EXPECT_EQ(troupe::Get(troupe::Task(TextOfMap).Remote(map)), "a: 3 1 3 b: ");
  std::unordered_map<int, Ref<int>> values;
  int sum = 0;
  for (int i = 0; i < 100; ++i) {
    values.emplace(i, troupe::Put(i + 1));
    sum += i * (i + 1);
  }
  EXPECT_EQ(troupe::Get(troupe::Task(SumOfValues).Remote(values)), sum);
  const std::vector<std::vector<std::optional<Ref<int>>>> nested = {{one, std::nullopt}, {}, {two}};
  EXPECT_EQ(troupe::Get(troupe::Task(TextOfNested).Remote(nested)), "1none;;4;");
  const std::tuple tuple(two, std::string("and"), std::pair(three, 0.5));
  EXPECT_EQ(troupe::Get(troupe::Task(TextOfTuple).Remote(tuple)), "4and30.500000");
  EXPECT_EQ(troupe::Get(troupe::Task(SumOfLists)
                            .Remote(std::list<Ref<int>>{one, two}, std::deque<Ref<int>>{three})),
            8);
}

// So are those that are large, and lie in the store.
TEST_F(References, InContainersToLargeValuesAreResolved) {
  const auto sum = [](const std::array<std::vector<std::vector<int>>, 2>& parts) {
    int total = 0;
    for (const auto& part : parts) {
      for (const auto& numbers : part) total += std::accumulate(numbers.begin(), numbers.end(), 0);
    }
    return total;
  };
  std::array<std::vector<Ref<std::vector<int>>>, 2> parts;
  for (int i = 0; i < 1000; ++i) parts[0].push_back(troupe::Put(std::vector<int>(10, 1)));
  for (int i = 0; i < 3; ++i) parts[1].push_back(troupe::Put(std::vector<int>(100'000, 1)));
  EXPECT_EQ(troupe::Get(troupe::Task(sum).Remote(parts)), 310'000);
}

TEST_F(References, InContainersFailTheCallThatTakesThem) {
  const std::array failing = {troupe::Put(1), troupe::Task(Throws).Remote(13), troupe::Put(3)};
  try {
    (void)troupe::Get(troupe::Task(TextOfArray).Remote(failing));
    FAIL() << "no error";
  } catch (const troupe::TaskError& e) {
    EXPECT_NE(std::string(e.what()).find("no luck with 13"), std::string::npos) << e.what();
  }
  EXPECT_THROW((void)troupe::Task(TextOfArray).Remote(std::array<Ref<int>, 3>()),
               troupe::InvalidArgument)
      << "one that refers to nothing";
}

// Where the parameter is a container of references, they are what it gets.
TEST_F(References, StayWhatTheyAreWhereThatIsAskedFor) {
  const auto all = [](const std::map<int, Ref<int>>& refs) {
    int sum = 0;
    for (const auto& [key, ref] : refs) sum += key * troupe::Get(ref);
    return sum;
  };
  const std::map<int, Ref<int>> refs = {{1, troupe::Put(10)}, {2, troupe::Task(Square).Remote(5)}};
  EXPECT_EQ(troupe::Get(troupe::Task(all).Remote(refs)), 60) << "each is with its own key";
}

TEST_F(References, InContainersAreBoundAndTakenByActors) {
  const std::array numbers = {troupe::Put(1), troupe::Put(2), troupe::Put(3)};
  EXPECT_EQ(troupe::Get(troupe::Task(troupe::Bind(TextOfArray, numbers)).Remote()), "1 2 3 ");

  class Keeper {
   public:
    explicit Keeper(std::map<std::string, int> numbers) : numbers_(std::move(numbers)) {}
    int Sum(const std::array<int, 2>& more) {
      int sum = more[0] + more[1];
      for (const auto& [name, n] : numbers_) sum += n;
      return sum;
    }
    troupe::Async<int> SumLater(std::pair<int, int> more) {
      co_return Sum({more.first, more.second});
    }

   private:
    std::map<std::string, int> numbers_;
  };
  const auto keeper = troupe::Actor<Keeper>(std::map<std::string, Ref<int>>{{"a", troupe::Put(100)},
                                                                            {"b", troupe::Put(20)}})
                          .Remote();
  EXPECT_EQ(troupe::Get(keeper.Task(&Keeper::Sum).Remote(std::array{numbers[0], numbers[1]})), 123);
  EXPECT_EQ(troupe::Get(keeper.Task(&Keeper::SumLater).Remote(std::pair(numbers[0], 7))), 128);
}

struct Inputs {
  std::map<std::string, Ref<int>> named;
  std::optional<Ref<int>> maybe;
  std::vector<Ref<int>> list;
  int plain = 0;
};
struct Values {
  std::map<std::string, int> named;
  std::optional<int> maybe;
  std::vector<int> list;
  int plain = 0;
};
TEST_F(References, InTheContainersOfAStructAreResolved) {
  const auto sum = [](const Values& values) {
    int total = values.plain + values.maybe.value_or(0);
    for (const auto& [name, n] : values.named) total += n;
    return std::accumulate(values.list.begin(), values.list.end(), total);
  };
  const Inputs inputs{{{"a", troupe::Put(1000)}}, troupe::Put(200), {troupe::Put(30)}, 4};
  EXPECT_EQ(troupe::Get(troupe::Task(sum).Remote(troupe::Resolve(inputs))), 1234);
}

TEST_F(References, NoneAtAllAreAnEmptyContainer) {
  EXPECT_EQ(troupe::Get(troupe::Task(HowMany).Remote(std::vector<Ref<int>>(),
                                                     std::vector<std::vector<Ref<int>>>())),
            0u);
  EXPECT_EQ(troupe::Get(std::vector<Ref<int>>()), std::vector<int>());
  EXPECT_EQ(troupe::Get(troupe::Task(SumOfValues).Remote(std::unordered_map<int, Ref<int>>())), 0);
}

TEST_F(References, MayComeSeveralTimes) {
  const Ref<int> slow = troupe::Task(Square).Remote(3);
  const Ref<int> there = troupe::Put(5);
  const std::vector<Ref<int>> refs = {slow, there, slow, there};
  EXPECT_EQ(troupe::Get(refs), (std::vector<int>{9, 5, 9, 5}));
  std::multiset<int> values;
  std::set<size_t> indices;
  for (const auto& [index, ref] : troupe::AsCompleted(refs)) {
    values.insert(troupe::Get(ref));
    indices.insert(index);
    EXPECT_EQ(ref, refs[index]);
  }
  EXPECT_EQ(values, (std::multiset<int>{5, 5, 9, 9}));
  EXPECT_EQ(indices, (std::set<size_t>{0, 1, 2, 3}));
  EXPECT_EQ(troupe::Get(troupe::Task(Text).Remote(refs)), "9 5 9 5 ");
}

// A task that comes after one that returns nothing.
TEST_F(References, ToNothingAreWaitedFor) {
  class Log {
   public:
    void Add(const std::string& line) { lines_ += line; }
    std::string All() const { return lines_; }

   private:
    std::string lines_;
  };
  const auto log = troupe::Actor<Log>().Remote();
  troupe::Promise<int> go;
  const auto first = troupe::Task([](const troupe::ActorHandle<Log>& its_log, int) {
                       troupe::Get(its_log.Task(&Log::Add).Remote("first "));
                     }).Remote(log, go.ref());
  const auto second =
      troupe::Then(first, troupe::Bind(
                              [](const troupe::ActorHandle<Log>& its_log, int n) {
                                troupe::Get(its_log.Task(&Log::Add).Remote("second"));
                                return n;
                              },
                              log, 42));
  EXPECT_FALSE(troupe::TryGet(second, absl::ZeroDuration()).ok());
  go.Set(1);
  EXPECT_EQ(troupe::Get(second), 42);
  EXPECT_EQ(troupe::Get(log.Task(&Log::All).Remote()), "first second");
  const auto failed =
      troupe::Task([] { throw std::runtime_error("the first has failed"); }).Remote();
  const auto after = troupe::Then(failed, [] { return 1; });
  EXPECT_THROW((void)troupe::Get(after), troupe::TaskError);
}

}  // namespace
