#include "latest_slot.hpp"

#include <gtest/gtest.h>

#include <thread>

namespace fcn_edge::app {
namespace {

using Taken = LatestSlot<int>::Taken;
constexpr std::chrono::milliseconds kPatience{5000};

TEST(LatestSlot, GivesTheNewestAndReportsWhatItThrewAway) {
  LatestSlot<int> slot;
  int value = 1;
  EXPECT_FALSE(slot.put(value));
  value = 2;
  EXPECT_TRUE(slot.put(value));
  EXPECT_EQ(value, 1);  // the old buffer came back
  int taken = 0;
  EXPECT_EQ(slot.take(taken, kPatience), Taken::value);
  EXPECT_EQ(taken, 2);
}

TEST(LatestSlot, GivesNothingWhenNothingComes) {
  LatestSlot<int> slot;
  int value = 0;
  EXPECT_EQ(slot.take(value, std::chrono::milliseconds(1)), Taken::nothing);
}

TEST(LatestSlot, WakesAWaiterWhenClosed) {
  LatestSlot<int> slot;
  std::thread closer([&] { slot.close(); });
  int value = 0;
  EXPECT_EQ(slot.take(value, kPatience), Taken::closed);
  closer.join();
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
  for (int value = 0; slot.take(value, kPatience) == Taken::value; ++taken) {
    EXPECT_GT(value, last);
    last = value;
  }
  writer.join();
  EXPECT_EQ(taken + dropped, kCount);
  EXPECT_EQ(last, kCount);
}

}  // namespace
}  // namespace fcn_edge::app
