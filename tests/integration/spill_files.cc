#include "tests/integration/spill_files.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string_view>
#include <system_error>
#include <vector>

#include "tests/integration/processes.h"

namespace troupe::testing {
namespace {

void Damage(const std::string& path) {
  const int fd = open(path.c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_GE(fd, 0) << path;
  struct stat info {};
  ASSERT_EQ(fstat(fd, &info), 0);
  for (off_t at = 2000; at < info.st_size; at += 4096) ASSERT_EQ(pwrite(fd, "damage", 6, at), 6);
  close(fd);
}

// The paths by which they are reached.
std::vector<std::string> SpillFiles(const std::string& directory) {
  constexpr std::string_view kNoName = " (deleted)";
  std::vector<std::string> files;
  for (const auto& fd :
       std::filesystem::directory_iterator("/proc/" + std::to_string(EmbeddedNode()) + "/fd")) {
    std::error_code error;
    const std::string target = std::filesystem::read_symlink(fd.path(), error).string();
    if (target.starts_with(directory + "/") && target.ends_with(kNoName))
      files.push_back(fd.path().string());
  }
  return files;
}

}  // namespace

size_t SpillFilesIn(const std::string& directory) { return SpillFiles(directory).size(); }

size_t DamageSpillFiles(const std::string& directory) {
  const std::vector<std::string> files = SpillFiles(directory);
  for (const std::string& path : files) Damage(path);
  return files.size();
}

}  // namespace troupe::testing
