// What the core tells people: lists, what a task waits for, and its story.
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "core/base/limits.h"
#include "scheduler/core/core_fixture.h"

namespace troupe::scheduler {
namespace {

class ReportTest : public CoreTest {
 protected:
  ReportTest() : CoreTest(1) {}

  std::string Report(std::string_view query) {
    const absl::StatusOr<std::string> report = core_.Report(query);
    EXPECT_TRUE(report.ok()) << report.status();
    return report.ok() ? *report : "";
  }
  void ExpectSays(std::string_view query, std::string_view what) {
    const std::string report = Report(query);
    EXPECT_NE(report.find(what), std::string::npos) << query << ":\n" << report;
  }
};

TEST_F(ReportTest, WhyFollowsWhatIsWaitedFor) {
  // More than one worker is given at a time.
  constexpr uint64_t kLast = Limits::kDispatchDepth + 4;
  const std::string last = absl::StrCat("t-1.", kLast), behind = absl::StrCat("t-1.", kLast + 1);
  for (uint64_t i = 1; i <= kLast; ++i) ASSERT_TRUE(Submit(kDriver, Spec(kDriver, i)).ok());
  wire::TaskSpec dependent = Spec(kDriver, kLast + 1);
  dependent.arguments = {{ObjectId::Make(kDriver, 1)}, {ObjectId::Make(kDriver, kLast)}};
  ASSERT_TRUE(Submit(kDriver, dependent).ok());
  Perform();
  Begin(*FindDispatch(TaskId::Make(kDriver, 1)));
  ExpectSays("why t-1.1", "t-1.1 Work runs on w-1, attempt 1");
  ExpectSays("why o-1.2", "t-1.2 Work is next on w-1, behind t-1.1 Work");
  ExpectSays("why " + last,
             "asks for 1 cpus, and free are 0 cpus:\n  w-1 holds 1 cpus for t-1.1 Work");
  ExpectSays("why " + behind, "waits for 2 of its 2 arguments:\n  t-1.1 Work runs on w-1");
  ASSERT_TRUE(Complete(TaskId::Make(kDriver, 1), ValueOf("12345678")).ok());
  Perform();
  ExpectSays("why t-1.1", "is there");
  ExpectSays("why t-1.99", "is not known");
  // A worker that waits.
  const SendDispatch second = *FindDispatch(TaskId::Make(kDriver, 2));
  Begin(second);
  ASSERT_TRUE(core_.Blocked(second.worker, {{ObjectId::Make(kDriver, kLast)}, 1}).ok());
  ExpectSays("why t-1.2", "waits there, in Get or Wait, for:\n  " + last);
}

TEST_F(ReportTest, AStoryTellsEachDecision) {
  ASSERT_TRUE(Submit(kDriver, Spec(kDriver, 1)).ok());
  Perform();
  Begin(*FindDispatch(TaskId::Make(kDriver, 1)));
  core_.AdvanceTo(kSecond);
  core_.ProcessDied(ProcessId(1), "killed by signal 9 (SIGKILL)", 17);
  Perform();
  ASSERT_TRUE(Complete(TaskId::Make(kDriver, 1), ValueOf("12345678")).ok());
  Perform();
  const std::string story = Report("story t-1.1");
  size_t at = 0;
  for (const std::string_view what :
       {"submitted", "ready to run", "dispatched, attempt 1", "lost with its process",
        "ready to run", "dispatched, attempt 2", "ended"}) {
    at = story.find(what, at);
    ASSERT_NE(at, std::string::npos) << what << " is missing in\n" << story;
  }
  EXPECT_NE(story.find("1.000000 s ago"), std::string::npos) << story;
  ExpectSays("story w-1", "the process is gone");
  ExpectSays("story w-77", "nothing is known");
}

TEST_F(ReportTest, ListsAreTablesOrJson) {
  wire::TaskSpec spec = Spec(kDriver, 1);
  spec.name = "say \"hi\"";
  ASSERT_TRUE(Submit(kDriver, spec).ok());
  Perform();
  ExpectSays("list tasks", "say \"hi\"");
  ExpectSays("list tasks --json", "\"name\": \"say \\\"hi\\\"\"");
  ExpectSays("list workers", "w-1");
  EXPECT_EQ(Report("list actors"), "none\n");
  EXPECT_EQ(Report("list actors --json"), "[\n]\n");
  ExpectSays("", "unfinished");
  for (const std::string_view nonsense : {"why", "why x-1", "why t-1", "list", "list things",
                                          "story t-1.2.3.4", "why t-99999999999999999999.1"}) {
    EXPECT_EQ(core_.Report(nonsense).status().code(), absl::StatusCode::kInvalidArgument)
        << nonsense;
  }
}

}  // namespace
}  // namespace troupe::scheduler
