#include "tests/soak/samples.h"

#include <gtest/gtest.h>

namespace troupe::testing {
namespace {

// Noise around levels, as a healthy cluster shows it.
std::vector<Sample> Flat(size_t count) {
  std::vector<Sample> samples(count);
  for (size_t i = 0; i < count; ++i) {
    samples[i].seconds = static_cast<double>(i);
    samples[i].anon_kib.fill(10'000 + static_cast<double>(i * 7919 % 500));
    samples[i].descriptors.fill(40 + static_cast<double>(i % 3));
    samples[i].pss_kib = 80'000 + static_cast<double>(i * 104'729 % 4'000);
    samples[i].latency_us = 60 + static_cast<double>(i % 7);
  }
  return samples;
}

TEST(Growths, AreNoneWhereAllIsFlat) {
  EXPECT_TRUE(Growths(Flat(100)).empty());
  EXPECT_TRUE(Growths(Flat(4)).empty());
}

TEST(Growths, AreForgivenInTheBeginning) {
  std::vector<Sample> samples = Flat(100);
  for (size_t i = 0; i < 25; ++i) samples[i].anon_kib.fill(100 * static_cast<double>(i));
  EXPECT_TRUE(Growths(samples).empty());
}

TEST(Growths, OfMemoryAreSeen) {
  std::vector<Sample> samples = Flat(100);
  for (size_t i = 0; i < 100; ++i) samples[i].anon_kib[kNode] += 60 * static_cast<double>(i);
  const std::vector<std::string> growths = Growths(samples);
  ASSERT_EQ(growths.size(), 1u);
  EXPECT_EQ(growths[0].find("the node's own memory (KiB) grew from 1"), 0u) << growths[0];
}

TEST(Growths, OfDescriptorsAreSeen) {
  std::vector<Sample> samples = Flat(100);
  for (size_t i = 0; i < 100; ++i) samples[i].descriptors[kDriver] += static_cast<double>(2 * i);
  const std::vector<std::string> growths = Growths(samples);
  ASSERT_EQ(growths.size(), 1u);
  EXPECT_EQ(growths[0].find("the driver's descriptors"), 0u) << growths[0];
}

TEST(Growths, OfLatencyAreSeen) {
  std::vector<Sample> samples = Flat(100);
  for (size_t i = 50; i < 100; ++i) samples[i].latency_us *= 30;
  EXPECT_EQ(Growths(samples).size(), 1u);
}

TEST(Growths, CannotBeJudgedFromNothing) { EXPECT_EQ(Growths(Flat(3)).size(), 1u); }

TEST(Look, SeesThisProcess) {
  Sample sample;
  Look(&sample);
  EXPECT_GT(sample.anon_kib[kDriver], 100);
  EXPECT_GE(sample.descriptors[kDriver], 3);
  EXPECT_GT(sample.pss_kib, 100);
  EXPECT_EQ(sample.anon_kib[kNode], 0);
  EXPECT_NE(JsonOf(sample).find("\"driver_descriptors\": "), std::string::npos);
}

}  // namespace
}  // namespace troupe::testing
