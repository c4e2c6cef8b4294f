// A program that ends in the way that its argument names: what clean_ends_test runs.
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>

#include "sdk/troupe.h"

namespace {

int Square(int x) { return x * x; }

int ParentPid() { return getppid(); }

int Throw() { throw std::runtime_error("thrown by the task"); }

int WaitForEver() {
  for (;;) pause();
  return 0;
}

// The test looks for these when the program has ended.
int Daemonize() {
  int report[2];
  if (pipe(report) != 0) return 0;
  if (fork() == 0) {
    setsid();
    const int daemon = fork();
    if (daemon == 0) WaitForEver();
    (void)!write(report[1], &daemon, sizeof(daemon));
    _exit(0);
  }
  wait(nullptr);
  int daemon = 0;
  (void)!read(report[0], &daemon, sizeof(daemon));
  return daemon;
}

// Processes that start processes, each in a session of its own, so many below one another.
void Grow(int levels, int report) {
  if (fork() != 0) WaitForEver();
  setsid();
  if (levels > 1) Grow(levels - 1, report);
  const char grown = 0;
  (void)!write(report, &grown, 1);
  WaitForEver();
}
int GrowTree() {
  int report[2];
  if (pipe(report) != 0) return 0;
  if (fork() == 0) Grow(3, report[1]);
  char grown = 0;
  return static_cast<int>(read(report[0], &grown, 1));
}

// The child ends as any program does: it must not touch the cluster of its parent.
int ForkAndExit() {
  const int child = fork();
  if (child == 0) exit(0);
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int Pid() { return getpid(); }

int interrupts[2];

// Whether the worker is still the same one after a SIGINT that this program takes.
bool KeepsItsWorkerThroughAnInterrupt() {
  if (pipe(interrupts) != 0) return false;
  signal(SIGINT, [](int) { (void)!write(interrupts[1], "", 1); });
  const int worker = troupe::Get(troupe::Task(Pid).Remote());
  std::printf("ready\n");
  std::fflush(stdout);
  char interrupt = 0;
  while (read(interrupts[0], &interrupt, 1) != 1) {
  }
  std::printf("interrupted\n");
  return troupe::Get(troupe::Task(Pid).Remote()) == worker;
}

int RunProgram(const std::string& command) { return system(command.c_str()); }

// The error's own sentence, as a program would show it.
template <typename F>
void PrintErrorOf(F submit) {
  try {
    (void)troupe::Get(submit());
  } catch (const troupe::Error& error) {
    std::printf("%s\n", error.what());
  }
}

int Main(std::string_view ending, const char* argument) {
  if (ending == "init") {
    for (int i = 0; i < std::atoi(argument); ++i) {
      const troupe::Cluster cluster =
          troupe::Init({.workers = 1, .object_store_memory = int64_t{1} << 20});
      if (i % 100 == 0 && troupe::Get(troupe::Task(Square).Remote(3)) != 9) return 3;
    }
    std::printf("done\n");
    return 0;
  }
  if (ending == "outlive") {
    {
      const troupe::Cluster cluster = troupe::Init({.workers = 1});
      const int node = troupe::Get(troupe::Task(ParentPid).Remote());
      kill(node, SIGKILL);
      // The submission may hear of it first.
      PrintErrorOf([] { return troupe::Task(WaitForEver).Remote(); });
    }
    const troupe::Cluster again = troupe::Init({.workers = 1});
    std::printf("%d\n", troupe::Get(troupe::Task(Square).Remote(3)));
    return 0;
  }
  const troupe::Cluster cluster = troupe::Init({.workers = 1});
  const troupe::TaskOptions once = {.max_retries = 0};
  if (ending == "wait") {
    if (troupe::Get(troupe::Task(GrowTree).Remote()) != 1) return 3;
    std::printf("ready\n");
    std::fflush(stdout);
    return troupe::Get(troupe::Task(WaitForEver).Remote());
  }
  if (ending == "throw") return troupe::Get(troupe::Task(Throw).Remote());
  if (ending == "throw_foreign") throw std::runtime_error("thrown by main");
  if (ending == "exit") exit(troupe::Get(troupe::Task(Square).Remote(2)));
  if (ending == "exit_in_task") {
    PrintErrorOf([&] { return troupe::Task([]() -> int { exit(3); }).Options(once).Remote(); });
  } else if (ending == "terminate_in_task") {
    PrintErrorOf(
        [&] { return troupe::Task([]() -> int { std::terminate(); }).Options(once).Remote(); });
  } else if (ending == "fork_in_task") {
    std::printf("%d\n", troupe::Get(troupe::Task(ForkAndExit).Remote()));
  } else if (ending == "daemon_in_task") {
    std::printf("%d\n", troupe::Get(troupe::Task(Daemonize).Remote()));
  } else if (ending == "tree_in_task") {
    std::printf("%d\n", troupe::Get(troupe::Task(GrowTree).Remote()));
  } else if (ending == "take_interrupt") {
    std::printf("%d\n", KeepsItsWorkerThroughAnInterrupt());
  } else if (ending == "program_in_task") {
    std::printf("%d\n", troupe::Get(troupe::Task(RunProgram).Remote(argument)));
  } else {
    return 2;
  }
  // The worker, or its successor, goes on.
  std::printf("%d\n", troupe::Get(troupe::Task(Square).Remote(3)));
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return Main(argc > 1 ? argv[1] : "", argc > 2 ? argv[2] : ""); }
