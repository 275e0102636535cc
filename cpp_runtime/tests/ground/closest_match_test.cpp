#include "ground/closest_match.hpp"

#include <gtest/gtest.h>

namespace fcn_edge::app {
namespace {

const std::vector<std::string> kOptions{"--source", "--schedule", "--masks", "--report", "--out", "--help"};

TEST(ClosestMatch, FindsTheOptionThatWasMeant) {
  EXPECT_EQ(closest_match("--sorce", kOptions), "--source");
  EXPECT_EQ(closest_match("--mask", kOptions), "--masks");
  EXPECT_EQ(closest_match("--sched", kOptions), "--schedule");
  EXPECT_EQ(closest_match("--output", kOptions), "--out");
}

TEST(ClosestMatch, StaysSilentWhenNothingIsNear) { EXPECT_EQ(closest_match("--xyzzyplugh", kOptions), ""); }

}  // namespace
}  // namespace fcn_edge::app
