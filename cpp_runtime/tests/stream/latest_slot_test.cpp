#include "stream/latest_slot.hpp"

#include <gtest/gtest.h>

#include <thread>

namespace fcn_edge::app {
namespace {

using Taken = LatestSlot<int>::Taken;

TEST(LatestSlot, GivesTheNewestAndReportsWhatItThrewAway) {
  LatestSlot<int> slot;
  int value = 1;
  EXPECT_FALSE(slot.put(value));
  value = 2;
  EXPECT_TRUE(slot.put(value));
  EXPECT_EQ(value, 1);  // the old buffer came back
  int taken = 0;
  EXPECT_EQ(slot.take(taken), Taken::value);
  EXPECT_EQ(taken, 2);
}

TEST(LatestSlot, GivesNothingWhenNothingComes) {
  LatestSlot<int> slot;
  int value = 0;
  EXPECT_EQ(slot.take(value), Taken::nothing);
}

TEST(LatestSlot, GivesWhatIsLeftBeforeItSaysThatItIsClosed) {
  LatestSlot<int> slot;
  int value = 7;
  slot.put(value);
  slot.close();
  EXPECT_EQ(slot.take(value), Taken::value);
  EXPECT_EQ(value, 7);
  EXPECT_EQ(slot.take(value), Taken::closed);
}

TEST(LatestSlot, LosesNothingUncountedBetweenThreads) {
  LatestSlot<int> slot;
  int dropped = 0;
  constexpr int kCount = 20000;
  std::thread writer([&] {
    for (int i = 1; i <= kCount; ++i) {
      int value = i;
      dropped += slot.put(value) ? 1 : 0;
    }
    slot.close();
  });
  int taken = 0;
  int last = 0;
  int value = 0;
  for (Taken answer = Taken::nothing; answer != Taken::closed;) {
    answer = slot.take(value);
    if (answer != Taken::value) continue;
    EXPECT_GT(value, last);
    last = value;
    ++taken;
  }
  writer.join();
  EXPECT_EQ(taken + dropped, kCount);
  EXPECT_EQ(last, kCount);
}

}  // namespace
}  // namespace fcn_edge::app
