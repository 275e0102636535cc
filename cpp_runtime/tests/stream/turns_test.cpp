#include "stream/turns.hpp"

#include <gtest/gtest.h>

#include <fcn_edge/error.hpp>
#include <map>
#include <new>
#include <utility>

namespace fcn_edge::app {
namespace {

// Answers with a script, one letter a question: f frame, - nothing now, w waited in vain, x failure, m no
// memory; then the end, or with `endless` frames for ever.
class ScriptedFeed : public Feed {
 public:
  explicit ScriptedFeed(std::string script, bool endless = false)
      : script_(std::move(script)), endless_(endless) {}

  Offer poll(Frame& frame) override {
    if (next_ == script_.size()) return endless_ ? Offer::frame : Offer::ended;
    const char answer = script_[next_++];
    if (answer == 'm') throw std::bad_alloc();
    if (answer == 'w') return Offer::waited;
    if (answer == 'x') throw Error(ErrorCode::io, "the camera is gone");
    if (answer == '-') return Offer::nothing;
    frame.index = given_++;
    return Offer::frame;
  }

  std::uint64_t frames_in() const override { return given_; }
  Drops drops() const override { return {}; }
  std::uint64_t reconnects() const override { return 0; }
  std::uint64_t damaged() const override { return 0; }

 private:
  std::string script_;
  bool endless_;
  std::size_t next_ = 0;
  std::uint64_t given_ = 0;
};

Turns turns_of(std::vector<std::unique_ptr<Feed>> feeds) {
  return {std::move(feeds), std::make_shared<Bell>()};
}

Turns scripted_turns(const std::vector<std::string>& scripts) {
  std::vector<std::unique_ptr<Feed>> feeds;
  for (const std::string& script : scripts) feeds.push_back(std::make_unique<ScriptedFeed>(script));
  return turns_of(std::move(feeds));
}

// Whose frames came, in order, as long as every poll gives one.
std::string served(Turns& turns) {
  std::string order;
  std::vector<Frame> frames(turns.count());
  while (const auto source = turns.poll(frames)) {
    EXPECT_EQ(frames[*source].source, *source);
    order += static_cast<char>('0' + *source);
  }
  return order;
}

TEST(Turns, GoRoundTheSources) {
  Turns turns = scripted_turns({"ffff", "ffff", "ffff"});
  EXPECT_EQ(served(turns), "012012012012");
  EXPECT_FALSE(turns.wait());
}

TEST(Turns, PassOverASourceWithNothingAndServeItFirstWhenItHas) {
  Turns turns = scripted_turns({"fffff", "--ff"});
  EXPECT_EQ(served(turns), "0001010");
}

TEST(Turns, ServeAllTheSameWhenAllAlwaysHaveFrames) {
  std::vector<std::unique_ptr<Feed>> feeds;
  for (int i = 0; i < 4; ++i) feeds.push_back(std::make_unique<ScriptedFeed>("", /*endless=*/true));
  Turns turns = turns_of(std::move(feeds));
  std::map<std::size_t, int> count;
  std::vector<Frame> frames(turns.count());
  for (int i = 0; i < 4000; ++i) ++count[turns.poll(frames).value()];
  for (const auto& [source, given] : count) EXPECT_EQ(given, 1000) << "source " << source;
}

TEST(Turns, GoOnWithoutASourceThatFailsAndKeepItsFailure) {
  Turns turns = scripted_turns({"fx", "ffff"});
  EXPECT_EQ(served(turns), "01111");
  EXPECT_TRUE(turns.failure(0));
  EXPECT_FALSE(turns.failure(1));
  EXPECT_FALSE(turns.wait());
}

TEST(Turns, GoOnWithoutASourceThatFailsInAnyWay) {
  Turns turns = scripted_turns({"fm", "ffff"});
  EXPECT_EQ(served(turns), "01111");
  EXPECT_TRUE(turns.failure(0));
  EXPECT_FALSE(turns.failure(1));
}

TEST(Turns, AskAFeedThatWaitedItselfAgainAtOnce) {
  Turns turns = scripted_turns({std::string(200, 'w') + "f"});
  std::vector<Frame> frames(turns.count());
  const Clock::time_point began = Clock::now();
  while (!turns.poll(frames)) ASSERT_TRUE(turns.wait());
  EXPECT_LT(Clock::now() - began, std::chrono::seconds(5));  // a wait for the bell takes a tenth of a second
}

TEST(Turns, WaitWhileASourceMayStillHaveFrames) {
  Turns turns = scripted_turns({"-f", ""});
  std::vector<Frame> frames(turns.count());
  EXPECT_FALSE(turns.poll(frames));
  EXPECT_TRUE(turns.wait());
  EXPECT_TRUE(turns.poll(frames));
  EXPECT_FALSE(turns.poll(frames));
  EXPECT_FALSE(turns.wait());
}

TEST(Bell, IsHeardEvenWhenItRangBeforeTheWait) {
  Bell bell;
  const std::uint64_t before = bell.count();
  bell.ring();
  bell.wait_beyond(before, std::chrono::hours(1));  // returns at once
  EXPECT_EQ(bell.count(), before + 1);
}

}  // namespace
}  // namespace fcn_edge::app
