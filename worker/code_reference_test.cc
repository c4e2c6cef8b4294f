// Offsets of code and of constant texts; and of whatever another process may send instead.
#include "worker/code_reference.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>

namespace troupe::worker {
namespace {

int Function() { return 1; }
int written_to = 4711;

TEST(CodeReference, AFunctionIsFoundAgain) {
  const auto* const function = reinterpret_cast<const void*>(&Function);
  const auto offset = OffsetOfCode(function);
  ASSERT_TRUE(offset.ok()) << offset.status();
  ASSERT_TRUE(CodeAtOffset(*offset).ok());
  EXPECT_EQ(*CodeAtOffset(*offset), function);
}

TEST(CodeReference, WhatIsNoCodeIsRefused) {
  EXPECT_FALSE(OffsetOfCode(&written_to).ok());
  EXPECT_FALSE(CodeAtOffset(std::numeric_limits<uint64_t>::max()).ok());
}

TEST(CodeReference, AConstantTextIsFoundAgain) {
  const char* const file = __builtin_FILE();
  EXPECT_STREQ(TextAtOffset(OffsetOfText(file)), file);
}

TEST(CodeReference, WhatIsNoConstantTextIsNone) {
  const std::string on_the_heap(100, 'x');
  EXPECT_EQ(OffsetOfText(on_the_heap.c_str()), 0u);
  EXPECT_EQ(OffsetOfText(reinterpret_cast<const char*>(&written_to)), 0u);
  EXPECT_EQ(OffsetOfText(nullptr), 0u);
  EXPECT_STREQ(TextAtOffset(0), "");
  EXPECT_STREQ(TextAtOffset(std::numeric_limits<uint32_t>::max()), "");
  // Wherever it points to, it is read within what is there.
  for (uint32_t offset = 1; offset != 0 && offset < 0xF000'0000; offset += 0x7'0001)
    (void)std::string(TextAtOffset(offset)).size();
}

}  // namespace
}  // namespace troupe::worker
