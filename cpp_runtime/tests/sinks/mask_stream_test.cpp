#include "sinks/mask_stream.hpp"

#include <gtest/gtest.h>

#include <random>

namespace fcn_edge::app {
namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes decoded(const Bytes& runs) {
  Bytes ids;
  for (std::size_t i = 0; i + 2 < runs.size(); i += 3) {
    ids.insert(ids.end(), runs[i + 1] + 256U * runs[i + 2], runs[i]);
  }
  return ids;
}

TEST(MaskRuns, AreIdAndLength) {
  Bytes runs{9};  // what was there stays
  append_runs({4, 4, 4, 0, 255}, runs);
  EXPECT_EQ(runs, (Bytes{9, 4, 3, 0, 0, 1, 0, 255, 1, 0}));
}

TEST(MaskRuns, EndAtTheLongestLength) {
  Bytes runs;
  append_runs(Bytes(65535 + 65536, 7), runs);
  EXPECT_EQ(runs, (Bytes{7, 255, 255, 7, 255, 255, 7, 1, 0}));
}

TEST(MaskRuns, GiveBackAnyMask) {
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    Bytes ids;
    while (ids.size() < random() % 300000)
      ids.insert(ids.end(), 1 + random() % 90000, static_cast<std::uint8_t>(random() % 3));
    Bytes runs;
    append_runs(ids, runs);
    ASSERT_EQ(decoded(runs), ids);
  }
}

}  // namespace
}  // namespace fcn_edge::app
