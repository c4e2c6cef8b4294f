#include "tests/integration/processes.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>

namespace troupe::testing {
namespace {

// The fields of /proc/PID/stat behind the name: state, parent, ...
std::string StatOf(int pid) {
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  std::getline(stat, line);
  const size_t name_end = line.rfind(')');
  return name_end == std::string::npos ? "" : line.substr(name_end + 2);
}

std::vector<int> NumbersIn(const std::string& path) {
  std::vector<int> numbers;
  DIR* directory = opendir(path.c_str());
  if (directory == nullptr) return numbers;
  while (const dirent* entry = readdir(directory)) {
    if (const int number = std::atoi(entry->d_name); number > 0) numbers.push_back(number);
  }
  closedir(directory);
  return numbers;
}

}  // namespace

bool Lives(int pid) {
  const std::string stat = StatOf(pid);
  return !stat.empty() && stat[0] != 'Z';
}

int ParentOf(int pid) {
  const std::string stat = StatOf(pid);
  return stat.empty() ? 0 : std::atoi(stat.c_str() + 2);
}

std::string NameOf(int pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/comm");
  std::string name;
  std::getline(file, name);
  return name;
}

std::vector<int> AllProcesses() { return NumbersIn("/proc"); }

std::vector<int> Descendants(int root) {
  std::vector<int> found = {root};
  const auto knows = [&](int pid) {
    return std::find(found.begin(), found.end(), pid) != found.end();
  };
  for (bool more = true; more;) {
    more = false;
    for (const int pid : AllProcesses()) {
      if (knows(pid) || !knows(ParentOf(pid))) continue;
      found.push_back(pid);
      more = true;
    }
  }
  found.erase(found.begin());
  return found;
}

std::set<ino_t> SharedMemoryOf(int pid) {
  std::set<ino_t> inodes;
  const std::string directory = "/proc/" + std::to_string(pid) + "/fd/";
  for (const int fd : NumbersIn(directory)) {
    const std::string path = directory + std::to_string(fd);
    char target[256] = {};
    if (readlink(path.c_str(), target, sizeof(target) - 1) <= 0) continue;
    struct stat info {};
    if (std::string(target).find("memfd:troupe") != std::string::npos &&
        stat(path.c_str(), &info) == 0) {
      inodes.insert(info.st_ino);
    }
  }
  return inodes;
}

}  // namespace troupe::testing
