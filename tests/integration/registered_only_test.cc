// Clusters that run only what their operator has registered by name: what honest callers are told,
// and what liars get.
#include <gtest/gtest.h>

#include <cstdlib>
#include <optional>
#include <stdexcept>
#include <string>

#include "sdk/troupe.h"
#include "tests/integration/operator.h"
#include "tests/integration/program.h"
#include "tests/integration/raw_client.h"

namespace troupe::testing {

int Square(int x) { return x * x; }  // with a symbol, so that errors name it

namespace {

double Half(double x) { return x / 2; }
[[maybe_unused]] const bool registered[] = {
    troupe::RegisterFunction("mine.half", Half),
};

template <typename F>
void ExpectRefused(F call, const std::string& names) {
  try {
    call();
    FAIL() << "it was not refused";
  } catch (const troupe::InvalidArgument& e) {
    EXPECT_NE(std::string(e.what()).find(names), std::string::npos) << e.what();
    EXPECT_NE(std::string(e.what()).find("RegisterFunction"), std::string::npos) << e.what();
    EXPECT_NE(std::string(e.what()).find("CallNamed"), std::string::npos) << e.what();
  }
}

class RegisteredOnly : public ::testing::Test {
 protected:
  std::string Executable() {
    return troupe::Get(troupe::CallNamed<std::string()>("operator.executable").Remote());
  }

  const std::string program_ = BuiltProgram("TROUPE_OPERATOR");
  StandingNode node_{
      {"--workers=2", "--object_store_memory=64MiB", "--registered_only", "--image=" + program_}};
};

TEST_F(RegisteredOnly, RunsTheOperatorsProgramAndNothingOfItsCallers) {
  setenv("TROUPE_TEST_PRELOAD", "of the caller", 1);
  const troupe::Cluster cluster = troupe::Init({.address = node_.address()});
  unsetenv("TROUPE_TEST_PRELOAD");
  EXPECT_EQ(
      troupe::Get(troupe::CallNamed<double(double, double)>("operator.area").Remote(2.0, 3.0)), 6);
  const std::string name = program_.substr(program_.rfind('/'));
  EXPECT_EQ(Executable().substr(Executable().rfind('/')), name);
  const auto variable = troupe::CallNamed<std::string(std::string)>("operator.variable");
  EXPECT_EQ(troupe::Get(variable.Remote("TROUPE_TEST_PRELOAD")), "");
  EXPECT_EQ(troupe::Get(troupe::CallNamed<int(int)>("operator.twice_elsewhere").Remote(4)), 8);
  // It is in our program, and not in the operator's.
  EXPECT_THROW((void)troupe::Get(troupe::CallNamed<double(double)>("mine.half").Remote(1.0)),
               troupe::UnknownFunction);
}

TEST_F(RegisteredOnly, RefusesCodeOfItsCallersAndNamesTheCall) {
  const troupe::Cluster cluster = troupe::Init({.address = node_.address()});
  ExpectRefused([] { (void)troupe::Get(troupe::Task(Square).Remote(3)); }, "Square");
  ExpectRefused(
      [] {
        const auto till = troupe::Actor<Till>().Remote();
        (void)troupe::Get(till.Task(&Till::Add).Remote(1));
      },
      "Till");
  ExpectRefused(
      [] {
        const troupe::SharedCode code("tests/integration/libgeometry_1.so");
        (void)troupe::Get(code.CallNamed<double(double, double)>("geometry.area").Remote(2.0, 3.0));
      },
      "geometry.area");
  ExpectRefused(
      [] {
        (void)troupe::Get(
            troupe::CallNamed<double(double, double)>("operator.area")
                .Options({.retry_on = troupe::RetryOn::Exceptions<std::runtime_error>()})
                .Remote(2.0, 3.0));
      },
      "the retry_on of operator.area");
  // An actor that the operator's code has made.
  const auto till =
      troupe::Get(troupe::CallNamed<troupe::ActorHandle<Till>()>("operator.open_till").Remote());
  EXPECT_EQ(troupe::Get(till.CallNamed<int(int)>("Till.Add").Remote(3)), 3);
  ExpectRefused([&] { (void)troupe::Get(till.Task(&Till::Add).Remote(1)); }, "Add");
  EXPECT_EQ(troupe::Get(till.CallNamed<int(int)>("Till.Add").Remote(4)), 7);
}

// One that speaks the protocol itself, and points wherever it wants.
TEST_F(RegisteredOnly, ALyingClientsPointersAreNotFollowed) {
  RawClient liar(node_.socket_path());
  ASSERT_TRUE(liar.Join()) << liar.why();
  const auto result_of = [&](uint64_t sequence, const wire::TaskSpec& spec) {
    EXPECT_TRUE(liar.Send(spec));
    const ObjectId result = TaskId::Make(liar.id(), sequence).Result(0);
    EXPECT_TRUE(liar.Send(wire::Subscribe{{result}}));
    std::optional<ErrorInfo> error;
    bool told = false;
    while (!told && liar.Receive([&](const wire::NodeMessage& message) {
      const auto* ready = std::get_if<wire::Ready>(&message);
      if (ready == nullptr) return;
      for (const wire::ReadyValue& value : ready->values) {
        if (value.id != result) continue;
        told = true;
        if (const auto* info = std::get_if<ErrorInfo>(&value.value.content)) error = *info;
      }
    })) {
    }
    EXPECT_TRUE(told);
    return error;
  };
  wire::TaskSpec spec;
  spec.cpu_units = 0;
  spec.name = "evil";
  spec.entry = 0x1000;
  for (uint64_t sequence = 1; sequence <= 3; ++sequence) {
    spec.id = TaskId::Make(liar.id(), sequence);
    spec.function = sequence == 3 ? "operator.executable" : "";
    spec.retry_on = sequence == 3 ? 0x1000 : 0;
    spec.kind = sequence == 2 ? wire::TaskKind::kActorCreation : wire::TaskKind::kTask;
    const std::optional<ErrorInfo> error = result_of(sequence, spec);
    ASSERT_TRUE(error.has_value()) << sequence;
    EXPECT_EQ(error->kind, ErrorKind::kInvalidArgument) << error->ToString();
    EXPECT_NE(error->message.find("evil"), std::string::npos) << error->message;
  }
  // With a name, its pointer is nobody's business.
  spec.id = TaskId::Make(liar.id(), 4);
  spec.retry_on = 0;
  spec.kind = wire::TaskKind::kTask;
  spec.function = "operator.no_such_function";
  const std::optional<ErrorInfo> error = result_of(4, spec);
  ASSERT_TRUE(error.has_value());
  EXPECT_EQ(error->kind, ErrorKind::kUnknownFunction) << error->ToString();
}

TEST(RegisteredOnlyOptions, GoTogetherAndNameAProgram) {
  const ShortDirectory directory;
  const auto up = [&](std::vector<std::string> flags) {
    flags.insert(flags.begin(), {BuiltProgram("TROUPE_TOOL"), "up"});
    return RunProgram(flags, {"TROUPE_RUNTIME_DIR=" + directory.path()});
  };
  const Outcome alone = up({"--registered_only"});
  EXPECT_EQ(alone.exit_code, 2);
  EXPECT_NE(alone.output.find("--image"), std::string::npos) << alone.output;
  EXPECT_EQ(up({"--image=" + BuiltProgram("TROUPE_OPERATOR")}).exit_code, 2);
  const Outcome nowhere = up({"--registered_only", "--image=/no/such/program"});
  EXPECT_EQ(nowhere.exit_code, 2);
  EXPECT_NE(nowhere.output.find("/no/such/program"), std::string::npos) << nowhere.output;
}

// Embedded ones run the program itself, by the same rule.
TEST(RegisteredOnlyEmbedded, RefusesWhatHasNoName) {
  for (const bool in_process : {false, true}) {
    const troupe::Cluster cluster =
        troupe::Init({.in_process = in_process, .workers = 1, .registered_only = true});
    EXPECT_EQ(troupe::Get(troupe::CallNamed<double(double)>("mine.half").Remote(3.0)), 1.5);
    ExpectRefused([] { (void)troupe::Get(troupe::Task(Square).Remote(3)); }, "Square");
  }
}

}  // namespace
}  // namespace troupe::testing
