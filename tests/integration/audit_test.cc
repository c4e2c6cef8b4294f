// The node's log says of each job that brings code by whom it came and which it is.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <span>
#include <string>

#include "sdk/troupe.h"
#include "tests/integration/processes.h"
#include "tests/integration/program.h"
#include "tests/integration/raw_client.h"
#include "worker/shared_code.h"

namespace troupe::testing {
namespace {

constexpr auto kPatience = std::chrono::seconds(60);

std::string Sha256OfFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string bytes(std::istreambuf_iterator<char>(file), {});
  EXPECT_FALSE(bytes.empty()) << path;
  return worker::Sha256(std::as_bytes(std::span(bytes.data(), bytes.size())));
}

int CountOf(const std::string& text, const std::string& part) {
  int count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

// The program's pid.
pid_t RunSquareOn(const StandingNode& node) {
  const ShortDirectory directory;
  BackgroundProgram square({BuiltProgram("TROUPE_SQUARE")}, {"TROUPE_ADDRESS=" + node.address()},
                           directory.path() + "/output");
  EXPECT_TRUE(BecomesTrue([&] { return square.Output() == "9\n"; }, kPatience)) << square.Output();
  return square.pid();
}

TEST(Audit, EachJobThatBringsCodeHasALineWithWhoAndWhich) {
  const StandingNode node;
  const std::string sha256 = Sha256OfFile(BuiltProgram("TROUPE_SQUARE"));
  for (int job = 1; job <= 2; ++job) {
    const std::string line_begin = " audit: job " + std::to_string(job) + ": pid " +
                                   std::to_string(RunSquareOn(node)) + " of user " +
                                   std::to_string(geteuid()) + " brings ";
    EXPECT_TRUE(BecomesTrue([&] { return CountOf(node.Log(), sha256 + "\n") == job; }, kPatience))
        << sha256 << " in:\n"
        << node.Log();
    const std::string log = node.Log();
    const size_t at = log.find(line_begin);
    ASSERT_NE(at, std::string::npos) << line_begin << " in:\n" << log;
    const std::string line = log.substr(at, log.find('\n', at) - at);
    EXPECT_NE(line.find("/square, "), std::string::npos) << line;
    EXPECT_EQ(line.substr(line.size() - 64), sha256) << line;
  }
  EXPECT_EQ(CountOf(node.Log(), "audit: "), 2) << node.Log();
}

// As sdk/shared_code.cc says it; shared_code_test calls what comes so.
TEST(Audit, CodeThatIsSharedHasALineByWhatItsCallerSays) {
  const StandingNode node;
  const std::string library = BuiltProgram("TROUPE_GEOMETRY");
  {
    const troupe::Cluster cluster = troupe::Init({.address = node.address()});
    const troupe::SharedCode geometry(library);
    (void)troupe::Memory(0);  // answered behind it
  }
  const std::string line_end = " shares " + library + ", ";
  const std::string log = node.Log();
  const size_t at = log.find(" audit: job 1: pid " + std::to_string(getpid()) + " of user " +
                             std::to_string(geteuid()) + line_end);
  ASSERT_NE(at, std::string::npos) << log;
  const std::string line = log.substr(at + 1, log.find('\n', at) - at - 1);
  EXPECT_EQ(line.substr(line.size() - 64), Sha256OfFile(library)) << line;
}

TEST(Audit, AThousandLinesOfOneJobAreEnough) {
  StandingNode node;
  RawClient client(node.socket_path());
  ASSERT_TRUE(client.Join()) << client.why();
  const std::string sha256(64, 'a');
  for (int i = 0; i < 5000; ++i)
    ASSERT_TRUE(client.Send(wire::CodeNotice{"mine\n", sha256, UINT64_MAX}));
  ASSERT_TRUE(client.Send(wire::CodeNotice{"other", "no hash", 1}));
  EXPECT_TRUE(client.WaitForEnd());
  const std::string log = node.Log();
  EXPECT_EQ(CountOf(log, " shares mine\\n, "), 999) << log.substr(0, 10'000);
  EXPECT_EQ(CountOf(log, ": it shares more"), 1);
  EXPECT_NE(log.find("64 hexadecimal digits"), std::string::npos);
}

TEST(Audit, NobodyWritesALineByHisName) {
  StandingNode node;
  RawClient client(node.socket_path());
  wire::Hello hello;
  hello.executable = "mine\n2026-11-28T00:00:00Z audit: job 7: pid 1 of user 0 brings /bin/true";
  ASSERT_TRUE(client.Join(hello)) << client.why();
  EXPECT_TRUE(BecomesTrue(
      [&] { return node.Log().find(Sha256OfFile("/proc/self/exe")) != std::string::npos; },
      kPatience));
  EXPECT_NE(node.Log().find("mine\\n2026"), std::string::npos) << node.Log();
  EXPECT_EQ(node.Log().find("\n2026-11-28T00:00:00Z audit"), std::string::npos) << node.Log();
}

// Whose callers bring none.
TEST(Audit, AnOperatorsNodeHasNoLine) {
  StandingNode node({"--workers=1", "--object_store_memory=64MiB", "--registered_only",
                     "--image=" + BuiltProgram("TROUPE_SQUARE")});
  {
    RawClient client(node.socket_path());
    ASSERT_TRUE(client.Join()) << client.why();
    ASSERT_TRUE(client.Send(wire::CodeNotice{"lib.so", std::string(64, 'a'), 1}));
  }
  EXPECT_EQ(node.End(SIGTERM), 0);
  EXPECT_NE(node.Log().find("stopped: "), std::string::npos) << node.Log();
  EXPECT_EQ(node.Log().find("audit: "), std::string::npos) << node.Log();
}

}  // namespace
}  // namespace troupe::testing
