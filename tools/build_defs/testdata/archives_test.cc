// Every third-party library links, and none of them as a shared object where there is an archive.
#include <capnp/message.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <kj/string.h>
#include <link.h>
#include <uv.h>

#include <cereal/archives/binary.hpp>
#include <sstream>
#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace troupe::testdata {
namespace {

TEST(ArchivesTest, LibrariesLink) {
  absl::AnyInvocable<int()> four = [] { return 4; };
  const absl::StatusOr<int> value = four();
  EXPECT_THAT(*value, testing::Eq(4));
  EXPECT_EQ(absl::FormatDuration(absl::Seconds(2)), "2s");

  uv_loop_t loop;
  ASSERT_EQ(uv_loop_init(&loop), 0);
  EXPECT_EQ(uv_loop_close(&loop), 0);

  capnp::MallocMessageBuilder message;
  EXPECT_EQ(kj::str("a", 1).size(), 2u);

  std::stringstream stream;
  cereal::BinaryOutputArchive archive(stream);
  archive(7);
  EXPECT_EQ(stream.str().size(), sizeof(int));
}

TEST(ArchivesTest, NoSharedObjectsButThoseOfTheCompiler) {
  std::string names;
  dl_iterate_phdr(
      [](dl_phdr_info* info, size_t, void* data) {
        *static_cast<std::string*>(data) += std::string(info->dlpi_name) + "\n";
        return 0;
      },
      &names);
  for (const char* library : {"libabsl", "libcapnp", "libkj", "libuv", "libgtest"}) {
    EXPECT_EQ(names.find(library), std::string::npos) << names;
  }
}

}  // namespace
}  // namespace troupe::testdata
