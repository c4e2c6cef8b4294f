#include "tests/integration/memory_group.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <system_error>

namespace troupe::testing {
namespace {

void Move(const std::string& group) {
  std::ofstream(group + "/cgroup.procs") << getpid() << std::flush;
}

}  // namespace

MemoryGroup::MemoryGroup(size_t limit_bytes) {
  static int number = 0;
  std::ifstream groups("/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    const size_t second = line.find(':', line.find(':') + 1);
    const bool unified = line.starts_with("0::");
    if (!unified && line.find("memory") == std::string::npos) continue;
    const std::string parent =
        (unified ? "/sys/fs/cgroup" : "/sys/fs/cgroup/memory") + line.substr(second + 1);
    const std::string path =
        parent + "/troupe-" + std::to_string(getpid()) + "-" + std::to_string(number++);
    std::error_code error;
    std::filesystem::create_directory(path, error);
    if (error) continue;
    std::ofstream limit(path + (unified ? "/memory.max" : "/memory.limit_in_bytes"));
    if (limit << limit_bytes << std::flush) {
      parent_ = parent;
      path_ = path;
      return;
    }
    std::filesystem::remove(path, error);
  }
}

void MemoryGroup::Enter() const { Move(path_); }
void MemoryGroup::Leave() const { Move(parent_); }

bool MemoryGroup::Remove() const {
  std::error_code error;
  return std::filesystem::remove(path_, error);
}

}  // namespace troupe::testing
