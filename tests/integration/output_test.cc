// What workers write: shown at the driver's, and told with their death.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <stdexcept>
#include <string>
#include <thread>

#include "sdk/troupe.h"

namespace {

int Say(std::string what, int times) {
  for (int i = 0; i < times; ++i) std::printf("%s\n", what.c_str());
  std::fprintf(stderr, "%s, and an error\n", what.c_str());
  return getpid();
}

TEST(Output, OfWorkersReachesTheDriverWithAPrefixAndFolded) {
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  int pid = 0;
  {
    const troupe::Cluster cluster = troupe::Init({.workers = 1});
    pid = troupe::Get(troupe::Task(Say).Remote("hello", 50));
    EXPECT_EQ(troupe::Get(troupe::Task(Say).Remote("goodbye", 1)), pid);
  }
  const std::string prefix = "(pid " + std::to_string(pid) + ") ";
  EXPECT_EQ(
      testing::internal::GetCapturedStdout(),
      prefix + "hello\n" + prefix + "(the line above, 49 times more)\n" + prefix + "goodbye\n");
  EXPECT_EQ(testing::internal::GetCapturedStderr(),
            prefix + "hello, and an error\n" + prefix + "goodbye, and an error\n");
}

template <typename F>
troupe::ErrorInfo CrashOf(F f) {
  try {
    (void)troupe::Get(troupe::Task(f).Options({.max_retries = 0}).Remote());
  } catch (const troupe::WorkerCrashed& e) {
    return e.info();
  }
  ADD_FAILURE() << "no crash";
  return {};
}

TEST(Output, TheLastLinesAreToldWithTheDeath) {
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  {
    const troupe::Cluster cluster = troupe::Init({.workers = 1});
    const troupe::ErrorInfo fault = CrashOf([] {
      for (int i = 1; i <= 30; ++i) std::printf("step %d\n", i);
      signal(SIGSEGV, SIG_DFL);  // a sanitizer's handler would turn it into an exit code
      raise(SIGSEGV);
      return 0;
    });
    EXPECT_NE(fault.message.find("SIGSEGV"), std::string::npos) << fault.message;
    EXPECT_NE(fault.message.find("| step 11\n"), std::string::npos) << fault.message;
    EXPECT_NE(fault.message.find("| step 30"), std::string::npos) << fault.message;
    EXPECT_EQ(fault.message.find("step 10\n"), std::string::npos) << fault.message;
    EXPECT_NE(fault.pid, 0);
    EXPECT_EQ(fault.attempt, 1u);

    const troupe::ErrorInfo left = CrashOf([] {
      std::fprintf(stderr, "no end of line");
      _exit(3);
      return 0;
    });
    EXPECT_NE(left.message.find("exited with code 3; the last lines that it wrote:\n  | no end"),
              std::string::npos)
        << left.message;
    const troupe::ErrorInfo uncaught = CrashOf([] {
      signal(SIGABRT, SIG_DFL);
      std::thread([] { throw std::runtime_error("on a thread of its own"); }).join();
      return 0;
    });
    EXPECT_NE(uncaught.message.find("SIGABRT"), std::string::npos) << uncaught.message;
    EXPECT_NE(uncaught.message.find("on a thread of its own"), std::string::npos)
        << uncaught.message;
  }
  (void)testing::internal::GetCapturedStdout();
  (void)testing::internal::GetCapturedStderr();
}

}  // namespace
