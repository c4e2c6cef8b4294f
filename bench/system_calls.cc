#include "bench/system_calls.h"

#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <string>
#include <utility>

#include "bench/cluster_processes.h"
#include "bench/timing.h"

namespace bench {
namespace {

// The number by which perf_event_open knows the tracepoint.
std::optional<uint64_t> TracepointId() {
  for (const std::string root : {"/sys/kernel/tracing", "/sys/kernel/debug/tracing"}) {
    std::ifstream file(root + "/events/raw_syscalls/sys_enter/id");
    if (uint64_t id = 0; file >> id) return id;
  }
  return std::nullopt;
}

troupe::UniqueFd OpenEvent(uint64_t tracepoint, pid_t thread) {
  perf_event_attr attributes = {};
  attributes.size = sizeof(attributes);
  attributes.type = PERF_TYPE_TRACEPOINT;
  attributes.config = tracepoint;
  attributes.inherit = 1;
  attributes.disabled = 1;
  return troupe::UniqueFd(static_cast<int>(
      syscall(SYS_perf_event_open, &attributes, thread, -1, -1, PERF_FLAG_FD_CLOEXEC)));
}

}  // namespace

std::optional<SystemCallCounter> SystemCallCounter::Start(const std::vector<pid_t>& pids) {
  const auto tracepoint = TracepointId();
  if (!tracepoint) return std::nullopt;
  const std::string but_yields = "id != " + std::to_string(SYS_sched_yield);
  SystemCallCounter counter;
  troupe::UniqueFd own;
  for (const pid_t pid : pids) {
    for (const pid_t thread : ThreadsOf(pid)) {
      troupe::UniqueFd event = OpenEvent(*tracepoint, thread);
      if (!event && errno == ESRCH) continue;  // it has ended
      if (!event) return std::nullopt;
      if (ioctl(event.get(), PERF_EVENT_IOC_SET_FILTER, but_yields.c_str()) != 0)
        return std::nullopt;
      if (thread == gettid()) {
        own = std::move(event);
      } else {
        counter.events_.push_back(std::move(event));
      }
    }
  }
  // This thread's is enabled last, and read first: what counting needs is not counted.
  if (own) counter.events_.push_back(std::move(own));
  for (const troupe::UniqueFd& event : counter.events_)
    if (ioctl(event.get(), PERF_EVENT_IOC_ENABLE, 0) != 0) return std::nullopt;
  return counter;
}

int64_t SystemCallCounter::count() const {
  int64_t sum = 0;
  for (auto event = events_.rbegin(); event != events_.rend(); ++event) {
    uint64_t calls = 0;
    Expect(read(event->get(), &calls, sizeof(calls)) == sizeof(calls), "a count of system calls");
    sum += static_cast<int64_t>(calls);
  }
  return sum;
}

}  // namespace bench
