#include "tests/integration/processes.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>

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

// The number behind `name` in a file of lines "Name:   12345 kB"; 0 where there is none.
int64_t FieldOf(const std::string& path, const std::string& name) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.rfind(name, 0) == 0) return std::atoll(line.c_str() + name.size());
  }
  return 0;
}

// The bytes of memory of each memfd of such a name of which the process has a descriptor.
std::map<ino_t, int64_t> MemoryFiles(int pid, const std::string& name) {
  std::map<ino_t, int64_t> files;
  const std::string directory = "/proc/" + std::to_string(pid) + "/fd/";
  for (const int fd : NumbersIn(directory)) {
    const std::string path = directory + std::to_string(fd);
    char target[256] = {};
    if (readlink(path.c_str(), target, sizeof(target) - 1) <= 0) continue;
    struct stat info {};
    if (std::string(target).find(name) != std::string::npos && stat(path.c_str(), &info) == 0)
      files[info.st_ino] = static_cast<int64_t>(info.st_blocks) * 512;
  }
  return files;
}

}  // namespace

bool Lives(int pid) {
  const std::string stat = StatOf(pid);
  return !stat.empty() && stat[0] != 'Z';
}

bool IsStopped(int pid) {
  const std::string stat = StatOf(pid);
  return !stat.empty() && stat[0] == 'T';
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

int EmbeddedNode() {
  for (const int pid : Descendants(getpid())) {
    if (NameOf(pid) == "troupe-node") return pid;
  }
  return getpid();
}

std::set<ino_t> SharedMemoryOf(int pid) {
  std::set<ino_t> inodes;
  for (const auto& [inode, bytes] : MemoryFiles(pid, "memfd:troupe")) inodes.insert(inode);
  return inodes;
}

int64_t ChunkBytesOf(int pid) {
  int64_t sum = 0;
  for (const auto& [inode, bytes] : MemoryFiles(pid, "memfd:troupe-chunk")) sum += bytes;
  return sum;
}

size_t DescriptorsOf(int pid) {
  // Their numbers begin with 0, which NumbersIn leaves out.
  const std::string directory = "/proc/" + std::to_string(pid) + "/fd";
  struct stat zero {};
  return NumbersIn(directory).size() + (lstat((directory + "/0").c_str(), &zero) == 0 ? 1 : 0);
}

int64_t RssAnonKib(int pid) {
  return FieldOf("/proc/" + std::to_string(pid) + "/status", "RssAnon:");
}

int64_t PrivateKib(int pid) {
  const std::string file = "/proc/" + std::to_string(pid) + "/smaps_rollup";
  return FieldOf(file, "Private_Clean:") + FieldOf(file, "Private_Dirty:");
}

int64_t PssKib(int pid) {
  return FieldOf("/proc/" + std::to_string(pid) + "/smaps_rollup", "Pss:");
}

bool LiesInAChunk(const void* address) {
  const auto wanted = reinterpret_cast<uint64_t>(address);
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    uint64_t begin = 0, end = 0;
    if (std::sscanf(line.c_str(), "%" SCNx64 "-%" SCNx64, &begin, &end) != 2) continue;
    if (wanted >= begin && wanted < end)
      return line.find("memfd:troupe-chunk") != std::string::npos;
  }
  return false;
}

}  // namespace troupe::testing
