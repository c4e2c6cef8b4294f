// What the cloudpickle side promises, without a cluster: values and calls as bytes.
#include "sdk/pack.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <set>
#include <span>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sdk/kinds_for_tests.h"
#include "sdk/troupe.h"

namespace {

using kinds::Add;
using kinds::Point;
using kinds::Tree;

// --- Values.

struct Moved {
  double x = 0;
  int64_t y = 0;
};
struct Unregistered : kinds::Shape {
  int Sides() const override { return 1; }
};
struct First {
  static constexpr int kTypeVersion = 1;
  int a = 0;
};
struct Second {
  static constexpr int kTypeVersion = 2;
  int a = 0;
};

TEST(PackTest, AnArrayIsPackedAsAVector) {
  const std::string packed = troupe::Pack(kinds::Pixels(1000));
  EXPECT_EQ(packed, troupe::Pack(std::vector<float>(1000, 0.5f)));
  const auto copy = troupe::Unpack<troupe::Array<float>>(packed);
  EXPECT_EQ(copy.size(), 1000u);
  EXPECT_EQ(copy[999], 0.5f);
  EXPECT_EQ(troupe::Unpack<std::vector<float>>(packed).size(), 1000u);
  EXPECT_THROW((void)troupe::Unpack<troupe::Array<int>>(packed), troupe::TypeMismatch);
  static_assert(troupe::CanPack<troupe::Array<float>> && troupe::CanPack<kinds::Picture>);
}

TEST(PackTest, ThirtyKindsOfValues) {
  std::set<std::string_view> types;
  kinds::ForEachValue([&]<typename T>(const T& value) {
    constexpr std::string_view kType = troupe::serialize::TypeName<T>();
    types.insert(kType);
    static_assert(troupe::CanPack<T>);
    const std::string bytes = troupe::Pack(value);
    EXPECT_EQ(bytes.size(), troupe::PackedSize(value)) << kType;
    const auto copy = troupe::TryUnpack<T>(bytes);
    ASSERT_TRUE(copy.ok()) << copy.status();
    EXPECT_TRUE(kinds::Same(value, *copy)) << kType;
  });
  EXPECT_GE(types.size(), 30u);
}

TEST(PackTest, AnUnregisteredClassIsNamed) {
  try {
    (void)troupe::Pack(std::unique_ptr<kinds::Shape>(std::make_unique<Unregistered>()));
    FAIL();
  } catch (const troupe::NotSerializable& e) {
    EXPECT_NE(std::string(e.what()).find("RegisterDerived"), std::string::npos) << e.what();
    EXPECT_NE(std::string(e.what()).find("Unregistered"), std::string::npos) << e.what();
  }
}

TEST(PackTest, AnotherTypeIsShownWithBothStructures) {
  const auto wrong = troupe::TryUnpack<Moved>(troupe::Pack(Point{1, 2})).status().ToString();
  EXPECT_NE(wrong.find("Point {f64;f64;}"), std::string::npos) << wrong;
  EXPECT_NE(wrong.find("Moved {f64;i64;}"), std::string::npos) << wrong;
  EXPECT_THROW((void)troupe::Unpack<Second>(troupe::Pack(First{1})), troupe::TypeMismatch);
  // What changes inside a container changes the container.
  EXPECT_THROW((void)troupe::Unpack<std::vector<Moved>>(troupe::Pack(std::vector<Point>(2))),
               troupe::TypeMismatch);
  EXPECT_THROW((void)troupe::Unpack<std::chrono::seconds>(troupe::Pack(std::chrono::minutes(1))),
               troupe::TypeMismatch);
}

TEST(PackTest, CutOrFlippedBytesAreErrors) {
  const std::string bytes = troupe::Pack(Tree{1, {{2, {}}, {3, {}}}});
  for (size_t length = 0; length < bytes.size(); ++length)
    EXPECT_FALSE(troupe::TryUnpack<Tree>(bytes.substr(0, length)).ok()) << length;
  for (size_t at = 0; at < bytes.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string flipped = bytes;
      flipped[at] = static_cast<char>(flipped[at] ^ (1 << bit));
      EXPECT_FALSE(troupe::TryUnpack<Tree>(flipped).ok()) << at;
    }
  }
  EXPECT_FALSE(troupe::TryUnpack<Tree>("anything else, longer than a header of 32 bytes").ok());
  EXPECT_FALSE(troupe::TryUnpackResult<int>(bytes).ok()) << "a value is no result";
}

// Of a struct: a field more, a field less, and two in each other's place.
struct Before {
  int32_t count = 0;
  double weight = 0;
};
struct Added {
  int32_t count = 0;
  double weight = 0;
  int8_t flag = 0;
};
struct Removed {
  int32_t count = 0;
};
struct Reordered {
  double weight = 0;
  int32_t count = 0;
};

template <typename After>
void ExpectMismatch(const std::string& structure) {
  const std::string text = troupe::TryUnpack<After>(troupe::Pack(Before{1, 2})).status().ToString();
  EXPECT_THROW((void)troupe::Unpack<After>(troupe::Pack(Before{1, 2})), troupe::TypeMismatch);
  EXPECT_NE(text.find("Before {i32;f64;}"), std::string::npos) << text;
  EXPECT_NE(text.find(structure), std::string::npos) << text;
}

struct WithReference {
  int number = 0;
  std::vector<troupe::ObjectRef<int>> refs;
};
TEST(PackTest, AReferenceBelongsToItsCluster) {
  EXPECT_FALSE(troupe::Pack(WithReference{1, {}}).empty()) << "it has none";
  try {
    (void)troupe::Pack(WithReference{1, {troupe::ObjectRef<int>()}});
    FAIL() << "no error";
  } catch (const troupe::NotSerializable& e) {
    EXPECT_NE(std::string(e.what()).find("ObjectRef"), std::string::npos) << e.what();
  }
}

TEST(PackTest, AnotherVersionOfTheFormatIsNamed) {
  std::string packed = troupe::Pack(7);
  constexpr size_t kVersionAt = 4;  // behind the magic letters
  ASSERT_EQ(packed[kVersionAt], troupe::serialize::kPackVersion);
  packed[kVersionAt] = 42;
  try {
    (void)troupe::Unpack<int>(packed);
    FAIL() << "no error";
  } catch (const troupe::InvalidArgument& e) {
    EXPECT_NE(std::string(e.what()).find("version 42"), std::string::npos) << e.what();
  }
}

TEST(PackTest, FieldsThatChangeAreAnotherType) {
  ExpectMismatch<Added>("Added {i32;f64;i8;}");
  ExpectMismatch<Removed>("Removed {i32;}");
  ExpectMismatch<Reordered>("Reordered {f64;i32;}");
}

// --- Secrets.

static_assert(!troupe::CanPack<troupe::Secret<std::string>>);
static_assert(!troupe::CanPack<std::vector<troupe::Secret<int>>>);
static_assert(troupe::CanPack<troupe::SecretRef>);
static_assert(!troupe::CanPack<std::mutex>);
static_assert(!troupe::CanPack<int*>);

TEST(SecretTest, ResolvesWhereItIs) {
  setenv("TROUPE_TEST_KEY", "abc", 1);
  const auto ref =
      troupe::Unpack<troupe::SecretRef>(troupe::Pack(troupe::SecretRef("env:TROUPE_TEST_KEY")));
  const troupe::Secret<std::string> secret = ref.Resolve();
  EXPECT_EQ(secret.Reveal(), "abc");
  std::stringstream printed;
  printed << secret;
  EXPECT_EQ(printed.str(), "***");
  EXPECT_THROW((void)troupe::SecretRef("env:TROUPE_NO_SUCH_KEY").Resolve(),
               troupe::InvalidArgument);
  EXPECT_THROW((void)troupe::SecretRef("file:/no/such/file").Resolve(), troupe::InvalidArgument);
  EXPECT_THROW((void)troupe::SecretRef("abc").Resolve(), troupe::InvalidArgument);
}

// --- Calls.

int Fails(int x) { throw std::invalid_argument("no " + std::to_string(x)); }
void Nothing() {}

TEST(PackTaskTest, TwentyKindsOfCallables) {
  std::set<std::string_view> callables;
  kinds::ForEachCallable([&]<typename R>(std::string_view kind, const R& expected, const auto& f,
                                         auto&&... arguments) {
    callables.insert(kind);
    const std::string task = troupe::PackTask(f, std::forward<decltype(arguments)>(arguments)...);
    EXPECT_TRUE(kinds::Same(expected, troupe::UnpackResult<R>(troupe::ExecutePacked(task))))
        << kind;
  });
  EXPECT_GE(callables.size(), 20u);
  troupe::UnpackResult<void>(troupe::ExecutePacked(troupe::PackTask(Nothing)));
}

TEST(PackTaskTest, ErrorsAreOutcomes) {
  const std::string outcome = troupe::ExecutePacked(troupe::PackTask(Fails, 3));
  try {
    (void)troupe::UnpackResult<int>(outcome);
    FAIL();
  } catch (const troupe::TaskError& e) {
    EXPECT_EQ(e.info().message, "no 3");
    EXPECT_EQ(e.info().exception_type, "std::invalid_argument");
    EXPECT_NE(e.stack().find("Fails"), std::string::npos) << e.stack();
  }
  EXPECT_FALSE(troupe::TryUnpackResult<int>(outcome).ok());
  EXPECT_EQ(troupe::UnpackResult<int>(troupe::PackResult(5)), 5);
  troupe::UnpackResult<void>(troupe::PackResult());
  EXPECT_THROW((void)troupe::UnpackResult<std::string>(troupe::PackResult(5)),
               troupe::TypeMismatch);
  const std::string task = troupe::PackTask(Add, 1, 2);
  EXPECT_THROW((void)troupe::ExecutePacked(task.substr(1)), troupe::InvalidArgument);
  EXPECT_THROW((void)troupe::ExecutePacked("nonsense"), troupe::InvalidArgument);
}

// Its size is another one when it is written.
struct Grows {
  template <class Archive>
  void save(Archive& archive) const {
    static int calls = 0;
    archive(std::string(static_cast<size_t>(++calls), 'x'));
  }
  template <class Archive>
  void load(Archive&) {}
};
TEST(PackTaskTest, AResultThatCannotTravelIsSaidToBeOne) {
  const std::string outcome = troupe::ExecutePacked(troupe::PackTask([] { return Grows(); }));
  EXPECT_THROW((void)troupe::UnpackResult<int>(outcome), troupe::NotSerializable);
}

// Who runs a task's function otherwise packs what it threw, under whatever type it was caught.
TEST(PackTaskTest, AnErrorKeepsItsTask) {
  const troupe::ErrorInfo info = {.kind = troupe::ErrorKind::kWorkerCrashed,
                                  .message = "gone",
                                  .origin = "Score",
                                  .task = troupe::TaskId(1, 2),
                                  .attempt = 3,
                                  .pid = 4};
  try {
    (void)troupe::UnpackResult<int>(troupe::PackResult(troupe::WorkerCrashed(info)));
    FAIL() << "no error";
  } catch (const troupe::WorkerCrashed& e) {
    EXPECT_EQ(e.info(), info);
  }
}

TEST(PackTaskTest, AnErrorThatWasCaughtIsAnOutcome) {
  std::string as_task_error, as_error;
  try {
    (void)troupe::UnpackResult<int>(troupe::ExecutePacked(troupe::PackTask(Fails, 3)));
    FAIL();
  } catch (const troupe::TaskError& e) {
    as_task_error = troupe::PackResult(e);
    const troupe::Error& error = e;
    as_error = troupe::PackResult(error);
  }
  EXPECT_EQ(as_task_error, as_error);
  try {
    (void)troupe::UnpackResult<int>(as_task_error);
    FAIL();
  } catch (const troupe::TaskError& e) {
    EXPECT_EQ(e.info().message, "no 3");
    EXPECT_EQ(e.info().exception_type, "std::invalid_argument");
    EXPECT_EQ(e.info().pid, getpid());
  }
  try {
    (void)troupe::Unpack<int>("nonsense");
    FAIL();
  } catch (const troupe::InvalidArgument& e) {
    EXPECT_THROW((void)troupe::UnpackResult<int>(troupe::PackResult(e)), troupe::InvalidArgument);
  }
}

constexpr std::string_view kAnotherBuild = "another build id....";
constexpr std::string_view kAnotherBuildText = "616e6f74686572206275696c642069642e2e2e2e";

template <typename F>
void ExpectBothBuilds(F f) {
  try {
    f();
    FAIL();
  } catch (const troupe::BuildMismatch& e) {
    const std::string what = e.what();
    EXPECT_NE(what.find(kAnotherBuildText), std::string::npos) << what;
    EXPECT_NE(what.find("this is build " + troupe::internal::ThisBuild()), std::string::npos)
        << what;
  }
}

TEST(PackTaskTest, ATaskOfAnotherBuildIsRefused) {
  troupe::internal::PackedCall call;
  call.build_id = kAnotherBuild;
  call.entry = 4711;
  ExpectBothBuilds([&] { (void)troupe::ExecutePacked(troupe::internal::PackCall(call)); });
  troupe::FunctionRegistry registry;
  ExpectBothBuilds([&] { (void)registry.ExecutePacked(troupe::internal::PackCall(call)); });
}

TEST(FunctionRegistryTest, BoundValuesArePackedOnce) {
  troupe::FunctionRegistry registry, other;
  registry.Register("total",
                    troupe::Bind([](const std::vector<double>& all, int i) { return all[i]; },
                                 std::vector<double>(250'000, 0.5)));
  const std::string once = registry.PackFunction("total");
  EXPECT_EQ(other.Load(once), "total");
  size_t bytes = once.size();
  for (int i = 0; i < 1000; ++i) {
    const std::string task = registry.PackTask("total", i);
    bytes += task.size();
    if (i % 100 == 0) {
      EXPECT_EQ(troupe::UnpackResult<double>(other.ExecutePacked(task)), 0.5);
    }
  }
  EXPECT_LT(bytes, 2'300'000u);
  EXPECT_EQ(registry.names(), std::vector<std::string>{"total"});
  EXPECT_GE(registry.size("total"), 2'000'000u);
  EXPECT_EQ(registry.signature("total"), "double(int)");
}

TEST(FunctionRegistryTest, AFunctionOfAnotherBuildIsRefused) {
  troupe::internal::PackedFunction function;
  function.build_id = kAnotherBuild;
  function.entry = 4711;
  function.name = "geometry.area";
  troupe::FunctionRegistry registry;
  ExpectBothBuilds([&] { (void)registry.Load(troupe::internal::PackFunction(function)); });
  EXPECT_TRUE(registry.names().empty());
  EXPECT_THROW((void)registry.Load(troupe::PackTask(Add, 1, 2)), troupe::InvalidArgument);
}

TEST(FunctionRegistryTest, UnknownNamesAndOtherSignatures) {
  troupe::FunctionRegistry registry;
  registry.Register("geometry.area", Add);
  try {
    (void)registry.PackTask("geometry.aera", 1, 2);
    FAIL();
  } catch (const troupe::UnknownFunction& e) {
    EXPECT_NE(std::string(e.what()).find("did you mean \"geometry.area\""), std::string::npos)
        << e.what();
  }
  try {
    (void)registry.PackTask("geometry.area", 1, 2.5);
    FAIL();
  } catch (const troupe::TypeMismatch& e) {
    EXPECT_NE(std::string(e.what()).find("int(int,int)"), std::string::npos) << e.what();
    EXPECT_NE(std::string(e.what()).find("(int,double)"), std::string::npos) << e.what();
  }
  EXPECT_EQ(
      troupe::UnpackResult<int>(registry.ExecutePacked(registry.PackTask("geometry.area", 1, 2))),
      3);
}

TEST(DescribeTest, SaysWhatTravelsAndHow) {
  const auto bound = troupe::Bind([](const std::vector<double>& xs, int i) { return xs[i]; },
                                  std::vector<double>(1'000'000));
  const troupe::TaskDescription description = troupe::Describe(bound, 3);
  ASSERT_EQ(description.parts.size(), 3u);
  EXPECT_EQ(description.parts[1].way, troupe::TaskPart::Way::kStored);
  EXPECT_GE(description.parts[1].bytes, 8'000'000u);
  EXPECT_EQ(description.parts[2].way, troupe::TaskPart::Way::kInMessage);
  EXPECT_LT(description.message_bytes(), 200u);
  EXPECT_NE(description.ToString().find("bound value 1: std::vector<double>"), std::string::npos)
      << description.ToString();
}

TEST(DescribeTest, TakesWhatRemoteTakes) {
  using Way = troupe::TaskPart::Way;
  const auto text = troupe::Describe([](const std::string& s) { return s.size(); }, "abc");
  ASSERT_EQ(text.parts.size(), 2u);
  EXPECT_EQ(text.parts[0].way, Way::kCode);
  EXPECT_EQ(text.parts[1].way, Way::kInMessage);
  EXPECT_EQ(text.parts[1].type, "std::string");
  EXPECT_NE(text.ToString().find("function: "), std::string::npos) << text.ToString();
  EXPECT_NE(text.ToString().find("code reference"), std::string::npos) << text.ToString();
  // It travels as the parameter's type.
  EXPECT_EQ(troupe::Describe(kinds::Scaler{3}, 7.5).parts[1].type, "int");

  const std::string long_text(300'000, 'x');
  const auto view = troupe::Describe(kinds::Length, std::string_view(long_text));
  EXPECT_EQ(view.parts[1].way, Way::kStored);
  EXPECT_GE(view.parts[1].bytes, long_text.size());
  EXPECT_EQ(troupe::Describe(kinds::Length, "abc").parts[1].way, Way::kInMessage);
  EXPECT_EQ(troupe::Describe(kinds::Length, long_text).parts[1].way, Way::kStored);

  const std::vector<double> numbers(1'000'000);
  const auto span = troupe::Describe(kinds::Total, std::span<const double>(numbers));
  EXPECT_EQ(span.parts[1].way, Way::kStored);
  EXPECT_EQ(span.parts[1].bytes, troupe::Describe(kinds::Total, numbers).parts[1].bytes);
  EXPECT_EQ(troupe::Describe(kinds::First, numbers).parts[1].way, Way::kStored);
  EXPECT_EQ(troupe::Describe(kinds::Total, std::vector<double>(3)).parts[1].way, Way::kInMessage);
}

TEST(DescribeTest, ReferencesTravelAsTheirIds) {
  using Way = troupe::TaskPart::Way;
  const auto one = troupe::Describe(kinds::Total, troupe::ObjectRef<std::vector<double>>());
  EXPECT_EQ(one.parts[1].way, Way::kReference);
  EXPECT_EQ(one.parts[1].bytes, sizeof(troupe::ObjectId));
  EXPECT_NE(one.ToString().find("by reference"), std::string::npos) << one.ToString();
  const auto several = troupe::Describe([](const std::vector<int>& all) { return all.size(); },
                                        std::vector<troupe::ObjectRef<int>>(3));
  EXPECT_EQ(several.parts[1].way, Way::kReference);
  EXPECT_EQ(several.parts[1].bytes, 3 * sizeof(troupe::ObjectId));
  struct Ends {
    troupe::ObjectRef<double> from, to;
  };
  const auto fields =
      troupe::Describe([](const Point& ends) { return ends.x; }, troupe::Resolve(Ends()));
  EXPECT_EQ(fields.parts[1].way, Way::kReference);
  EXPECT_EQ(fields.parts[1].bytes, 2 * sizeof(troupe::ObjectId));
  const auto bound = troupe::Bind(kinds::Add, troupe::ObjectRef<int>());
  EXPECT_EQ(troupe::Describe(bound, 1).parts[1].way, Way::kReference);
}

size_t Sum(int x, const std::vector<double>& xs) { return xs.size() + static_cast<size_t>(x); }

TEST(BindTest, MuchThatIsCapturedIsSaidOncePerCallSite) {
  testing::internal::CaptureStderr();
  int line = 0;
  for (int i = 0; i < 2; ++i) {
    line = __LINE__ + 1;
    const auto bound = troupe::Bind(Sum, 1, std::vector<double>(200'000));
    EXPECT_GT(bound.captured_bytes(), 1'600'000u);
  }
  const auto small = troupe::Bind(Sum, 1, std::vector<double>(1'000));
  EXPECT_LT(small.captured_bytes(), 10'000u);
  const std::string said = testing::internal::GetCapturedStderr();
  const std::string site = "pack_test.cc:" + std::to_string(line) + ": Bind captures ";
  const size_t at = said.find(site);
  ASSERT_NE(at, std::string::npos) << said;
  EXPECT_NE(said.find("in value 2 of 2 (std::vector<double", at), std::string::npos) << said;
  EXPECT_EQ(said.find("in value 1"), std::string::npos) << said;
  EXPECT_EQ(said.find("Bind captures", at + site.size()), std::string::npos) << said;
}

}  // namespace
