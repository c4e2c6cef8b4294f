#include "core/machine/memory.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <optional>
#include <string_view>
#include <vector>

namespace troupe::machine {
namespace {

std::optional<uint64_t> ReadNumber(const std::string& path) {
  std::ifstream file(path);
  uint64_t number = 0;
  if (!(file >> number)) return std::nullopt;
  return number;
}

// The number behind `key` in a file of lines "key number", "key: number kB".
std::optional<uint64_t> ReadField(const std::string& path, std::string_view key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.compare(0, key.size(), key) != 0 || line.size() <= key.size()) continue;
    if (line[key.size()] != ' ' && line[key.size()] != ':') continue;
    const size_t begin = line.find_first_of("0123456789", key.size());
    if (begin == std::string::npos) return std::nullopt;
    const uint64_t number = std::strtoull(line.c_str() + begin, nullptr, 10);
    return line.find("kB", begin) == std::string::npos ? number : number * 1024;
  }
  return std::nullopt;
}

// A directory of a memory cgroup, and how its version names things.
struct Group {
  std::string directory;
  bool unified = false;

  std::optional<uint64_t> Limit() const {
    return ReadNumber(directory + (unified ? "/memory.max" : "/memory.limit_in_bytes"));
  }
  // Without the page cache, active or not: the kernel drops it before it kills. (Objects in memfds
  // are no page cache in this sense.)
  std::optional<uint64_t> Used() const {
    const auto usage =
        ReadNumber(directory + (unified ? "/memory.current" : "/memory.usage_in_bytes"));
    if (!usage.has_value()) return std::nullopt;
    const std::string prefix = unified ? "" : "total_";
    const auto cache = [&](const char* part) {
      return ReadField(directory + "/memory.stat", prefix + part).value_or(0);
    };
    return *usage - std::min(*usage, cache("inactive_file") + cache("active_file"));
  }
  std::optional<uint64_t> OutOfMemoryKills() const {
    return ReadField(directory + (unified ? "/memory.events" : "/memory.oom_control"), "oom_kill");
  }
};

// Those that the process is in, up to the roots. Version 2 has the unified hierarchy, version 1 one
// of its own.
std::vector<Group> Groups(const std::string& root) {
  std::vector<Group> found;
  std::ifstream groups(root + "/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    const size_t first = line.find(':');
    const size_t second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const bool unified = controllers.empty();
    if (!unified && ("," + controllers + ",").find(",memory,") == std::string::npos) continue;
    const std::string mount = root + (unified ? "/sys/fs/cgroup" : "/sys/fs/cgroup/memory");
    for (std::string path = line.substr(second + 1);; path.resize(path.rfind('/'))) {
      found.push_back({mount + path, unified});
      if (path.empty() || path == "/") break;
    }
  }
  return found;
}

}  // namespace

int64_t UsableMemoryBytes(const std::string& root) {
  uint64_t bytes = ReadField(root + "/proc/meminfo", "MemTotal")
                       .value_or(static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)) *
                                 static_cast<uint64_t>(sysconf(_SC_PAGESIZE)));
  for (const Group& group : Groups(root)) {
    if (const auto limit = group.Limit(); limit.value_or(0) > 0) bytes = std::min(bytes, *limit);
  }
  return static_cast<int64_t>(bytes);
}

MemoryUse ReadMemoryUse(const std::string& root) {
  MemoryUse tightest;
  const auto consider = [&](std::optional<uint64_t> used, std::optional<uint64_t> limit) {
    if (!used.has_value() || limit.value_or(0) == 0) return;
    const uint64_t left = *limit - std::min(*limit, *used);
    const uint64_t least = tightest.limit - std::min(tightest.limit, tightest.used);
    if (tightest.limit == 0 || left < least) tightest = {*used, *limit};
  };
  const std::string machine = root + "/proc/meminfo";
  const auto total = ReadField(machine, "MemTotal");
  const auto available = ReadField(machine, "MemAvailable");
  if (total.has_value() && available.has_value())
    consider(*total - std::min(*total, *available), total);
  for (const Group& group : Groups(root)) consider(group.Used(), group.Limit());
  return tightest;
}

// A group counts the victims in it, whichever level's limit they were killed for.
uint64_t OutOfMemoryKills(const std::string& root) {
  for (const Group& group : Groups(root)) {
    if (const auto kills = group.OutOfMemoryKills(); kills.has_value()) return *kills;
  }
  return ReadField(root + "/proc/vmstat", "oom_kill").value_or(0);
}

uint64_t PrivateBytesOf(int pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/statm");
  uint64_t size = 0, resident = 0, shared = 0;
  if (!(file >> size >> resident >> shared)) return 0;
  return (resident - std::min(resident, shared)) * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

}  // namespace troupe::machine
