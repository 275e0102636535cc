#include "stream/feed.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include "expect_error.hpp"
#include "sources/lasting_source.hpp"
#include "stream/turns.hpp"

namespace fcn_edge::app {
namespace {

enum class Event { frame, larger_frame, end, breaks, stalls };

// Plays a script, one event a millisecond; past its end the source ends.
class ScriptedSource : public Source {
 public:
  explicit ScriptedSource(std::vector<Event> script) : script_(std::move(script)) {}

  bool read(cv::Mat& image, std::string&) override {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    const Event event = next_ < script_.size() ? script_[next_++] : Event::end;
    if (event == Event::breaks) throw Error(ErrorCode::io, "the camera is gone");
    while (event == Event::stalls && !interrupted_) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    image.create(event == Event::larger_frame ? 4 : 2, 2, CV_8UC3);
    return event == Event::frame || event == Event::larger_frame;
  }

  bool live() const override { return true; }
  double fps() const override { return 0; }
  void interrupt() override { interrupted_ = true; }

 private:
  std::vector<Event> script_;
  std::size_t next_ = 0;
  std::atomic<bool> interrupted_{false};
};

std::unique_ptr<Source> scripted(std::vector<Event> script) {
  return std::make_unique<ScriptedSource>(std::move(script));
}

std::unique_ptr<Source> frames(std::size_t count) {
  return scripted(std::vector<Event>(count, Event::frame));
}

FeedSettings latest() {
  FeedSettings settings;
  settings.latest = true;
  return settings;
}

// A feed and what serves it.
struct Served {
  Served(std::unique_ptr<Source> source, const FeedSettings& settings) : bell(std::make_shared<Bell>()) {
    std::vector<std::unique_ptr<Feed>> feeds;
    feeds.push_back(make_feed(std::move(source), settings, bell));
    turns = std::make_unique<Turns>(std::move(feeds), bell);
  }

  bool next(Frame& frame) {
    while (!turns->poll(frames)) {
      if (turns->wait()) continue;
      if (turns->failure(0)) std::rethrow_exception(turns->failure(0));
      return false;
    }
    std::swap(frame, frames[0]);
    return true;
  }

  const Feed* operator->() const { return &turns->feed(0); }

  std::shared_ptr<Bell> bell;
  std::unique_ptr<Turns> turns;
  std::vector<Frame> frames = std::vector<Frame>(1);
};

TEST(BlockFeed, GivesEveryFrameInOrderAndNamesThem) {
  Served feed(make_repeated(
                  frames(3), [] { return frames(3); }, 2),
              {});
  Frame frame;
  for (unsigned i = 0; i < 6; ++i) {
    ASSERT_TRUE(feed.next(frame));
    EXPECT_EQ(frame.index, i);
    EXPECT_EQ(frame.name, "00000" + std::to_string(i));
    EXPECT_LE(frame.asked, frame.taken);
  }
  EXPECT_FALSE(feed.next(frame));
  EXPECT_EQ(feed->frames_in(), 6U);
}

TEST(BlockFeed, LetsEveryNthFrameThroughAndCountsTheRest) {
  FeedSettings settings;
  settings.every = 4;
  Served feed(frames(10), settings);
  Frame frame;
  std::vector<std::uint64_t> seen;
  while (feed.next(frame)) seen.push_back(frame.index);
  EXPECT_EQ(seen, (std::vector<std::uint64_t>{0, 4, 8}));
  EXPECT_EQ(feed->drops().skipped, 7U);
  EXPECT_EQ(feed->frames_in(), 10U);
}

TEST(LatestFeed, CountsEveryFrameThatNobodyTook) {
  Served feed(frames(50), latest());
  Frame frame;
  std::uint64_t taken = 0;
  std::uint64_t last = 0;
  while (feed.next(frame)) {
    EXPECT_TRUE(taken == 0 || frame.index > last);
    last = frame.index;
    ++taken;
    std::this_thread::sleep_for(std::chrono::milliseconds(7));
  }
  EXPECT_EQ(feed->frames_in(), 50U);
  EXPECT_EQ(taken + feed->drops().total(), 50U);
  EXPECT_EQ(last, 49U);
}

TEST(LatestFeed, DropsFramesPastTheirDeadline) {
  FeedSettings settings = latest();
  settings.deadline = std::chrono::milliseconds(20);
  Served feed(scripted({Event::frame, Event::end}), settings);
  std::this_thread::sleep_for(std::chrono::milliseconds(80));  // the only frame grows old in the slot
  Frame frame;
  EXPECT_FALSE(feed.next(frame));
  EXPECT_EQ(feed->drops().late, 1U);
}

TEST(LatestFeed, HandsOverTheErrorOfTheReadingThread) {
  Served feed(scripted({Event::frame, Event::breaks}), latest());
  test::expect_error(
      [&] {
        Frame frame;
        while (feed.next(frame)) {
        }
      },
      ErrorCode::io, "the camera is gone");
}

TEST(LatestFeed, GivesUpOnASourceThatStaysSilent) {
  FeedSettings settings = latest();
  settings.patience = std::chrono::milliseconds(150);
  Served feed(scripted({Event::frame, Event::stalls}), settings);
  Frame frame;
  ASSERT_TRUE(feed.next(frame));
  test::expect_error([&] { feed.next(frame); }, ErrorCode::io, "gave no frame for");
}

TEST(LatestFeed, EndsWhileTheSourceIsStillGiving) {
  Served feed(frames(1000000), latest());
  Frame frame;
  ASSERT_TRUE(feed.next(frame));
  feed.turns.reset();  // joins the reading thread
}

// What a bad camera does: ends, breaks, changes its size, cannot be opened for a while.
TEST(ReconnectingSource, SurvivesLossAndCountsEachReturn) {
  using E = Event;
  int opened = 0;
  const SourceOpener open = [&]() -> std::unique_ptr<Source> {
    if (++opened % 2 == 1) throw Error(ErrorCode::io, "still gone");
    return scripted({E::frame, E::larger_frame, E::breaks});
  };
  const auto source = make_reconnecting(scripted({E::frame, E::end}), open, std::chrono::milliseconds(1));
  cv::Mat image;
  std::string name;
  for (int i = 0; i < 7; ++i) ASSERT_TRUE(source->read(image, name)) << "frame " << i;
  EXPECT_EQ(source->reconnects(), 3U);
  EXPECT_EQ(opened, 6);
}

TEST(RepeatedSource, CallsWhatVanishedAFailureAndNoMisuse) {
  const SourceOpener gone = []() -> std::unique_ptr<Source> {
    throw Error(ErrorCode::misuse, "no such file");
  };
  const auto source = make_repeated(frames(1), gone, 0);
  cv::Mat image;
  std::string name;
  ASSERT_TRUE(source->read(image, name));
  test::expect_error([&] { source->read(image, name); }, ErrorCode::io, "no such file");
}

TEST(ReconnectingSource, SurvivesAnyFailureOfItsSource) {
  int opened = 0;
  const SourceOpener open = [&]() -> std::unique_ptr<Source> {
    if (++opened == 1) throw std::runtime_error("not ours");
    return frames(1);
  };
  const auto source = make_reconnecting(frames(0), open, std::chrono::milliseconds(1));
  cv::Mat image;
  std::string name;
  EXPECT_TRUE(source->read(image, name));
}

TEST(ReconnectingSource, StopsWaitingWhenInterrupted) {
  const SourceOpener gone = []() -> std::unique_ptr<Source> { throw Error(ErrorCode::io, "gone"); };
  const auto source = make_reconnecting(scripted({}), gone, std::chrono::milliseconds(10));
  std::thread interrupter([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    source->interrupt();
  });
  cv::Mat image;
  std::string name;
  EXPECT_FALSE(source->read(image, name));
  interrupter.join();
}

}  // namespace
}  // namespace fcn_edge::app
