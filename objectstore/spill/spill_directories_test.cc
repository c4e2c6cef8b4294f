// What can be used comes back as it is found from anywhere; what cannot is named.
#include "objectstore/spill/spill_directories.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/status/status.h"

namespace troupe::objectstore {
namespace {

std::string Directory() { return std::getenv("TEST_TMPDIR"); }

TEST(SpillDirectories, AreAbsoluteAndInTheirOrder) {
  for (const char* name : {"/a", "/b"}) std::filesystem::create_directory(Directory() + name);
  std::filesystem::current_path(Directory());
  const auto directories = UsableSpillDirectories({"b", Directory() + "/a"});
  ASSERT_TRUE(directories.ok()) << directories.status();
  EXPECT_EQ(*directories, std::vector({Directory() + "/b", Directory() + "/a"}));
  EXPECT_TRUE(std::filesystem::is_empty("a") && std::filesystem::is_empty("b"));
  EXPECT_TRUE(UsableSpillDirectories({})->empty());
}

TEST(SpillDirectories, OneThatCannotBeUsedIsNamed) {
  const auto expect = [](const std::vector<std::string>& names, const std::string& part) {
    const absl::Status status = UsableSpillDirectories(names).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
    EXPECT_NE(std::string(status.message()).find(part), std::string::npos) << status;
  };
  expect({Directory(), "/no/such"}, "cannot make a file in /no/such: No such file or directory");
  expect({Directory(), "", "/b"}, "\"" + Directory() + ",,/b\" has an empty name in it");
  expect({""}, "\"\" has an empty name in it");
}

}  // namespace
}  // namespace troupe::objectstore
