// Code by value: shared objects that a driver brings, in workers that were not linked with them.
#include "worker/shared_code.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <fstream>
#include <iterator>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "sdk/troupe.h"

std::string WhoseIsThis() { return "the program's"; }

namespace {

const std::string kFirst = "tests/integration/libgeometry_1.so";
const std::string kSecond = "tests/integration/libgeometry_2.so";
const std::string kMisfit = "tests/integration/libmisfit.so";

std::string Content(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}
std::span<const std::byte> BytesOf(const std::string& text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

template <typename E, typename F>
void ExpectError(F call, const std::vector<std::string>& says) {
  try {
    call();
    FAIL() << "no error";
  } catch (const E& e) {
    for (const std::string& words : says)
      EXPECT_NE(std::string(e.what()).find(words), std::string::npos) << e.what();
  }
}

class SharedCodeTest : public testing::Test {
 protected:
  template <typename Signature>
  static troupe::NamedTask<Signature> Call(const troupe::SharedCode& code, const char* name) {
    return code.CallNamed<Signature>(name);
  }

  troupe::Cluster cluster_ = troupe::Init({.workers = 1});
};

TEST_F(SharedCodeTest, WhatItRegistersIsCalledByName) {
  const troupe::SharedCode code(kFirst);
  EXPECT_EQ(code.path(), kFirst);
  EXPECT_EQ(code.sha256(), troupe::worker::Sha256(BytesOf(Content(kFirst))));
  const auto area = Call<double(double, double)>(code, "geometry.area");
  EXPECT_EQ(troupe::Get(area.Remote(2.0, 3.0)), 6);
  EXPECT_EQ(troupe::Get(area.Remote(troupe::Put(2.0), area.Remote(2.0, 2.0))), 8);
  const std::vector<double> ones(1'000'000, 1);
  const auto sum = Call<double(std::vector<double>)>(code, "geometry.sum");
  EXPECT_EQ(troupe::Get(sum.Remote(ones)), 1e6);
  EXPECT_EQ(troupe::Get(sum.Remote(troupe::Put(ones))), 1e6);
  EXPECT_EQ(troupe::Get(Call<double(double)>(code, "geometry.scaled").Remote(5.0)), 15);
  EXPECT_EQ(WhoseIsThis(), "the program's");
  EXPECT_EQ(troupe::Get(Call<std::string()>(code, "geometry.whose").Remote()),
            "the shared object's");
}

TEST_F(SharedCodeTest, StreamsItsItems) {
  const troupe::SharedCode code(kFirst);
  int next = 1;
  for (const troupe::ObjectRef<int>& item :
       Call<troupe::Generator<int>(int)>(code, "geometry.count_to").Remote(100))
    EXPECT_EQ(troupe::Get(item), next++);
  EXPECT_EQ(next, 101);
}

TEST_F(SharedCodeTest, TwoVersionsAreCalledSideBySideAndEachIsLoadedOnce) {
  const troupe::SharedCode first(kFirst);
  const troupe::SharedCode second(kSecond);
  const troupe::SharedCode again(kFirst);
  EXPECT_NE(first.sha256(), second.sha256());
  EXPECT_EQ(first.sha256(), again.sha256());
  EXPECT_EQ(troupe::Get(Call<int()>(first, "geometry.version").Remote()), 1);
  EXPECT_EQ(troupe::Get(Call<int()>(second, "geometry.version").Remote()), 2);
  const int begin = troupe::Get(Call<int()>(first, "geometry.calls").Remote());
  const int other = troupe::Get(Call<int()>(second, "geometry.calls").Remote());
  for (int i = 1; i <= 10; ++i) {
    const troupe::SharedCode& code = i % 2 == 0 ? first : again;
    EXPECT_EQ(troupe::Get(Call<int()>(code, "geometry.calls").Remote()), begin + i);
  }
  EXPECT_EQ(troupe::Get(Call<int()>(second, "geometry.calls").Remote()), other + 1);
}

TEST_F(SharedCodeTest, WhatItThrowsIsItsCallersAndNamesTheFunction) {
  const troupe::SharedCode code(kFirst);
  ExpectError<troupe::TaskError>(
      [&] { (void)troupe::Get(Call<int()>(code, "geometry.throws").Remote()); },
      {"geometry.throws", "there is no such side", "out_of_range"});
}

TEST_F(SharedCodeTest, UnknownNamesAndOtherSignaturesAreTold) {
  const troupe::SharedCode code(kFirst);
  ExpectError<troupe::UnknownFunction>(
      [&] { (void)troupe::Get(Call<double(double, double)>(code, "geometry.aria").Remote(1, 2)); },
      {kFirst, "did you mean \"geometry.area\""});
  ExpectError<troupe::TypeMismatch>(
      [&] { (void)troupe::Get(Call<int(int)>(code, "geometry.area").Remote(1)); },
      {kFirst, "double(double,double)", "int(int)"});
  // Its names are not the program's.
  ExpectError<troupe::UnknownFunction>(
      [&] { (void)troupe::Get(troupe::CallNamed<int()>("geometry.version").Remote()); }, {});
}

TEST_F(SharedCodeTest, ItsFunctionsHaveNoNameOutside) {
  const troupe::SharedCode code(kFirst);
  ExpectError<troupe::Error>(
      [&] { (void)troupe::Get(Call<int()>(code, "geometry.in_a_task_of_its_own").Remote()); },
      {"SharedCode"});
}

TEST_F(SharedCodeTest, FilesThatAreNoSharedObjectsAreRefusedAtOnce) {
  const std::string text = testing::TempDir() + "/text.so";
  std::ofstream(text) << "int main() {}";
  ExpectError<troupe::InvalidArgument>([] { const troupe::SharedCode code("/nowhere/x.so"); },
                                       {"/nowhere/x.so", "No such file"});
  ExpectError<troupe::InvalidArgument>([] { const troupe::SharedCode code("/tmp"); },
                                       {"/tmp", "is no file"});
  ExpectError<troupe::InvalidArgument>([&] { const troupe::SharedCode code(text); },
                                       {text, "no shared object"});
}

TEST_F(SharedCodeTest, WhatDoesNotFitIsABuildMismatchWithTheSymbol) {
  const troupe::SharedCode code(kMisfit);
  for (int i = 0; i < 2; ++i) {
    ExpectError<troupe::BuildMismatch>(
        [&] { (void)troupe::Get(Call<int(int)>(code, "misfit.call").Remote(1)); },
        {kMisfit, "NowhereToBeFound", "-rdynamic"});
  }
}

TEST_F(SharedCodeTest, OtherBytesThanThoseNamedAreNotOpened) {
  const std::string bytes = Content(kSecond);
  const std::string sha256 = troupe::worker::Sha256(BytesOf(bytes + '\0'));
  const auto refused = troupe::worker::FunctionsOfSharedCode(kSecond, sha256, BytesOf(bytes));
  ASSERT_TRUE(std::holds_alternative<troupe::ErrorInfo>(refused));
  EXPECT_EQ(std::get<troupe::ErrorInfo>(refused).kind, troupe::ErrorKind::kInvalidArgument);
  EXPECT_NE(std::get<troupe::ErrorInfo>(refused).message.find(sha256), std::string::npos);
}

TEST(Sha256, IsThatOfTheStandard) {
  EXPECT_EQ(troupe::worker::Sha256(BytesOf("abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

}  // namespace
