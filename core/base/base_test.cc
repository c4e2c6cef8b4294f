// The small values of core/base: ids, sizes, errors, resources.
#include <gtest/gtest.h>

#include "core/base/bytes.h"
#include "core/base/error.h"
#include "core/base/ids.h"
#include "core/base/resource_set.h"

namespace troupe {
namespace {

TEST(Ids, AResultKnowsItsTaskAndItsMaker) {
  const TaskId task = TaskId::Make(ClientId(7), 42);
  const ObjectId second = task.Result(1);
  EXPECT_EQ(second.task(), task);
  EXPECT_EQ(second.client(), ClientId(7));
  EXPECT_EQ(second.index(), 1u);
  EXPECT_NE(second, task.Result(0));
  EXPECT_EQ(second.ToString(), "o-7.42.1");
  EXPECT_EQ(task.ToString(), "t-7.42");
  EXPECT_TRUE(ObjectId().is_null());
}

TEST(Bytes, ParsesWhatPeopleWrite) {
  EXPECT_EQ(*ParseBytes("0"), 0);
  EXPECT_EQ(*ParseBytes("4096"), 4096);
  EXPECT_EQ(*ParseBytes("1.5GiB"), 1610612736);
  EXPECT_EQ(*ParseBytes("64 mb"), 64 << 20);
  for (const char* bad : {"", "x", "-1", "1 parsec", "1.2.3", "99999999999TiB", "5MiBs"}) {
    EXPECT_FALSE(ParseBytes(bad).ok()) << bad;
  }
  EXPECT_EQ(FormatBytes(1610612736), "1.5 GiB");
  EXPECT_EQ(FormatBytes(17), "17 B");
}

TEST(Error, SaysWhatWhereAndWhichAttempt) {
  const ErrorInfo error{.kind = ErrorKind::kTaskError,
                        .message = "no such file",
                        .exception_type = "std::runtime_error",
                        .origin = "Load",
                        .task = TaskId::Make(ClientId(7), 42),
                        .attempt = 1,
                        .pid = 4711};
  EXPECT_EQ(error.ToString(),
            "TaskError: std::runtime_error: no such file [task Load t-7.42, attempt 1, pid 4711]");
  for (uint16_t kind = 0; kind < kErrorKinds; ++kind) {
    EXPECT_NE(ErrorKindName(ErrorKind(kind)), "Unknown");
    EXPECT_FALSE(ToStatus({.kind = ErrorKind(kind), .message = "m"}).ok());
  }
}

TEST(ResourceSet, FractionsAddUpExactly) {
  ResourceSet free = ResourceSet::Cpus(1);
  const ResourceSet tenth = ResourceSet::Cpus(0.1);
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(free.Covers(tenth));
    free.Subtract(tenth);
  }
  EXPECT_FALSE(free.Covers(tenth));
  EXPECT_EQ(free, ResourceSet());
}

TEST(ResourceSet, NamedResourcesAreCoveredOneByOne) {
  ResourceSet free = ResourceSet::Cpus(2);
  free.SetNamed("gpu", kResourceUnit);
  ResourceSet want;
  want.SetNamed("gpu", kResourceUnit / 2);
  EXPECT_TRUE(free.Covers(want));
  free.Subtract(want);
  free.Subtract(want);
  EXPECT_FALSE(free.Covers(want));
  EXPECT_EQ(free, ResourceSet::Cpus(2));
  want.SetNamed("disk", 1);
  EXPECT_FALSE(free.Covers(want));
}

}  // namespace
}  // namespace troupe
