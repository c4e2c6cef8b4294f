#include "bench/cluster_processes.h"

#include <time.h>
#include <unistd.h>

#include <charconv>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <system_error>
#include <unordered_map>

namespace bench {
namespace {

struct Parentage {
  std::string name;
  pid_t parent = 0;
};

// The directories there that are named by numbers; none where it is gone.
std::vector<pid_t> NumbersIn(const std::string& directory) {
  std::vector<pid_t> numbers;
  std::error_code error;
  std::filesystem::directory_iterator entry(directory, error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    const std::string name = entry->path().filename();
    pid_t number = 0;
    const auto [end, wrong] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (wrong == std::errc() && end == name.data() + name.size()) numbers.push_back(number);
  }
  return numbers;
}

// The number behind a field of a status file, such as "VmHWM:".
std::optional<int64_t> StatusField(const std::string& path, std::string_view field) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(field)) return std::stoll(line.substr(field.size()));
  }
  return std::nullopt;
}

std::string ProcessPath(pid_t pid) { return "/proc/" + std::to_string(pid); }

std::optional<int64_t> StatusBytes(pid_t pid, std::string_view field) {
  const auto kibibytes = StatusField(ProcessPath(pid) + "/status", field);
  if (!kibibytes) return std::nullopt;
  return *kibibytes * 1024;
}

// The kernel writes: PID (NAME) STATE PARENT ...
std::optional<Parentage> ParentageOf(pid_t pid) {
  std::ifstream file(ProcessPath(pid) + "/stat");
  std::string line;
  if (!std::getline(file, line)) return std::nullopt;
  const size_t open = line.find('(');
  const size_t close = line.rfind(')');
  if (open == std::string::npos || close == std::string::npos) return std::nullopt;
  return Parentage{line.substr(open + 1, close - open - 1),
                   static_cast<pid_t>(std::stol(line.substr(close + 4)))};
}

}  // namespace

std::vector<ClusterProcess> ClusterProcesses() {
  std::unordered_map<pid_t, Parentage> all;
  for (const pid_t pid : NumbersIn("/proc"))
    if (auto parentage = ParentageOf(pid)) all.emplace(pid, *std::move(parentage));

  const auto node_of = [&](pid_t pid) {
    const auto found = all.find(pid);
    return found != all.end() && found->second.name == "troupe-node" &&
           found->second.parent == getpid();
  };
  std::vector<ClusterProcess> processes = {{getpid(), Role::kDriver}};
  for (const auto& [pid, parentage] : all) {
    if (node_of(pid)) processes.push_back({pid, Role::kNode});
    if (parentage.name == "troupe-worker" && node_of(parentage.parent))
      processes.push_back({pid, Role::kWorker});
  }
  return processes;
}

std::optional<double> CpuSeconds(pid_t pid) {
  clockid_t clock;
  timespec time;
  if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &time) != 0)
    return std::nullopt;
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

std::vector<pid_t> ThreadsOf(pid_t pid) { return NumbersIn(ProcessPath(pid) + "/task"); }

Wakeups WakeupsOf(pid_t pid) {
  Wakeups wakeups;
  for (const pid_t thread : ThreadsOf(pid)) {
    const std::string path = ProcessPath(pid) + "/task/" + std::to_string(thread) + "/status";
    if (const auto count = StatusField(path, "voluntary_ctxt_switches:")) wakeups[thread] = *count;
  }
  return wakeups;
}

std::optional<int64_t> PeakMemoryBytes(pid_t pid) { return StatusBytes(pid, "VmHWM:"); }

bool ResetPeakMemory(pid_t pid) {
  std::ofstream file(ProcessPath(pid) + "/clear_refs");
  file << "5" << std::flush;
  return file.good();
}

std::optional<int64_t> PrivateMemoryBytes(pid_t pid) { return StatusBytes(pid, "RssAnon:"); }

}  // namespace bench
