// Secrets are in nothing that is said: not in output or errors of the program, not in what the tool
// shows, not in the node's log or any other file beside its socket, not in a command line.
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "tests/integration/processes.h"
#include "tests/integration/program.h"

namespace troupe::testing {
namespace {

constexpr auto kPatience = std::chrono::seconds(60);
const std::string kKey = "5ecret-of-the-environment";
const std::string kArgument = "5ecret-of-an-argument";

std::string Content(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

class Secrets : public ::testing::Test {
 protected:
  // What it prints is what is said, too.
  void Tool(const std::vector<std::string>& arguments) {
    std::vector<std::string> argv = {BuiltProgram("TROUPE_TOOL")};
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    const Outcome outcome = RunProgram(argv, environment_);
    EXPECT_EQ(outcome.exit_code, 0) << arguments[0] << ": " << outcome.output;
    said_ += outcome.output;
  }
  void ExpectSaid(const std::string& text) {
    EXPECT_NE(said_.find(text), std::string::npos) << "nothing of '" << text << "' in:\n" << said_;
  }

  const ShortDirectory runtime_;
  const ShortDirectory logs_;
  const std::vector<std::string> environment_ = {"TROUPE_RUNTIME_DIR=" + runtime_.path(),
                                                 "TROUPE_LOG_LEVEL=debug", "TROUPE_ADDRESS"};
  std::string said_;
};

TEST_F(Secrets, AreInNothingThatIsSaid) {
  Tool({"up", "--workers=2", "--object_store_memory=64MiB", "--detach"});
  std::vector<std::string> secretly = environment_;
  secretly.push_back("SECRETIVE_KEY=" + kKey);
  secretly.push_back("SECRETIVE_ARGUMENT=" + kArgument);
  BackgroundProgram program({BuiltProgram("TROUPE_SECRETIVE")}, secretly, logs_.path() + "/output");
  const auto is_ready = [&] { return program.Output().find("\nready\n") != std::string::npos; };
  const bool ready = BecomesTrue(is_ready, kPatience);
  ASSERT_TRUE(ready) << program.Output();
  for (const char* query : {"status", "memory"}) Tool({query});
  for (const char* list : {"tasks", "actors", "workers", "groups"}) {
    Tool({"list", list});
    Tool({"list", list, "--json"});
  }
  const std::string output = program.Output();
  const std::string kId = "\nid ";
  int ids = 0;
  for (size_t at = output.find(kId); at != std::string::npos;
       at = output.find(kId, at + 1), ++ids) {
    const size_t begin = at + kId.size();
    const std::string id = output.substr(begin, output.find('\n', begin) - begin);
    Tool({"why", id});
    Tool({"story", id});
  }
  EXPECT_EQ(ids, 3);
  int commands = 0;
  for (const int pid : AllProcesses()) {
    const std::string command = Content("/proc/" + std::to_string(pid) + "/cmdline");
    commands += NameOf(pid) == "troupe-worker" ? 1 : 0;
    said_ += command;
  }
  EXPECT_GT(commands, 0) << "no worker was looked at";
  EXPECT_EQ(program.End(SIGTERM), 128 + SIGTERM);
  Tool({"status"});
  Tool({"down"});
  said_ += program.Output();
  int files = 0;
  for (const std::string& name : runtime_.Entries()) {
    said_ += Content(runtime_.path() + "/" + name);
    ++files;
  }
  EXPECT_GT(files, 0) << "no log";

  // It was really told of: each error, and the names of what waits.
  for (const char* text : {"it fails as it should", "SEGV", "exited with code 3", "Deadline",
                           "no.such", "the bound one", "Takes", "Waits", "the key is ***"}) {
    ExpectSaid(text);
  }
  EXPECT_EQ(output.find("no error"), std::string::npos) << output;
  for (const std::string& secret : {kKey, kArgument})
    EXPECT_EQ(said_.find(secret), std::string::npos) << secret << " in:\n" << said_;
}

}  // namespace
}  // namespace troupe::testing
