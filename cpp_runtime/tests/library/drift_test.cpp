#include "drift.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>

#include "expect_error.hpp"

namespace fcn_edge::test {
namespace {

// Two calibration frames: all points in the first bin of every histogram, or all in the last.
nlohmann::json sample_drift() {
  nlohmann::json drift{{"version", 1}, {"threshold", 2.0}, {"window", 20}};
  for (std::size_t g = 0; g < Drift::kGroups.size(); ++g) {
    const std::size_t bins = DriftStatistics::kBins[g];
    std::vector<int> first(bins, DriftStatistics::kPoints);
    std::vector<int> last(bins, 0);
    last[bins - 1] = DriftStatistics::kPoints;
    if (bins == 64) {  // two histograms side by side
      for (std::size_t bin = 31; bin < 63; ++bin) last[bin] = DriftStatistics::kPoints;
      for (std::size_t bin = 32; bin < 64; ++bin) first[bin] = 2 * DriftStatistics::kPoints;
      last[63] = 2 * DriftStatistics::kPoints;
    }
    drift["groups"][Drift::kGroups[g]] = {{"unit", 1000.0}, {"running", {first, last}}};
  }
  return drift;
}

DriftMonitor monitor_of(const nlohmann::json& drift, int height, int width) {
  return {parse_drift(drift.dump()).value(), height, width};
}

TEST(DriftMonitor, MeasuresTheShiftOfLightInBins) {
  // A flat grey of luma 8 k lies k bins from black and 31 - k from white.
  DriftMonitor monitor = monitor_of(sample_drift(), 20, 30);
  for (int k = 0; k < 32; ++k) {
    const std::vector<std::uint8_t> frame(20 * 30 * 3, static_cast<std::uint8_t>(8 * k));
    for (int i = 0; i < 20; ++i) monitor.observe(frame.data());
    EXPECT_NEAR(monitor.drift().group[0], std::min(k, 31 - k) * DriftStatistics::kPoints / 1000.0, 1e-9) << k;
    EXPECT_DOUBLE_EQ(monitor.drift().group[2], 0) << "a flat frame has no steps";
  }
}

TEST(DriftMonitor, JudgesTheMeanOfTheWindowAndNothingBeforeTenFrames) {
  DriftMonitor monitor = monitor_of(sample_drift(), 16, 16);
  const std::vector<std::uint8_t> black(16 * 16 * 3, 0);
  const std::vector<std::uint8_t> grey(16 * 16 * 3, 120);
  monitor.observe(black.data());
  const double near = monitor.drift().score;  // grey and black differ in light only: colour is the same
  for (int i = 0; i < 8; ++i) monitor.observe(grey.data());
  EXPECT_GT(monitor.drift().score, monitor.drift().threshold);
  EXPECT_FALSE(monitor.drift().left());
  monitor.observe(grey.data());
  EXPECT_TRUE(monitor.drift().left());
  EXPECT_STREQ(monitor.drift().cause(), "colour");  // grey lies between the two calibrated extremes
  const double highest = monitor.drift().highest;
  for (int i = 0; i < 20; ++i) monitor.observe(black.data());
  EXPECT_DOUBLE_EQ(monitor.drift().score, near);
  EXPECT_GE(monitor.drift().highest, highest);
  EXPECT_EQ(monitor.drift().frames, 30U);
}

TEST(DriftMonitor, ReadsNothingOutsideFramesOfAnySize) {
  std::mt19937 random(1);
  for (const auto& [height, width] :
       {std::pair{1, 1}, {1, 7}, {5, 1}, {63, 95}, {64, 96}, {65, 97}, {300, 2}}) {
    DriftMonitor monitor = monitor_of(sample_drift(), height, width);
    std::vector<std::uint8_t> frame(static_cast<std::size_t>(height * width * 3));  // exact: ASan watches
    for (std::uint8_t& value : frame) value = static_cast<std::uint8_t>(random());
    monitor.observe(frame.data());
    EXPECT_EQ(monitor.drift().frames, 1U);
  }
}

TEST(DriftStatistics, OfAnotherVersionAreNotUsed) {
  nlohmann::json drift = sample_drift();
  drift["version"] = 2;
  EXPECT_FALSE(parse_drift(drift.dump()));
}

TEST(DriftStatistics, AreRefusedWithASentenceNamingTheField) {
  const std::vector<std::pair<std::string, std::string>> damages{{"/threshold", "0"},
                                                                 {"/window", "0"},
                                                                 {"/groups/light", "{}"},
                                                                 {"/groups/light/running", "[]"},
                                                                 {"/groups/colour/running/1", "[1, 2]"},
                                                                 {"/groups/sharpness/running/0/3", "-1"},
                                                                 {"/groups/colour/unit", "0"}};
  for (const auto& [pointer, value] : damages) {
    SCOPED_TRACE(pointer);
    nlohmann::json drift = sample_drift();
    drift[nlohmann::json::json_pointer(pointer)] = nlohmann::json::parse(value);
    expect_error([&] { parse_drift(drift.dump()); }, ErrorCode::bundle, "drift.json has");
  }
  expect_error([] { parse_drift("{"); }, ErrorCode::bundle, "drift.json is not valid JSON");
}

}  // namespace
}  // namespace fcn_edge::test
