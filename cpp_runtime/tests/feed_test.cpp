#include "feed.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "expect_error.hpp"

namespace fcn_edge::app {
namespace {

// Gives `count` frames, one every `period`, then ends or breaks.
class ScriptedSource : public Source {
 public:
  ScriptedSource(int count, std::chrono::milliseconds period, bool breaks = false)
      : left_(count), period_(period), breaks_(breaks) {}

  bool read(cv::Mat& image, std::string&) override {
    std::this_thread::sleep_for(period_);
    if (left_-- > 0) {
      image.create(2, 2, CV_8UC3);
      return true;
    }
    if (breaks_) throw Error(ErrorCode::io, "the camera is gone");
    return false;
  }
  bool live() const override { return true; }
  double fps() const override { return 0; }

 private:
  int left_;
  std::chrono::milliseconds period_;
  bool breaks_;
};

std::unique_ptr<Source> scripted(int count, int period_ms = 0, bool breaks = false) {
  return std::make_unique<ScriptedSource>(count, std::chrono::milliseconds(period_ms), breaks);
}

TEST(BlockFeed, GivesEveryFrameInOrderAndNamesThem) {
  const auto feed = make_block_feed(
      scripted(3), [] { return scripted(3); }, 2);
  Frame frame;
  for (unsigned i = 0; i < 6; ++i) {
    ASSERT_TRUE(feed->next(frame));
    EXPECT_EQ(frame.index, i);
    EXPECT_EQ(frame.name, "00000" + std::to_string(i));
    EXPECT_LE(frame.asked, frame.taken);
  }
  EXPECT_FALSE(feed->next(frame));
  EXPECT_EQ(feed->frames_in(), 6U);
}

TEST(LatestFeed, CountsEveryFrameThatNobodyTook) {
  const auto feed = make_latest_feed(scripted(50, 1));
  Frame frame;
  std::uint64_t taken = 0;
  std::uint64_t last = 0;
  while (feed->next(frame)) {
    EXPECT_TRUE(taken == 0 || frame.index > last);
    last = frame.index;
    ++taken;
    std::this_thread::sleep_for(std::chrono::milliseconds(7));
  }
  EXPECT_EQ(feed->frames_in(), 50U);
  EXPECT_EQ(taken + feed->dropped(), 50U);
  EXPECT_EQ(last, 49U);
}

TEST(LatestFeed, HandsOverTheErrorOfTheReadingThread) {
  const auto feed = make_latest_feed(scripted(2, 1, true));
  test::expect_error(
      [&] {
        Frame frame;
        while (feed->next(frame)) {
        }
      },
      ErrorCode::io, "the camera is gone");
}

TEST(LatestFeed, StopsWhileTheSourceIsStillGiving) {
  const auto feed = make_latest_feed(scripted(1000000, 1));
  Frame frame;
  ASSERT_TRUE(feed->next(frame));
  feed->stop();
  while (feed->next(frame)) {
  }
  EXPECT_LT(feed->frames_in(), 1000U);
}

}  // namespace
}  // namespace fcn_edge::app
