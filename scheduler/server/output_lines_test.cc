#include "scheduler/server/output_lines.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/base/limits.h"

namespace troupe::scheduler {
namespace {

using Lines = std::vector<std::string>;

TEST(OutputLines, LinesComeWholeHoweverTheyArrive) {
  OutputLines lines;
  EXPECT_EQ(lines.Take("one\ntw"), (Lines{"one"}));
  EXPECT_EQ(lines.Take("o"), Lines());
  EXPECT_EQ(lines.Take("\n\nthree"), (Lines{"two", ""}));
  EXPECT_EQ(lines.Tail(), (Lines{"one", "two", "", "three"}));
  EXPECT_EQ(lines.Finish(), (Lines{"three"}));
  EXPECT_EQ(lines.Finish(), Lines());
}

TEST(OutputLines, RepeatedLinesAreFolded) {
  OutputLines lines;
  EXPECT_EQ(lines.Take("a\na\na\n"), (Lines{"a"}));
  EXPECT_EQ(lines.Take("a\nb\n"), (Lines{"(the line above, 3 times more)", "b"}));
  EXPECT_EQ(lines.Take("b\n"), Lines());
  EXPECT_EQ(lines.Finish(), (Lines{"(the line above, 1 times more)"}));
  EXPECT_EQ(lines.Tail(), (Lines{"a", "a", "a", "a", "b", "b"}));
}

TEST(OutputLines, TheTailAndEachLineAreBounded) {
  OutputLines lines;
  for (int i = 0; i < 100; ++i) (void)lines.Take(std::to_string(i) + "\n");
  EXPECT_EQ(lines.Tail().size(), OutputLines::kTail);
  EXPECT_EQ(lines.Tail().front(), "80");
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(lines.Take(std::string(1000, 'x')).empty());
  const Lines shown = lines.Take("\nshort\n");
  ASSERT_EQ(shown.size(), 2u);
  EXPECT_EQ(shown[0].size(), Limits::kMaxLogLineBytes + 3);
  EXPECT_EQ(shown[1], "short");
}

}  // namespace
}  // namespace troupe::scheduler
