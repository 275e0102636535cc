#include "report/report.hpp"

#include <gtest/gtest.h>

namespace fcn_edge::app {
namespace {

Statistics statistics_of(int frames) {
  Statistics s;
  for (int i = 1; i <= frames; ++i) {
    for (const auto& stage : s.stages()) stage.second->add(std::chrono::milliseconds(i));
  }
  s.frames_in = s.frames_out = s.measured = static_cast<std::uint64_t>(frames);
  s.seconds = 2;
  return s;
}

nlohmann::json report_of(const Statistics& s) { return make_report(s, {}, {{"cpu", "x"}}, {}, false); }

TEST(Report, HasExactlyTheKeysOfTheContract) {
  const nlohmann::json report = report_of(statistics_of(3));
  for (const char* key : {"frames_in", "frames_out", "dropped", "fps", "latency_ms", "device", "warnings"}) {
    EXPECT_TRUE(report.contains(key)) << key;
  }
  for (const char* stage : {"capture", "queue", "infer", "post", "sink", "total"}) {
    for (const char* point : {"p50", "p90", "p99", "p999", "max"}) {
      EXPECT_TRUE(report["latency_ms"][stage].contains(point)) << stage << "." << point;
    }
  }
  EXPECT_EQ(report["fps"], 1.5);
}

TEST(Report, TellsDriftOrThatTheBundleCannot) {
  Statistics s = statistics_of(3);
  EXPECT_TRUE(report_of(s)["drift"].is_null());
  s.drift.threshold = 2;
  s.drift.frames = 4;
  s.drift.above = 1;
  s.drift.group = {0.5, 1.5, 1};
  const nlohmann::json drift = report_of(s)["drift"];
  EXPECT_EQ(drift["share_above"], 0.25);
  EXPECT_EQ(drift["groups"], nlohmann::json({{"light", 0.5}, {"colour", 1.5}, {"sharpness", 1.0}}));
}

TEST(Report, LeavesOutPercentilesTheSampleCountCannotSupport) {
  const auto total = [](int frames) { return report_of(statistics_of(frames))["latency_ms"]["total"]; };
  EXPECT_TRUE(total(0)["p50"].is_null());
  EXPECT_TRUE(total(9)["p90"].is_null());
  EXPECT_TRUE(total(10)["p90"].is_number());
  EXPECT_TRUE(total(99)["p99"].is_null());
  EXPECT_TRUE(total(100)["p99"].is_number());
  EXPECT_TRUE(total(999)["p999"].is_null());
  EXPECT_NEAR(total(1000)["p999"].get<double>(), 999, 1);
}

std::vector<std::string> messages_of(std::chrono::microseconds first, std::chrono::microseconds others,
                                     std::chrono::microseconds slow) {
  Statistics s = statistics_of(0);
  for (int i = 0; i < 2000; ++i) s.infer.add(i < 100 ? slow : others);
  s.frames_in = s.frames_out = s.measured = 2000;
  RunFacts facts;
  facts.gate = "pass";
  facts.first_infer_ms = static_cast<double>(first.count()) / 1e3;
  StreamOptions options;
  options.warmup = 0;
  std::vector<std::string> messages;
  for (const Warning& warning : judge(s, facts, options)) messages.push_back(warning.message);
  return messages;
}

TEST(Warnings, GiveNoAdviceOnDifferencesThatNobodyNotices) {
  using std::chrono::microseconds;
  EXPECT_TRUE(messages_of(microseconds(1200), microseconds(300), microseconds(310)).empty());
  EXPECT_TRUE(messages_of(microseconds(300), microseconds(300), microseconds(1200)).empty());
  EXPECT_EQ(messages_of(microseconds(40000), microseconds(12000), microseconds(12000)),
            std::vector<std::string>{"the first frame took 40.0 ms, the median is 12.0 ms"});
  EXPECT_EQ(messages_of(microseconds(300), microseconds(300), microseconds(1400)).size(), 1U);
}

TEST(Warnings, NameDropsFewSamplesAndAnUngatedBundle) {
  Statistics s = statistics_of(50);
  s.drops.superseded = 5;
  RunFacts facts;
  facts.gate = "ungated";
  std::vector<std::string> types;
  for (const Warning& warning : judge(s, facts, {})) types.push_back(warning.type);
  EXPECT_EQ(types, (std::vector<std::string>{"ungated_bundle", "few_samples", "frames_dropped"}));
}

TEST(Warnings, DoNotBlameTheMachineForFramesThatWereToBeLeftOut) {
  Statistics s = statistics_of(2000);
  s.drops.skipped = 4000;  // --policy every-n:3
  s.abandoned = 1;         // the one that waited when --limit was reached
  RunFacts facts;
  facts.gate = "pass";
  EXPECT_TRUE(judge(s, facts, {}).empty());
  s.drops.late = 7;
  ASSERT_EQ(judge(s, facts, {}).size(), 1U);
  EXPECT_EQ(judge(s, facts, {})[0].message, "7 of 2000 frames were dropped");
}

TEST(Warnings, NameWhatDriftedMost) {
  Statistics s = statistics_of(2000);
  s.drift.threshold = 2;
  s.drift.highest = 3;
  s.drift.group = {1, 0, 2.5};
  RunFacts facts;
  facts.gate = "pass";
  const std::vector<Warning> found = judge(s, facts, {});
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].type, "drift");
  EXPECT_NE(found[0].message.find("most in sharpness: drift 3.00, calibrated scenes stay under 2.00"),
            std::string::npos);
}

TEST(Warnings, AreAbsentForACleanLongRun) {
  RunFacts facts;
  facts.gate = "pass";
  EXPECT_TRUE(judge(statistics_of(2000), facts, {}).empty());
}

}  // namespace
}  // namespace fcn_edge::app
