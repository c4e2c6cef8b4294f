// Tasks on real processes: callables, arguments, composition, errors, nesting, waiting.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <fstream>
#include <functional>
#include <iterator>
#include <numeric>
#include <set>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "absl/time/time.h"
#include "sdk/troupe.h"
#include "tests/integration/processes.h"

int ThrowsExported(int) { throw std::runtime_error("exported"); }
static int ThrowsStatic(int) { throw std::runtime_error("static"); }

namespace {

using std::chrono_literals::operator""s;
using troupe::testing::BecomesTrue;

int Square(int x) { return x * x; }
int Sum(const std::vector<int>& xs) { return std::accumulate(xs.begin(), xs.end(), 0); }
std::string Greet(const std::string& name) { return "hello " + name; }
double Total(std::span<const double> xs) { return std::accumulate(xs.begin(), xs.end(), 0.0); }
std::unique_ptr<int> Boxed(std::unique_ptr<int> box) { return std::make_unique<int>(*box + 1); }
void DoNothing() {}
int Throws(int x) { throw std::runtime_error("no luck with " + std::to_string(x)); }
int ThrowsAnInt() { throw 42; }
template <typename T>
int ThrowsForAny(T) {
  throw std::runtime_error("in a template");
}
int Pid() { return gettid(); }  // of a process, that of its main thread

struct Scaler {
  int factor = 1;
  int operator()(int x) const { return factor * x; }
};
struct Model {
  double weight = 0;
  double Score(double x) const { return weight * x; }
  int Fails() const { throw std::runtime_error("in a method"); }
};
struct Shape {
  virtual ~Shape() = default;
  virtual int Sides() const { return 0; }
  template <class Archive>
  void serialize(Archive&) {}
};
struct Triangle : Shape {
  int Sides() const override { return 3; }
};

// What it is refused with; empty where it is not.
std::string RefusalOf(const std::function<void()>& f) {
  try {
    f();
  } catch (const troupe::InvalidArgument& e) {
    return e.info().message;
  }
  return "";
}

class TasksTest : public testing::Test {
 protected:
  troupe::Cluster cluster_ = troupe::Init({.workers = 2});
};

TEST_F(TasksTest, WhatCanBeCalledIsCalledElsewhere) {
  EXPECT_EQ(troupe::Get(troupe::Task(Square).Remote(7)), 49);
  EXPECT_EQ(troupe::Get(troupe::Task([](int a, int b) { return a - b; }).Remote(7, 4)), 3);
  EXPECT_EQ(troupe::Get(troupe::Task([](auto a) { return a + 1; }).Remote(7)), 8);
  EXPECT_EQ(troupe::Get(troupe::Task(Scaler{3}).Remote(7)), 21);
  EXPECT_EQ(troupe::Get(troupe::Task(&Model::Score).Remote(Model{2.5}, 2.0)), 5.0);
  EXPECT_EQ(troupe::Get(troupe::Task(&Shape::Sides).Remote(Shape())), 0);
  EXPECT_EQ(troupe::Get(troupe::Task(Greet).Remote("you")), "hello you");
  EXPECT_EQ(*troupe::Get(troupe::Task(Boxed).Remote(std::make_unique<int>(1))), 2);
  troupe::Get(troupe::Task(DoNothing).Remote());
  EXPECT_NE(troupe::Get(troupe::Task(Pid).Remote()), getpid());
}

TEST_F(TasksTest, BoundValuesTravelSmallAndLarge) {
  const auto scaled = troupe::Bind([](int factor, int x) { return factor * x; }, 3);
  EXPECT_EQ(troupe::Get(troupe::Task(scaled).Remote(5)), 15);
  const std::vector<double> large(1'000'000, 0.5);
  const auto total =
      troupe::Bind([](std::span<const double> xs, double x) { return Total(xs) + x; }, large);
  std::vector<troupe::ObjectRef<double>> totals;
  for (int i = 0; i < 8; ++i) totals.push_back(troupe::Task(total).Remote(double(i)));
  for (int i = 0; i < 8; ++i) EXPECT_EQ(troupe::Get(totals[i]), 500'000.0 + i);
}

double Scale(double factor, double x) { return factor * x; }
size_t LengthAnd(const std::string& text, int more) {
  return text.size() + static_cast<size_t>(more);
}
int SumAnd(const std::vector<int>& xs, int more) { return Sum(xs) + more; }
double TotalAnd(const std::vector<double>& xs, double more) { return Total(xs) + more; }

// As arguments are.
TEST_F(TasksTest, BoundValuesAreConvertedToWhatTheFunctionTakes) {
  EXPECT_EQ(troupe::Get(troupe::Task(troupe::Bind(Scale, 2)).Remote(1.5)), 3);
  EXPECT_EQ(troupe::Get(troupe::Task(troupe::Bind(Scale, 0.5f)).Remote(3)), 1.5);
  EXPECT_EQ(troupe::Get(troupe::Task(troupe::Bind(LengthAnd, "abc")).Remote(1)), 4u);
  std::vector<troupe::ObjectRef<int>> refs = {troupe::Put(1), troupe::Task(Square).Remote(2)};
  EXPECT_EQ(troupe::Get(troupe::Task(troupe::Bind(SumAnd, refs)).Remote(10)), 15);
  EXPECT_EQ(troupe::Map(troupe::Bind(Scale, 2), std::vector<double>{1, 2}).ToVector(),
            (std::vector<double>{2, 4}));
  // Of what is large, the converted value is stored, once.
  struct Many {
    std::vector<int> ones = std::vector<int>(100'000, 1);
    operator std::vector<double>() const { return {ones.begin(), ones.end()}; }
  };
  const auto many = troupe::Bind(TotalAnd, Many());
  std::vector<troupe::ObjectRef<double>> totals;
  for (int i = 0; i < 5; ++i) totals.push_back(troupe::Task(many).Remote(i));
  for (int i = 0; i < 5; ++i) EXPECT_EQ(troupe::Get(totals[static_cast<size_t>(i)]), 100'000 + i);
  int stored = 0;
  for (const troupe::StoredObject& object : troupe::Memory().objects)
    stored += object.size >= 800'000;
  EXPECT_EQ(stored, 1);

  auto moved = troupe::Bind(Scale, 2);
  const auto there = std::move(moved);
  EXPECT_THROW((void)troupe::Task(moved).Remote(1.0), troupe::InvalidArgument);
  EXPECT_EQ(troupe::Get(troupe::Task(there).Remote(1.0)), 2);
}

double FirstOf(const std::span<const double>& xs) { return xs[0]; }
size_t LengthOf(const std::string_view& text) { return text.size(); }
size_t LengthOfMoved(std::string_view&& text) { return text.size(); }

TEST_F(TasksTest, ViewsByReferenceAreArguments) {
  EXPECT_EQ(troupe::Get(troupe::Task(FirstOf).Remote(std::vector<double>{2.5, 1})), 2.5);
  EXPECT_EQ(troupe::Get(troupe::Task(FirstOf).Remote(std::vector<double>(100'000, 1.5))), 1.5);
  EXPECT_EQ(troupe::Get(troupe::Task(LengthOf).Remote("abc")), 3u);
  EXPECT_EQ(troupe::Get(troupe::Task(LengthOfMoved).Remote(std::string(100'000, 'x'))), 100'000u);
}

troupe::ObjectRef<int> RefTo(int x) { return troupe::Put(x); }
int ValueOf(troupe::ObjectRef<int> ref) { return troupe::Get(ref); }
int SumOfRefs(const std::vector<troupe::ObjectRef<int>>& refs) {
  int sum = 0;
  for (const troupe::ObjectRef<int>& ref : refs) sum += troupe::Get(ref);
  return sum;
}

TEST_F(TasksTest, AReferenceToAReferenceIsResolvedOnce) {
  const troupe::ObjectRef<troupe::ObjectRef<int>> ref = troupe::Task(RefTo).Remote(7);
  EXPECT_EQ(troupe::Get(troupe::Task(ValueOf).Remote(ref)), 7);
  EXPECT_EQ(troupe::Get(troupe::Then(ref, ValueOf)), 7);
  EXPECT_EQ(troupe::Get(troupe::Task(ValueOf).Remote(troupe::Put(8))), 8) << "itself";
  const std::vector<troupe::ObjectRef<troupe::ObjectRef<int>>> refs = {
      ref, troupe::Task(RefTo).Remote(1)};
  EXPECT_EQ(troupe::Get(troupe::Task(SumOfRefs).Remote(refs)), 8);
  EXPECT_EQ(troupe::Map(ValueOf, refs).ToVector(), (std::vector{7, 1}));
}

TEST_F(TasksTest, ReferencesAreArguments) {
  const troupe::ObjectRef<int> four = troupe::Task(Square).Remote(2);
  const troupe::ObjectRef<int> sixteen = troupe::Task(Square).Remote(four);
  EXPECT_EQ(troupe::Get(troupe::Task(Square).Remote(sixteen)), 256);
  std::vector<troupe::ObjectRef<int>> squares;
  for (int i = 0; i < 100; ++i) squares.push_back(troupe::Task(Square).Remote(i));
  EXPECT_EQ(troupe::Get(troupe::Task(Sum).Remote(squares)), 328'350);
  // A parameter that is a reference gets the reference.
  const auto through =
      troupe::Task([](troupe::ObjectRef<int> ref) { return troupe::Get(ref) + 1; });
  EXPECT_EQ(troupe::Get(through.Remote(sixteen)), 17);
  // A reference inside a value, and one that comes back.
  const auto back =
      troupe::Task([](std::vector<troupe::ObjectRef<int>> refs) { return refs.at(1); });
  EXPECT_EQ(troupe::Get(troupe::Get(back.Remote(std::vector{four, sixteen}))), 16);
}

std::string NameOfFailed(const troupe::ObjectRef<int>& failed) {
  try {
    (void)troupe::Get(failed);
  } catch (const troupe::TaskError& e) {
    EXPECT_NE(std::string_view(e.what()).find(e.info().origin), std::string_view::npos) << e.what();
    return e.info().origin;
  }
  ADD_FAILURE() << "no error";
  return "";
}

TEST_F(TasksTest, AnErrorNamesItsFunctionAlsoWhereThatIsNotExported) {
  struct Local {
    static int Fails(int) { throw std::runtime_error("in a local class"); }
  };
  EXPECT_EQ(NameOfFailed(troupe::Task(ThrowsExported).Remote(1)), "ThrowsExported");
  EXPECT_EQ(NameOfFailed(troupe::Task(Throws).Remote(1)), "Throws");
  EXPECT_EQ(NameOfFailed(troupe::Task(ThrowsForAny<int>).Remote(1)), "ThrowsForAny<int>");
  EXPECT_EQ(NameOfFailed(troupe::Task(ThrowsStatic).Remote(1)), "ThrowsStatic");
  EXPECT_EQ(NameOfFailed(troupe::Task(&Model::Fails).Remote(Model{})), "Model::Fails");
  const std::string local = NameOfFailed(troupe::Task(Local::Fails).Remote(1));
  EXPECT_TRUE(local.ends_with("_Test::TestBody()::Local::Fails")) << local;
  int (*const pointer)(int) = [](int) -> int { throw std::runtime_error("in a lambda"); };
  const std::string lambda = NameOfFailed(troupe::Task(pointer).Remote(1));
  EXPECT_NE(lambda.find("_Test::TestBody()::"), std::string::npos) << lambda;
  EXPECT_TRUE(lambda.ends_with("{lambda #1}") || lambda.find("::$_") != lambda.npos) << lambda;
}

TEST_F(TasksTest, ErrorsAreTypedAndFollowDependencies) {
  const troupe::ObjectRef<int> bad = troupe::Task(Throws).Options({.name = "unlucky"}).Remote(3);
  try {
    (void)troupe::Get(bad);
    FAIL() << "no error";
  } catch (const troupe::TaskError& e) {
    EXPECT_EQ(e.info().message, "no luck with 3");
    EXPECT_EQ(e.info().exception_type, "std::runtime_error");
    EXPECT_EQ(e.info().origin, "unlucky");
    EXPECT_EQ(e.info().attempt, 1u);
    EXPECT_EQ(e.info().pid == getpid(), cluster_.in_process());
  }
  const troupe::ObjectRef<int> after =
      troupe::Task(Square).Remote(troupe::Task(Square).Remote(bad));
  const absl::StatusOr<int> failed = troupe::TryGet(after);
  ASSERT_FALSE(failed.ok());
  EXPECT_NE(failed.status().message().find("no luck with 3"), absl::string_view::npos)
      << failed.status();
  // One of a list, too: of what is waited for, and of an argument.
  std::vector<troupe::ObjectRef<int>> refs = {troupe::Put(1), bad, troupe::Put(3)};
  for (const auto& fails :
       {std::function<void()>([&] { (void)troupe::Get(refs); }), std::function<void()>([&] {
          (void)troupe::Get(troupe::Task(Sum).Options({.name = "sum"}).Remote(refs));
        })}) {
    try {
      fails();
      ADD_FAILURE() << "no error";
    } catch (const troupe::TaskError& e) {
      EXPECT_EQ(e.info().message, "no luck with 3");
      EXPECT_EQ(e.info().origin, "unlucky");
    }
  }
  EXPECT_THROW((void)troupe::Get(troupe::Task(ThrowsAnInt).Remote()), troupe::TaskError);
  EXPECT_THROW((void)troupe::Get(troupe::Task(Square).Options({.cpus = 3}).Remote(1)),
               troupe::Infeasible);
  EXPECT_EQ(troupe::Get(troupe::Task(Square).Remote(3)), 9) << "the worker went on";
}

int Nested(int depth) {
  if (depth == 0) return 1;
  return 1 + troupe::Get(troupe::Task(Nested).Remote(depth - 1));
}

TEST_F(TasksTest, NestedTasksLendTheirCpu) {
  EXPECT_EQ(troupe::Get(troupe::Task(Nested).Remote(10)), 11);
}

TEST(Nesting, WorksOnOneWorkerAndEndsInAnErrorWhereItIsTooDeep) {
  const troupe::Cluster cluster = troupe::Init({.workers = 1});
  EXPECT_EQ(troupe::Get(troupe::Task(Nested).Remote(5)), 6);
  const absl::StatusOr<int> too_deep = troupe::TryGet(troupe::Task(Nested).Remote(100));
  ASSERT_FALSE(too_deep.ok());
  EXPECT_NE(too_deep.status().message().find("nest less deeply"), absl::string_view::npos)
      << too_deep.status();
}

[[gnu::noinline]] int Divide(int a, int b) {
  if (b == 0) throw std::domain_error("division by zero");
  return a / b;
}
[[gnu::noinline]] int Ratio(int a) { return 1 + Divide(a, 0); }
int RatioAfterManyThrows(int throws) {
  for (int i = 0; i < throws; ++i) {
    try {
      (void)Ratio(i);
    } catch (const std::domain_error&) {
    }
  }
  return Ratio(1);
}
int RatioThatIsPassedOn(int a) {
  try {
    return Ratio(a);
  } catch (...) {
    throw;
  }
}
int RatioThatIsTranslated(int a) {
  try {
    throw std::runtime_error("another one");
  } catch (const std::runtime_error&) {
    return Ratio(a);
  }
}
// The library's own exception, most likely where the program's had been.
int AtTheEndOf(const std::vector<int>& empty) {
  try {
    throw std::out_of_range("the program's");
  } catch (const std::out_of_range&) {
  }
  return empty.at(0);
}
std::string StackOf(const troupe::ObjectRef<int>& failed) {
  try {
    (void)troupe::Get(failed);
  } catch (const troupe::TaskError& e) {
    EXPECT_EQ(e.info().message, "division by zero");
    return e.stack();
  }
  ADD_FAILURE() << "no error";
  return "";
}

int ReadsAFile() {
  try {
    throw std::system_error(std::make_error_code(std::errc::no_such_file_or_directory),
                            "model.bin");
  } catch (...) {
    std::throw_with_nested(std::invalid_argument("cannot load the model"));
  }
}
int Starts() {
  try {
    return ReadsAFile();
  } catch (...) {
    std::throw_with_nested(std::runtime_error("cannot start"));
  }
}

TEST_F(TasksTest, AnErrorTellsItsCauses) {
  try {
    (void)troupe::Get(troupe::Task(Starts).Remote());
    FAIL() << "no error";
  } catch (const troupe::TaskError& e) {
    EXPECT_EQ(e.info().exception_type, "std::runtime_error");
    EXPECT_EQ(e.info().message,
              "cannot start; caused by std::invalid_argument: cannot load the model; caused by "
              "std::system_error: model.bin: No such file or directory");
  }
  // A task that fails because another one did tells both.
  const auto outer = troupe::Task([] { return troupe::Get(troupe::Task(Throws).Remote(7)); });
  try {
    (void)troupe::Get(outer.Options({.name = "outer"}).Remote());
    FAIL() << "no error";
  } catch (const troupe::TaskError& e) {
    const std::string what = e.what();
    EXPECT_EQ(e.info().origin, "outer");
    EXPECT_NE(what.find("std::runtime_error: no luck with 7 [task "), std::string::npos) << what;
    EXPECT_NE(what.find("Throws"), std::string::npos) << what;
  }
}

// Its first attempt fails.
std::string TellsOfItself() {
  const troupe::TaskInfo task = troupe::CurrentTask();
  if (task.attempt == 1) throw std::runtime_error("once more");
  return task.name + " " + std::to_string(task.attempt) + " " + task.call_site.file + ":" +
         std::to_string(task.call_site.line);
}
class Teller {
 public:
  Teller() : made_at_(troupe::CurrentTask().call_site.line) {}
  int MadeAt() const { return made_at_; }
  int CalledAt() const { return troupe::CurrentTask().call_site.line; }

 private:
  int made_at_;
};

TEST_F(TasksTest, ATaskKnowsWhatItIs) {
  const std::string here = __FILE__;
  const int line = __LINE__ + 1;
  const auto named_here = troupe::Task(TellsOfItself);
  const auto task = named_here.Options(
      {.name = "teller", .max_retries = 1, .retry_on = troupe::RetryOn::Everything()});
  EXPECT_EQ(troupe::Get(task.Remote()), "teller 2 " + here + ":" + std::to_string(line));
  auto builder = troupe::Actor<Teller>();
  const int made_at = __LINE__ + 1;
  const auto teller = std::move(builder).Remote();
  EXPECT_EQ(troupe::Get(teller.Task(&Teller::MadeAt).Remote()), made_at);
  EXPECT_EQ(troupe::Get(teller.Task(&Teller::CalledAt).Remote()), __LINE__);
  EXPECT_EQ(troupe::CurrentTask().call_site.line, 0);

  // What calls for others is called from where they called it.
  const auto where = [](int) { return troupe::CurrentTask().call_site.line; };
  EXPECT_EQ(troupe::Get(troupe::Then(troupe::Put(1), where)), __LINE__);
  EXPECT_EQ(troupe::Map(where, std::vector{1}).ToVector(), std::vector{__LINE__});
  const auto where_folded = [](int, int) { return troupe::CurrentTask().call_site.line; };
  const std::vector<troupe::ObjectRef<int>> refs = {troupe::Put(1), troupe::Put(2)};
  EXPECT_EQ(troupe::Get(troupe::TreeReduce(where_folded, refs)), __LINE__);
}

struct Heavy {
  std::vector<double> weights;
  double operator()(int i) const { return weights[static_cast<size_t>(i)]; }
};

TEST_F(TasksTest, LargeFieldsOfAFunctionObjectTravelAndAreSaidOnce) {
  testing::internal::CaptureStderr();
  const int line = __LINE__ + 1;
  const auto heavy = troupe::Task(Heavy{std::vector<double>(300'000, 1.5)});
  EXPECT_EQ(troupe::Get(heavy.Remote(299'999)), 1.5);
  EXPECT_EQ(troupe::Get(heavy.Remote(0)), 1.5);
  EXPECT_EQ(troupe::Get(troupe::Task(Heavy{std::vector<double>(3, 2.5)}).Remote(1)), 2.5);
  const std::string said = testing::internal::GetCapturedStderr();
  const std::string site = "tasks_test.cc:" + std::to_string(line) + ": the fields of the function";
  const size_t at = said.find(site);
  ASSERT_NE(at, std::string::npos) << said;
  EXPECT_NE(said.find("Heavy take 2.3 MiB in each call", at), std::string::npos) << said;
  EXPECT_EQ(said.find("the fields of the function", at + site.size()), std::string::npos) << said;
}

TEST_F(TasksTest, AnErrorTellsInWhichFunctionsItWasThrown) {
  const troupe::ObjectRef<int> failed = troupe::Task(Ratio).Remote(1);
  const std::string stack = StackOf(failed);
  const size_t inner = stack.find("Divide");
  const size_t outer = stack.find("Ratio");
  ASSERT_NE(inner, std::string::npos) << stack;
  ASSERT_NE(outer, std::string::npos) << stack;
  EXPECT_LT(inner, outer);
  EXPECT_LT(inner, stack.find('\n')) << "the innermost function is the first: " << stack;
  EXPECT_EQ(stack.find("CallUserCode"), std::string::npos) << stack;
  EXPECT_EQ(StackOf(troupe::Task(Square).Remote(failed)), stack) << "with the cause";
  EXPECT_EQ(stack, "(anonymous namespace)::Divide()\n(anonymous namespace)::Ratio()\n");
  EXPECT_EQ(StackOf(troupe::Task(RatioThatIsPassedOn).Remote(1)).substr(0, stack.size()), stack);
  EXPECT_EQ(StackOf(troupe::Task(RatioThatIsTranslated).Remote(1)).substr(0, stack.size()), stack);
  try {
    (void)troupe::Get(troupe::Task(AtTheEndOf).Remote(std::vector<int>()));
    FAIL();
  } catch (const troupe::TaskError& e) {
    EXPECT_EQ(e.stack(), "");
  }
  EXPECT_NE(StackOf(troupe::Task(RatioAfterManyThrows).Remote(10)).find("Divide"),
            std::string::npos);
  EXPECT_EQ(StackOf(troupe::Task(RatioAfterManyThrows).Remote(2000)), "");
}

TEST_F(TasksTest, AFailureAtWhichNobodyLooksIsToldOnce) {
  const auto wait_for = [](const troupe::ObjectRef<int>& ref) {
    EXPECT_EQ(troupe::Wait(std::vector{ref}).ready.size(), 1u);
  };
  testing::internal::CaptureStderr();
  {
    (void)StackOf(troupe::Task(Ratio).Remote(1));
    const troupe::ObjectRef<int> passed_on = troupe::Task(Ratio).Remote(1);
    wait_for(passed_on);
    EXPECT_THROW((void)troupe::Get(troupe::Task(Square).Remote(passed_on)), troupe::TaskError);
    std::vector<troupe::ObjectRef<int>> asked_for_together;
    for (int i = 0; i < 5; ++i) asked_for_together.push_back(troupe::Task(Ratio).Remote(i));
    EXPECT_THROW((void)troupe::Get(asked_for_together), troupe::TaskError);
    for (const troupe::ObjectRef<int>& ref : asked_for_together) wait_for(ref);
  }
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
  testing::internal::CaptureStderr();
  {
    troupe::ObjectRef<int> unread = troupe::Task(Ratio).Options({.name = "nobody's"}).Remote(1);
    wait_for(unread);
    troupe::ObjectRef<int> copy = unread;
  }
  const std::string told = testing::internal::GetCapturedStderr();
  EXPECT_NE(told.find("nobody has looked"), std::string::npos) << told;
  EXPECT_NE(told.find("nobody's"), std::string::npos) << told;
  EXPECT_NE(told.find("division by zero"), std::string::npos) << told;
  EXPECT_EQ(std::count(told.begin(), told.end(), '\n'), 1) << told;
}

// What this process writes to its standard error, as long as this lives.
class WrittenErrors {
 public:
  WrittenErrors() : saved_(dup(STDERR_FILENO)) {
    const int file = open(path_.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
    dup2(file, STDERR_FILENO);
    close(file);
  }
  ~WrittenErrors() {
    dup2(saved_, STDERR_FILENO);
    close(saved_);
  }
  std::string text() const {
    std::ifstream file(path_);
    return std::string(std::istreambuf_iterator<char>(file), {});
  }

 private:
  const std::string path_ = testing::TempDir() + "/tasks_test_stderr";
  const int saved_;
};

TEST_F(TasksTest, AFailureThatComesAfterTheLastReferenceHasGoneIsToldToo) {
  const WrittenErrors written;
  const auto fail = troupe::Task([](int) -> int { throw std::runtime_error("too late"); });
  troupe::Promise<int> begin;
  (void)fail.Options({.name = "dropped"}).Remote(begin.ref());
  const auto takes_it =
      troupe::Task(Square).Remote(fail.Options({.name = "passed on"}).Remote(begin.ref()));
  begin.Set(1);
  EXPECT_THROW((void)troupe::Get(takes_it), troupe::TaskError);
  (void)fail.Options({.name = "dropped at once"}).Remote(1);
  const auto told = [&](const char* name) {
    return BecomesTrue([&] { return written.text().find(name) != std::string::npos; }, 30s);
  };
  EXPECT_TRUE(told("[task dropped t-")) << written.text();
  EXPECT_TRUE(told("[task dropped at once t-")) << written.text();
  EXPECT_EQ(written.text().find("passed on"), std::string::npos) << written.text();
}

TEST_F(TasksTest, ManyTasksFromManyThreads) {
  std::vector<std::thread> threads;
  std::atomic<int> right{0};
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&right, t] {
      std::vector<troupe::ObjectRef<int>> refs;
      for (int i = 0; i < 500; ++i) refs.push_back(troupe::Task(Square).Remote(t + i));
      for (int i = 0; i < 500; ++i) right += troupe::Get(refs[i]) == (t + i) * (t + i);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(right, 2000);
}

TEST_F(TasksTest, WaitTellsReadyFromPending) {
  const auto gate = troupe::Task([](troupe::ObjectRef<int> ref) { return troupe::Get(ref); });
  std::vector<troupe::ObjectRef<int>> refs;
  for (int i = 0; i < 10; ++i) refs.push_back(troupe::Task(Square).Remote(i));
  auto all = troupe::Wait(refs, {.num_ready = 10});
  EXPECT_EQ(all.ready, refs) << "in their order";
  EXPECT_TRUE(all.pending.empty());
  EXPECT_THROW((void)troupe::Wait(std::vector{refs[0], refs[0]}), troupe::InvalidArgument);
  EXPECT_THROW((void)troupe::Wait(refs, {.num_ready = 11}), troupe::InvalidArgument);
  const troupe::ObjectRef<int> never = troupe::Task([] {
                                         for (;;) pause();
                                         return 0;
                                       }).Remote();
  const std::vector<troupe::ObjectRef<int>> done = refs;
  refs.insert(refs.begin() + 5, never);
  auto some = troupe::Wait(refs, {.num_ready = 11, .timeout = absl::Milliseconds(20)});
  EXPECT_EQ(some.ready, done);
  EXPECT_EQ(some.pending, std::vector{never});
  EXPECT_THROW((void)troupe::Get(never, absl::Milliseconds(5)), troupe::DeadlineExceeded);
  EXPECT_THROW((void)troupe::Get(never, absl::ZeroDuration()), troupe::DeadlineExceeded);
}

TEST_F(TasksTest, ChainsAndFansOfThousands) {
  troupe::ObjectRef<int> link = troupe::Put(0);
  for (int i = 0; i < 2000; ++i) link = troupe::Task([](int x) { return x + 1; }).Remote(link);
  EXPECT_EQ(troupe::Get(link), 2000);
}

// A call whose list of ids is longer than the ring, an answer that is, and a release.
void ExpectManyIdsToTravel() {
  constexpr int kIds = 100'000;
  std::vector<troupe::ObjectRef<int>> refs;
  for (int i = 0; i < kIds; ++i) refs.push_back(troupe::Put(1));
  EXPECT_EQ(troupe::Get(troupe::Task(Sum).Remote(refs)), kIds);
  const troupe::ObjectRef<std::vector<troupe::ObjectRef<int>>> inside = troupe::Put(refs);
  refs.clear();
  const auto count = troupe::Task([](const std::vector<troupe::ObjectRef<int>>& r) {
    return static_cast<int>(r.size()) + troupe::Get(r.back());
  });
  EXPECT_EQ(troupe::Get(count.Remote(inside)), kIds + 1);
  EXPECT_EQ(troupe::Get(troupe::Get(inside).at(kIds - 1)), 1);
}

TEST_F(TasksTest, AListOf100000IdsGoesInParts) { ExpectManyIdsToTravel(); }

// Frames that do not fit, lists longer than the ring, a node and a driver that both write into full
// rings.
TEST(SmallRings, EverythingWorksWithRingsOf4KiB) {
  const troupe::Cluster cluster = troupe::Init({.workers = 2, .ring_bytes = 4096});
  std::vector<troupe::ObjectRef<std::string>> greetings;
  for (int i = 0; i < 2000; ++i)
    greetings.push_back(troupe::Task(Greet).Remote(std::string(i, 'x')));
  for (int i = 0; i < 2000; ++i) EXPECT_EQ(troupe::Get(greetings[i]).size(), 6u + i);
  ExpectManyIdsToTravel();
}

troupe::WorkerLocal<std::atomic<int>> calls;
troupe::WorkerLocal<int> fussy([] {
  if (++*calls < 2) throw std::runtime_error("not yet");
  return 7;
});
troupe::WorkerLocal<int> snake([] { return *snake; });

TEST(WorkerLocal, IsMadeOnceInAWorkerAndTheDriverHasItsOwn) {
  const troupe::Cluster cluster = troupe::Init({.workers = 1});
  const auto count = troupe::Task([] { return ++*calls; });
  for (int i = 1; i <= 5; ++i) EXPECT_EQ(troupe::Get(count.Remote()), i);
  EXPECT_EQ(*calls, 0);
}

TEST(WorkerLocal, WhatItsMakerThrowsIsTheTasksErrorAndTheNextOneTriesAgain) {
  const troupe::Cluster cluster = troupe::Init({.workers = 1});
  const auto look = troupe::Task([] { return *fussy; });
  EXPECT_THROW((void)troupe::Get(look.Remote()), troupe::TaskError);
  EXPECT_EQ(troupe::Get(look.Remote()), 7);
  EXPECT_EQ(troupe::Get(look.Remote()), 7);
}

TEST(WorkerLocal, ThatItsMakerUsesIsAnErrorAndNoWaitForItself) {
  EXPECT_THROW((void)*snake, std::logic_error);
  EXPECT_THROW((void)*snake, std::logic_error) << "and again";
}

std::atomic<int> started_here{0};  // workers, of this process
[[maybe_unused]] const bool counts_starts = [] {
  troupe::OnWorkerStart([] { ++started_here; });
  return true;
}();

TEST(OnWorkerStart, RunsOnceInAWorkerBeforeItsFirstTask) {
  const int before = started_here;
  const troupe::Cluster cluster = troupe::Init({.workers = 1});
  const auto look = troupe::Task([] { return started_here.load(); });
  EXPECT_EQ(troupe::Get(look.Remote()), before + 1);
  EXPECT_EQ(troupe::Get(look.Remote()), before + 1) << "and not before each task";
  EXPECT_EQ(started_here - before, cluster.in_process() ? 1 : 0) << "the driver is no worker";
}

TEST(Init, MayFollowShutdownManyTimes) {
  for (int i = 0; i < 20; ++i) {
    const troupe::Cluster cluster = troupe::Init({.workers = 1});
    EXPECT_EQ(troupe::Get(troupe::Task(Square).Remote(i)), i * i);
  }
  EXPECT_THROW((void)troupe::Task(Square).Remote(1), troupe::Unavailable);
}

TEST(Init, RefusesWhatItCannotUse) {
  EXPECT_THROW((void)troupe::Init({.address = "tcp:example"}), troupe::InvalidArgument);
  EXPECT_THROW((void)troupe::Init({.address = "unix:/nowhere/node.sock"}), troupe::Unavailable);
  EXPECT_THROW((void)troupe::Init({.address = "unix:/" + std::string(200, 'x')}),
               troupe::InvalidArgument);
  EXPECT_THROW((void)troupe::Get(troupe::ObjectRef<int>()), troupe::InvalidArgument);
  const auto message = [](troupe::InitOptions options) {
    return RefusalOf([&] { (void)troupe::Init(std::move(options)); });
  };
  EXPECT_EQ(message({.workers = -1}), "Init: workers = -1: it is from 0 to 4096");
  EXPECT_EQ(message({.workers = 5000}), "Init: workers = 5000: it is from 0 to 4096");
  EXPECT_EQ(message({.object_store_memory = -1}),
            "Init: object_store_memory = -1: it is at least 0");
  EXPECT_EQ(message({.spill_quota = -2}), "Init: spill_quota = -2: it is at least 0");
  EXPECT_EQ(message({.ring_bytes = -2}), "Init: ring_bytes = -2: it is from 4096 to 67108864");
  EXPECT_EQ(message({.ring_bytes = int64_t{1} << 40}),
            "Init: ring_bytes = 1099511627776: it is from 4096 to 67108864");
  EXPECT_EQ(message({.memory = -1}), "Init: memory = -1: it is at least 0");
  EXPECT_EQ(message({.memory_limit = -1}), "Init: memory_limit = -1: it is at least 0");
  EXPECT_EQ(message({.submission_window = -1}), "Init: submission_window = -1: it is at least 0");
  EXPECT_EQ(message({.job_weight = 0}), "Init: job_weight = 0: it is from 0.0001 to 1000000");
  EXPECT_EQ(message({.job_weight = 1e-9}),
            "Init: job_weight = 1e-09: it is from 0.0001 to 1000000");
}

TEST_F(TasksTest, OptionsOutOfRangeAreNamedWithTheirValue) {
  const auto of_task = [](troupe::TaskOptions options) {
    return RefusalOf([&] { (void)troupe::Task(Square).Options(std::move(options)).Remote(1); });
  };
  EXPECT_EQ(of_task({.max_retries = -5}), "Options: max_retries = -5: it is at least -1");
  EXPECT_EQ(of_task({.max_calls = -1}), "Options: max_calls = -1: it is at least 0");
  EXPECT_EQ(of_task({.grace = -absl::Milliseconds(1)}), "Options: grace = -1ms: it is at least 0");
  EXPECT_EQ(of_task({.cpus = -1}), "Options: cpus = -1.000000 is no amount");
  EXPECT_EQ(troupe::Get(troupe::Task(Square).Options({.max_retries = -1}).Remote(3)), 9);

  const auto of_actor = [](troupe::ActorOptions options) {
    return RefusalOf([&] { (void)troupe::Actor<Model>().Options(std::move(options)).Remote(); });
  };
  EXPECT_EQ(of_actor({.max_restarts = -2}), "Options: max_restarts = -2: it is at least -1");
  EXPECT_EQ(of_actor({.max_task_retries = -2}),
            "Options: max_task_retries = -2: it is at least -1");
  EXPECT_EQ(of_actor({.max_pending_calls = -1}),
            "Options: max_pending_calls = -1: it is at least 0");
  EXPECT_EQ(of_actor({.checkpoint_every = -1}), "Options: checkpoint_every = -1: it is at least 0");
}

}  // namespace
