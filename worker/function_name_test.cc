#include "worker/function_name.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

int Exported(int x) { return x; }
static std::string Static(int) { return ""; }

namespace troupe::worker {
namespace {

int Anonymous(int x) { return x; }
template <typename T>
T Template(T x) {
  return x;
}

template <typename F>
std::string NameOf(F* function) {
  return FunctionName(reinterpret_cast<const void*>(function));
}

TEST(FunctionName, IsFoundWhetherTheFunctionIsExportedOrNot) {
  EXPECT_EQ(NameOf(Exported), "Exported");
  EXPECT_EQ(NameOf(Static), "Static");
  EXPECT_EQ(NameOf(Anonymous), "troupe::worker::Anonymous");
  EXPECT_EQ(NameOf(Template<int>), "troupe::worker::Template<int>");
}

TEST(FunctionName, IsEmptyWhereNoFunctionBegins) {
  static const int number = 7;
  EXPECT_EQ(FunctionName(nullptr), "");
  EXPECT_EQ(FunctionName(&number), "");
  EXPECT_EQ(FunctionName(std::make_unique<int>(1).get()), "");
  const char* inside = reinterpret_cast<const char*>(&Anonymous) + 1;
  EXPECT_EQ(FunctionName(inside), "");
}

TEST(FunctionName, MayBeAskedForByManyThreads) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([] { EXPECT_EQ(NameOf(Anonymous), "troupe::worker::Anonymous"); });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(NameInSignature, HasNeitherParametersNorWhatIsReturned) {
  EXPECT_EQ(NameInSignature("Add(int, int)"), "Add");
  EXPECT_EQ(NameInSignature("troupe::Add()"), "troupe::Add");
  EXPECT_EQ(NameInSignature("Model::Score(double) const"), "Model::Score");
  EXPECT_EQ(NameInSignature("Greet[abi:cxx11](int)"), "Greet");
  EXPECT_EQ(NameInSignature("Apply(int (*)(int), void (*)())"), "Apply");
  EXPECT_EQ(NameInSignature("int Twice<int>(int)"), "Twice<int>");
  EXPECT_EQ(NameInSignature("Add(int) [clone .constprop.0]"), "Add");
  EXPECT_EQ(NameInSignature("std::vector<int, std::allocator<int> > "
                            "Sort<std::vector<int, std::allocator<int> > >(int)"),
            "Sort<std::vector<int, std::allocator<int> > >");
  EXPECT_EQ(NameInSignature("int Apply<&(int Twice<int>(int))>(int)"),
            "Apply<&(int Twice<int>(int))>");
  EXPECT_EQ(NameInSignature("char const* Name<&(operator<(A, A))>(int)"),
            "Name<&(operator<(A, A))>");
  EXPECT_EQ(NameInSignature("decltype (({parm#1}.f)()) Call<A>(A)"), "Call<A>");
  EXPECT_EQ(NameInSignature("decltype(auto) Call<A>(A)"), "Call<A>");
  EXPECT_EQ(NameInSignature("std::function<int (int)> Make<int>()"), "Make<int>");
  EXPECT_EQ(NameInSignature("main"), "main");
  EXPECT_EQ(NameInSignature(""), "");
}

TEST(NameInSignature, HasNoAnonymousNamespaces) {
  EXPECT_EQ(NameInSignature("(anonymous namespace)::Add(int)"), "Add");
  EXPECT_EQ(NameInSignature("mine::(anonymous namespace)::Model::Score(double)"),
            "mine::Model::Score");
  EXPECT_EQ(NameInSignature("(anonymous namespace)::P Twice<(anonymous namespace)::P>"
                            "((anonymous namespace)::P)"),
            "Twice<P>");
}

TEST(NameInSignature, KeepsTheFunctionsAround) {
  EXPECT_EQ(NameInSignature("Run(int, (anonymous namespace)::P)::Local::Step(int)"),
            "Run()::Local::Step");
  EXPECT_EQ(NameInSignature("Model::Fit(int) const::Local::Step(int) const"),
            "Model::Fit()::Local::Step");
  EXPECT_EQ(NameInSignature("main::{lambda(int)#1}::_FUN(int)"), "main::{lambda #1}");
  EXPECT_EQ(NameInSignature("Run(int)::{lambda(int (*)(int))#2}::operator()(int (*)(int)) const"),
            "Run()::{lambda #2}::operator()");
  EXPECT_EQ(NameInSignature("int Run(int)::{lambda(auto:1)#1}::_FUN<int>(int)"),
            "Run()::{lambda #1}");
  EXPECT_EQ(NameInSignature("main::$_2::__invoke(int)"), "main::$_2");
}

TEST(NameInSignature, KeepsTheSignsOfOperators) {
  EXPECT_EQ(NameInSignature("Scaler::operator()(int) const"), "Scaler::operator()");
  EXPECT_EQ(NameInSignature("int Scaler::operator()<int>(int) const"), "Scaler::operator()<int>");
  EXPECT_EQ(NameInSignature("operator<(A const&, A const&)"), "operator<");
  EXPECT_EQ(NameInSignature("bool operator< <int>(A<int>, A<int>)"), "operator< <int>");
  EXPECT_EQ(NameInSignature("A<int>& operator<< <int>(A<int>&, int)"), "operator<< <int>");
  EXPECT_EQ(NameInSignature("A::operator->() const"), "A::operator->");
  EXPECT_EQ(NameInSignature("A::operator unsigned int() const"), "A::operator unsigned int");
  EXPECT_EQ(NameInSignature("operators::operator_count(int)"), "operators::operator_count");
}

}  // namespace
}  // namespace troupe::worker
