#include "objectstore/spill/spill_directories.h"

#include <filesystem>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "objectstore/spill/spill_file.h"

namespace troupe::objectstore {

absl::StatusOr<std::vector<std::string>> UsableSpillDirectories(
    const std::vector<std::string>& names) {
  std::vector<std::string> directories;
  for (const std::string& name : names) {
    if (name.empty()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "\"", absl::StrJoin(names, ","), "\" has an empty name in it: name a directory"));
    }
    std::string directory = std::filesystem::absolute(name).string();
    if (const auto file = SpillFile::Create(directory); !file.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat(file.status().message(), ": name a directory that may be written to"));
    }
    directories.push_back(std::move(directory));
  }
  return directories;
}

}  // namespace troupe::objectstore
