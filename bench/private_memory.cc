#include "bench/private_memory.h"

#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>

#include "bench/report.h"

namespace bench {
namespace {

// The line of /proc/PID/status that begins so.
std::string StatusOf(const std::string& pid, const std::string& field) {
  std::ifstream file("/proc/" + pid + "/status");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(field)) return line.substr(field.size());
  }
  return "";
}

int64_t PrivateBytesOf(const std::string& pid) {
  return std::stoll(StatusOf(pid, "RssAnon:")) * 1024;
}

}  // namespace

PrivateMemory PrivateMemory::Now() {
  malloc_trim(0);
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string pid = entry.path().filename();
    if (!std::all_of(pid.begin(), pid.end(), [](char c) { return c >= '0' && c <= '9'; })) continue;
    if (StatusOf(pid, "Name:").find("troupe-node") == std::string::npos) continue;
    const std::string parent = StatusOf(pid, "PPid:");
    if (parent.empty() || std::stoll(parent) != getpid()) continue;
    return {PrivateBytesOf("self"), PrivateBytesOf(pid)};
  }
  Expect(false, "the node's process");
  return {};
}

}  // namespace bench
