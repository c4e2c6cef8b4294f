// How the scheduler's core grows: what a task costs it in time and memory with more and more tasks
// queued, workers and actors, all simulated, on one thread.
//
//   bazel run -c opt //bench:scale -- [--filter=TEXT] [--json] [--runs=N]
//
// Times are of the CPU. Beside each row is the smallest of its kind, so that `ratio` says how far
// the cost is from staying the same: 1 is linear growth of the whole.
#include <malloc.h>
#include <time.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <initializer_list>
#include <new>
#include <string>

#include "bench/core_machine.h"
#include "bench/report.h"

namespace {

// What operator new has given and not got back. The C library's own figures count as used what it
// keeps at hand.
int64_t live_bytes = 0;

}  // namespace

void* operator new(size_t bytes) {
  void* memory = malloc(bytes);
  if (memory == nullptr) throw std::bad_alloc();
  live_bytes += static_cast<int64_t>(malloc_usable_size(memory));
  return memory;
}
void operator delete(void* memory) noexcept {
  live_bytes -= static_cast<int64_t>(malloc_usable_size(memory));
  free(memory);
}
void operator delete(void* memory, size_t) noexcept { operator delete(memory); }

namespace bench {
namespace {

// In so many tasks and calls a cost is measured, at least.
constexpr int64_t kOperations = 200'000;

// Of this process, so that what else runs on the machine counts only by what it does to the caches.
double CpuSeconds(const std::function<void()>& f) {
  const auto now = [] {
    timespec time{};
    Expect(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time) == 0, "its own CPU time");
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
  };
  const double start = now();
  f();
  return now() - start;
}

CoreMachine::Options WithRoomFor(int64_t tasks, int workers = 2) {
  return {.workers = workers, .window = static_cast<uint32_t>(tasks)};
}

// µs of CPU a task from submission to release: so many are queued, then all are completed, and so
// again.
double MicrosATask(CoreMachine& machine, int64_t queued) {
  const int64_t rounds = std::max<int64_t>(1, kOperations / queued);
  int64_t completed = 0;
  const double seconds = CpuSeconds([&] {
    for (int64_t round = 0; round < rounds; ++round) {
      for (int64_t i = 0; i < queued; ++i) machine.Submit();
      for (; !machine.idle(); ++completed) machine.CompleteOne();
    }
  });
  Expect(completed == rounds * queued, "tasks");
  return seconds * 1e6 / static_cast<double>(completed);
}

double MicrosATask(CoreMachine::Options options, int64_t queued) {
  options.window = static_cast<uint32_t>(queued);
  CoreMachine machine(options);
  return MicrosATask(machine, queued);
}

double BytesATask(int64_t queued) {
  CoreMachine machine(WithRoomFor(queued));
  const int64_t before = live_bytes;
  for (int64_t i = 0; i < queued; ++i) machine.Submit();
  return static_cast<double>(live_bytes - before) / static_cast<double>(queued);
}

void MakeActors(CoreMachine& machine, int64_t actors) {
  for (int64_t i = 0; i < actors; ++i) machine.MakeActor();
}

// µs a call, of each actor in turn, with a thousand under way.
double MicrosACall(int64_t actors) {
  constexpr int64_t kUnderWay = 1'000;
  CoreMachine machine(WithRoomFor(kUnderWay + actors));
  MakeActors(machine, actors);
  int64_t completed = 0;
  const double seconds = CpuSeconds([&] {
    for (int64_t i = 0; i < kOperations; ++i) {
      machine.Call(static_cast<size_t>(i % actors));
      if (i < kUnderWay) continue;
      machine.CompleteOne();
      ++completed;
    }
    for (; !machine.idle(); ++completed) machine.CompleteOne();
  });
  Expect(completed == kOperations, "calls");
  return seconds * 1e6 / kOperations;
}

double BytesAnActor(int64_t actors) {
  CoreMachine machine(WithRoomFor(actors));
  const int64_t before = live_bytes;
  MakeActors(machine, actors);
  return static_cast<double>(live_bytes - before) / static_cast<double>(actors);
}

// µs a task that is waited for before the next one is submitted, beside so many actors that have
// nothing to do.
double MicrosATaskBesideActors(int64_t actors) {
  CoreMachine machine(WithRoomFor(1 + actors));
  MakeActors(machine, actors);
  return MicrosATask(machine, 1);
}

// The same beside so many workers that have had something to do once.
double MicrosATaskBesideIdle(int workers) {
  CoreMachine machine(WithRoomFor(workers, workers));
  for (int i = 0; i < workers; ++i) machine.Submit();
  while (!machine.idle()) machine.CompleteOne();
  return MicrosATask(machine, 1);
}

// µs until a task runs again whose worker has died, and is completed, among so many objects.
double MicrosADeath(int64_t objects) {
  constexpr int64_t kDeaths = 200;
  CoreMachine machine(WithRoomFor(10));
  for (int64_t i = 0; i < objects; ++i) machine.Put();
  const double seconds = CpuSeconds([&] {
    for (int64_t i = 0; i < kDeaths; ++i) {
      machine.Submit();
      machine.KillWorker();
      machine.CompleteOne();
    }
  });
  Expect(machine.idle(), "tasks");
  return seconds * 1e6 / kDeaths;
}

// A row for each count, beside the first.
void AddRows(Report& report, const std::string& name, const std::string& unit,
             std::initializer_list<int64_t> counts, const std::function<double(int64_t)>& measure) {
  const int64_t first = *counts.begin();
  for (const int64_t count : counts) {
    report.Row(name + "_" + std::to_string(count), unit, [&] { return measure(count); },
               {"with " + std::to_string(first), [&] { return measure(first); }});
  }
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  bench::Report report(bench::Flags::Parse(argc, argv));
  const auto queues = {int64_t{1'000}, int64_t{10'000}, int64_t{100'000}, int64_t{1'000'000},
                       int64_t{10'000'000}};
  const auto actors = {int64_t{1}, int64_t{100}, int64_t{1'000}, int64_t{10'000}};
  bench::AddRows(report, "us_a_task_with_queued", "us", queues,
                 [](int64_t queued) { return bench::MicrosATask({.workers = 2}, queued); });
  bench::AddRows(report, "bytes_a_task_with_queued", "B", queues, bench::BytesATask);
  bench::AddRows(report, "us_a_task_with_workers", "us", {1, 8, 64, 512}, [](int64_t workers) {
    return bench::MicrosATask({.workers = static_cast<int>(workers)}, 10'000);
  });
  bench::AddRows(report, "us_a_task_with_idle_workers", "us", {1, 8, 64, 512}, [](int64_t workers) {
    return bench::MicrosATaskBesideIdle(static_cast<int>(workers));
  });
  bench::AddRows(report, "us_a_task_with_jobs", "us", {1, 2, 4, 8}, [](int64_t jobs) {
    return bench::MicrosATask({.workers = 8, .jobs = static_cast<int>(jobs)}, 10'000);
  });
  bench::AddRows(report, "us_a_task_with_shapes", "us", {1, 10, 100}, [](int64_t shapes) {
    return bench::MicrosATask({.workers = 8, .shapes = static_cast<int>(shapes)}, 10'000);
  });
  bench::AddRows(report, "us_a_task_with_idle_actors", "us", actors,
                 bench::MicrosATaskBesideActors);
  bench::AddRows(report, "us_a_death_with_objects", "us", {1'000, 10'000, 100'000, 1'000'000},
                 bench::MicrosADeath);
  bench::AddRows(report, "us_a_call_with_actors", "us", actors, bench::MicrosACall);
  bench::AddRows(report, "bytes_an_actor_with_actors", "B", actors, bench::BytesAnActor);
  report.Finish();
}
