#include "stream/latency.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

namespace fcn_edge::app {
namespace {

double naive_percentile_ms(std::vector<std::int64_t> values, double fraction) {
  std::sort(values.begin(), values.end());
  const auto rank = static_cast<std::size_t>(std::ceil(fraction * static_cast<double>(values.size())));
  return static_cast<double>(values[std::max<std::size_t>(rank, 1) - 1]) / 1e6;
}

TEST(Latency, PercentilesAreWithinAThousandthOfTheSortedSamples) {
  for (unsigned seed = 0; seed < 40; ++seed) {
    std::mt19937 random(seed);
    std::lognormal_distribution<double> milliseconds(seed / 4.0 - 3, 1.0);
    std::vector<std::int64_t> values;
    Latency latency;
    for (unsigned i = 0; i < 1 + seed * 53; ++i) {
      values.push_back(static_cast<std::int64_t>(milliseconds(random) * 1e6));
      latency.add(std::chrono::nanoseconds(values.back()));
    }
    for (const double fraction : {0.5, 0.9, 0.99, 0.999}) {
      const double expected = naive_percentile_ms(values, fraction);
      EXPECT_NEAR(latency.percentile_ms(fraction), expected, 0.001 * expected)
          << "seed " << seed << ", " << values.size() << " samples, fraction " << fraction;
    }
    EXPECT_EQ(latency.max_ms(), static_cast<double>(*std::max_element(values.begin(), values.end())) / 1e6);
  }
}

TEST(Latency, HoldsNegativeAndEndlessDurationsInItsRange) {
  Latency latency;
  latency.add(std::chrono::nanoseconds(-5));
  EXPECT_EQ(latency.max_ms(), 0);
  latency.add(std::chrono::hours(1000));
  EXPECT_EQ(latency.count(), 2U);
  EXPECT_GT(latency.max_ms(), 30 * 60e3);
}

// A bucket's middle may lie above every sample in it: no percentile is above the largest one.
TEST(Latency, GivesNoPercentileAboveTheMaximum) {
  for (const std::int64_t nanoseconds : {4096, 1 << 20, 1 << 30}) {  // the first of its bucket
    Latency latency;
    latency.add(std::chrono::nanoseconds(nanoseconds));
    const double expected = static_cast<double>(nanoseconds) / 1e6;
    EXPECT_EQ(latency.max_ms(), expected);
    for (const double fraction : {0.0, 0.5, 0.999, 1.0}) EXPECT_EQ(latency.percentile_ms(fraction), expected);
  }
}

TEST(Latency, CutsAtTheEndOfItsRange) {
  const double end_ms = static_cast<double>((std::int64_t{1} << 41) - 1) / 1e6;
  for (const std::int64_t nanoseconds : {(std::int64_t{1} << 41) - 1, std::int64_t{1} << 41, INT64_MAX}) {
    Latency latency;
    latency.add(std::chrono::nanoseconds(nanoseconds));
    EXPECT_EQ(latency.max_ms(), end_ms);
    EXPECT_NEAR(latency.percentile_ms(0.5), end_ms, 0.001 * end_ms);
    EXPECT_LE(latency.percentile_ms(0.5), end_ms);
  }
}

TEST(Latency, KeepsSamplesOnlyWhenAsked) {
  Latency latency;
  latency.add(std::chrono::milliseconds(1));
  EXPECT_TRUE(latency.samples_ms().empty());
  latency.keep_samples();
  latency.add(std::chrono::milliseconds(2));
  EXPECT_EQ(latency.samples_ms(), std::vector<double>{2.0});
}

}  // namespace
}  // namespace fcn_edge::app
