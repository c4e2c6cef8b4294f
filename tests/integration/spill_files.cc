#include "tests/integration/spill_files.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <system_error>

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

}  // namespace

size_t DamageSpillFiles(const std::string& directory) {
  size_t files = 0;
  for (const int pid : Descendants(getpid())) {
    if (NameOf(pid) != "troupe-node") continue;
    for (const auto& fd :
         std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/fd")) {
      std::error_code error;
      const std::string target = std::filesystem::read_symlink(fd.path(), error).string();
      if (target.find(directory + "/") != 0) continue;
      Damage(fd.path().string());
      ++files;
    }
  }
  return files;
}

}  // namespace troupe::testing
