// However a program, or a task of it, ends: what it says, and that nothing of it is left.
#include <gtest/gtest.h>
#include <pty.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <string>
#include <vector>

#include "tests/integration/processes.h"
#include "tests/integration/program.h"

namespace troupe::testing {
namespace {

constexpr auto kPatience = std::chrono::seconds(60);

std::string Endings() { return BuiltProgram("TROUPE_ENDINGS"); }
const std::vector<std::string> kEmbedded = {"TROUPE_ADDRESS=embedded"};

Outcome End(const std::string& how, const std::string& argument = "") {
  return RunProgram({Endings(), how, argument}, kEmbedded);
}

// No process of the program is left: those that it left behind have become our children.
class CleanEnds : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { ASSERT_EQ(prctl(PR_SET_CHILD_SUBREAPER, 1), 0); }
  void TearDown() override {
    EXPECT_TRUE(BecomesTrue(
        [] {
          while (waitpid(-1, nullptr, WNOHANG) > 0) {
          }
          for (const int pid : AllProcesses()) {
            if (NameOf(pid) == "endings" && Lives(pid)) return false;
          }
          return Descendants(getpid()).empty();
        },
        kPatience));
  }
};

TEST_F(CleanEnds, AnErrorOutOfMainIsOneSentence) {
  const Outcome outcome = End("throw");
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_EQ(outcome.output.find("troupe: "), 0u) << outcome.output;
  EXPECT_NE(outcome.output.find("thrown by the task"), std::string::npos) << outcome.output;
}

TEST_F(CleanEnds, AForeignExceptionOutOfMainIsAsEver) {
  const Outcome outcome = End("throw_foreign");
  EXPECT_EQ(outcome.exit_code, 128 + SIGABRT) << outcome.output;
  EXPECT_NE(outcome.output.find("thrown by main"), std::string::npos) << outcome.output;
}

TEST_F(CleanEnds, ExitFromMainKeepsItsCode) { EXPECT_EQ(End("exit").exit_code, 4); }

// Of tasks, too: "wait" has one that has started processes, which have started others.
TEST_F(CleanEnds, SignalsEndTheProgramAndAllOfIt) {
  for (const int signal : {SIGINT, SIGTERM, SIGKILL, SIGHUP}) {
    const ShortDirectory logs;
    BackgroundProgram program({Endings(), "wait"}, kEmbedded, logs.path() + "/log");
    ASSERT_TRUE(BecomesTrue([&] { return program.Output() == "ready\n"; }, kPatience));
    const std::vector<int> processes = Descendants(program.pid());
    ASSERT_GE(processes.size(), 6u);  // the node, a worker, and the tree
    EXPECT_EQ(program.End(signal), 128 + signal);
    for (const int pid : processes)
      EXPECT_TRUE(BecomesTrue([&] { return !Lives(pid); }, kPatience)) << pid;
  }
}

// A program in a terminal of its own: Ctrl-C is a key there, whose signal goes to all processes in
// the foreground.
class InATerminal {
 public:
  explicit InATerminal(const char* how) {
    pid_ = forkpty(&terminal_, nullptr, nullptr, nullptr);
    if (pid_ != 0) return;
    setenv("TROUPE_ADDRESS", "embedded", 1);
    execl(Endings().c_str(), "endings", how, nullptr);
    _exit(127);
  }
  ~InATerminal() { close(terminal_); }
  int pid() const { return pid_; }
  // Until it ends with that; or all, until nobody has the terminal any more.
  std::string Read(const std::string& end = "") {
    char c = 0;
    while ((end.empty() || !output_.ends_with(end)) && read(terminal_, &c, 1) == 1) output_ += c;
    return output_;
  }
  void PressCtrlC() { EXPECT_EQ(write(terminal_, "\x03", 1), 1); }
  int Wait() const {
    int status = 0;
    waitpid(pid_, &status, 0);
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  }

 private:
  int terminal_ = -1;
  int pid_ = 0;
  std::string output_;
};

TEST_F(CleanEnds, CtrlCInATerminalEndsAllOfItWithoutAWord) {
  InATerminal program("wait");
  ASSERT_EQ(program.Read("ready\r\n"), "ready\r\n");
  const std::vector<int> processes = Descendants(program.pid());
  ASSERT_GE(processes.size(), 6u);
  program.PressCtrlC();
  EXPECT_EQ(program.Read(), "ready\r\n^C");
  EXPECT_EQ(program.Wait(), 128 + SIGINT);
  for (const int pid : processes)
    EXPECT_TRUE(BecomesTrue([&] { return !Lives(pid); }, kPatience)) << pid;
}

// The key is the driver's: what a program does that asks "really?" goes on with its cluster.
TEST_F(CleanEnds, CtrlCThatTheProgramTakesDisturbsNoTask) {
  InATerminal program("take_interrupt");
  ASSERT_EQ(program.Read("ready\r\n"), "ready\r\n");
  program.PressCtrlC();
  EXPECT_EQ(program.Read(), "ready\r\n^Cinterrupted\r\n1\r\n9\r\n");
  EXPECT_EQ(program.Wait(), 0);
}

TEST_F(CleanEnds, ExitInATaskIsTold) {
  const Outcome outcome = End("exit_in_task");
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_NE(outcome.output.find("exited with code 3"), std::string::npos) << outcome.output;
  EXPECT_NE(outcome.output.find("\n9\n"), std::string::npos) << outcome.output;
}

TEST_F(CleanEnds, TerminateInATaskIsTold) {
  const Outcome outcome = End("terminate_in_task");
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_NE(outcome.output.find("SIGABRT"), std::string::npos) << outcome.output;
  EXPECT_NE(outcome.output.find("\n9\n"), std::string::npos) << outcome.output;
}

TEST_F(CleanEnds, AForkInATaskHarmsNothing) {
  // The forked child exits in order, and a leak checker at its exit may say that it missed a thread
  // (of its parent).
  std::vector<std::string> environment = kEmbedded;
  environment.push_back("ASAN_OPTIONS=detect_leaks=0");
  EXPECT_EQ(RunProgram({Endings(), "fork_in_task"}, environment).output, "0\n9\n");
}

TEST_F(CleanEnds, ADaemonOfATaskEndsWithTheCluster) {
  const Outcome outcome = End("daemon_in_task");
  EXPECT_EQ(outcome.exit_code, 0) << outcome.output;
  const int daemon = std::atoi(outcome.output.c_str());
  ASSERT_GT(daemon, 0) << outcome.output;
  EXPECT_TRUE(BecomesTrue([&] { return !Lives(daemon); }, kPatience));
}

TEST_F(CleanEnds, WhatProcessesOfATaskStartEndsWithTheCluster) {
  EXPECT_EQ(End("tree_in_task").output, "1\n9\n");
}

TEST_F(CleanEnds, ATaskMayRunAnotherProgram) {
  // What it writes comes with the worker's prefix, at a time of its own.
  std::string output = End("program_in_task", BuiltProgram("TROUPE_SQUARE")).output;
  const size_t at = output.find("(pid ");
  ASSERT_NE(at, std::string::npos) << output;
  const size_t end = output.find(") 9\n", at);
  ASSERT_NE(end, std::string::npos) << output;
  EXPECT_EQ(output.erase(at, end + 4 - at), "0\n9\n");
}

TEST_F(CleanEnds, ADriverOutlivesItsNode) {
  const Outcome outcome = End("outlive");
  EXPECT_EQ(outcome.exit_code, 0) << outcome.output;
  EXPECT_NE(outcome.output.find("the node has died"), std::string::npos) << outcome.output;
  EXPECT_NE(outcome.output.find("\n9\n"), std::string::npos) << outcome.output;
}

TEST_F(CleanEnds, InitAndShutdownAThousandTimes) {
  EXPECT_EQ(End("init", "1000").output, "done\n");
}

}  // namespace
}  // namespace troupe::testing
