#include "live/metrics.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <random>
#include <regex>
#include <sstream>

namespace fcn_edge::app {
namespace {

Statistics some_statistics() {
  Statistics s;
  s.frames_in = 12;
  s.frames_out = 10;
  s.drops.superseded = 2;
  for (int i = 1; i <= 10; ++i) s.total.add(std::chrono::milliseconds(i));
  return s;
}

const std::vector<ClassInfo> kClasses{{"road", {1, 2, 3}}, {"odd \"name\"\\", {4, 5, 6}}};

std::string text_of_two() {
  static const Statistics busy = some_statistics();
  static const Statistics idle;
  return prometheus_text({{"test:a", &busy}, {"rtsp://\"b\"", &idle}}, kClasses, {{}, {}});
}

TEST(PrometheusText, HasOnlyLinesOfTheExpositionFormat) {
  std::istringstream text(text_of_two());
  const std::regex sample(R"re([a-z_]+(\{[a-z]+="[^"]*"(,[a-z]+="([^"\\]|\\.)*")*\})? [-+0-9.e]+)re");
  const std::regex comment(R"(# (HELP|TYPE) [a-z_]+ .+)");
  int lines = 0;
  for (std::string line; std::getline(text, line); ++lines) {
    EXPECT_TRUE(std::regex_match(line, sample) || std::regex_match(line, comment)) << line;
  }
  EXPECT_GT(lines, 30);
}

TEST(PrometheusText, CountsFramesAndDropsByReason) {
  const std::string text = text_of_two();
  EXPECT_NE(text.find("fcn_edge_frames_in_total{source=\"0\"} 12\n"), std::string::npos);
  EXPECT_NE(text.find("fcn_edge_frames_dropped_total{source=\"0\",reason=\"superseded\"} 2\n"),
            std::string::npos);
  EXPECT_NE(text.find("fcn_edge_stage_seconds_count{source=\"0\",stage=\"total\"} 10\n"), std::string::npos);
}

TEST(PrometheusText, LabelsEverySourceAndSaysWhichItIs) {
  const std::string text = text_of_two();
  EXPECT_NE(text.find("fcn_edge_frames_in_total{source=\"1\"} 0\n"), std::string::npos);
  EXPECT_NE(text.find("fcn_edge_source_info{source=\"1\",name=\"rtsp://\\\"b\\\"\"} 1\n"), std::string::npos);
}

// The value of the only line that begins so.
double value_of(const std::string& text, const std::string& begin) {
  const std::size_t at = text.find("\n" + begin + " ");
  if (at == std::string::npos) return -1;
  return std::strtod(text.c_str() + at + begin.size() + 2, nullptr);
}

TEST(PrometheusText, LosesNoDigit) {
  const unsigned seed = std::random_device{}();
  std::mt19937_64 random(seed);
  for (int round = 0; round < 200; ++round) {
    Statistics s;
    s.frames_in = random() >> (random() % 64);
    s.frames_out = 123456789012345678;
    s.drift.threshold = 1.0 / static_cast<double>(1 + random() % 1000);
    s.drift.score = static_cast<double>(random()) * 1e-19;
    std::int64_t sum = 0;
    for (int i = 0; i < 2000; ++i) {  // weeks
      const auto minutes = std::chrono::nanoseconds(static_cast<std::int64_t>(random() % 2'000'000'000'000));
      s.infer.add(minutes);
      sum += minutes.count();
    }
    ClassShares shares{};
    shares[0] = static_cast<double>(random() % 172800) / 172800;
    const std::string text = prometheus_text({{"test:a", &s}}, kClasses, {shares});
    EXPECT_NE(text.find("fcn_edge_frames_in_total{source=\"0\"} " + std::to_string(s.frames_in) + "\n"),
              std::string::npos);
    EXPECT_NE(text.find("fcn_edge_frames_out_total{source=\"0\"} 123456789012345678\n"), std::string::npos);
    // a double holds these sums to the nanosecond, and a second division may cost its last bit
    EXPECT_NEAR(value_of(text, "fcn_edge_stage_seconds_sum{source=\"0\",stage=\"infer\"}"),
                static_cast<double>(sum) / 1e9, 2e-9)
        << "seed " << seed;
    EXPECT_EQ(value_of(text, "fcn_edge_drift_score"), s.drift.score);
    EXPECT_EQ(value_of(text, "fcn_edge_drift_threshold"), s.drift.threshold);
    EXPECT_EQ(value_of(text, "fcn_edge_class_share{source=\"0\",class=\"road\"}"), shares[0]);
  }
  EXPECT_NE(text_of_two().find("quantile=\"0.99\""), std::string::npos);
}

TEST(PrometheusText, HasDriftOnlyWhereTheBundleCanTell) {
  EXPECT_EQ(text_of_two().find("drift"), std::string::npos);
  Statistics s = some_statistics();
  s.drift.threshold = 2.5;
  s.drift.score = 3.25;
  s.drift.above = 7;
  const std::string text = prometheus_text({{"test:a", &s}}, kClasses, {{}});
  EXPECT_NE(text.find("fcn_edge_drift_score 3.25\n"), std::string::npos);
  EXPECT_NE(text.find("fcn_edge_drift_threshold 2.5\n"), std::string::npos);
  EXPECT_NE(text.find("fcn_edge_drift_frames_above_total 7\n"), std::string::npos);
}

TEST(ClassShares, SumToOne) {
  const Mask mask{4, 1, {0, 1, 1, 255}};
  const ClassShares shares = class_shares(mask);
  EXPECT_DOUBLE_EQ(shares[0], 0.25);
  EXPECT_DOUBLE_EQ(shares[1], 0.5);
  EXPECT_DOUBLE_EQ(shares[255], 0.25);
}

}  // namespace
}  // namespace fcn_edge::app
