#include "stream/statistics.hpp"

#include <gtest/gtest.h>

#include "stream/pipeline.hpp"

namespace fcn_edge::app {
namespace {

// A camera's reading thread at work: whenever somebody asks, another frame has come and was dropped.
class RisingFeed : public Feed {
 public:
  Offer poll(Frame& /*frame*/) override { return Offer::nothing; }
  std::uint64_t frames_in() const override { return ++frames_; }
  Drops drops() const override { return {++frames_, 0, 0}; }
  std::uint64_t reconnects() const override { return 0; }
  std::uint64_t damaged() const override { return 0; }

 private:
  mutable std::uint64_t frames_ = 7;
};

TEST(Statistics, CountNoDropAheadOfItsFrame) {
  const RisingFeed feed;
  Statistics statistics;
  add(statistics, feed);
  EXPECT_EQ(statistics.drops.superseded, 8U);
  EXPECT_EQ(statistics.frames_in, 9U);
  statistics.close();
  EXPECT_EQ(statistics.abandoned, 1U);
  EXPECT_EQ(statistics.dropped(), 9U);
}

TEST(Statistics, AbandonNoLessThanNothing) {
  Statistics statistics;
  statistics.frames_in = 5;
  statistics.frames_out = 3;
  statistics.drops.late = 3;
  statistics.close();
  EXPECT_EQ(statistics.abandoned, 0U);
}

}  // namespace
}  // namespace fcn_edge::app
