// The TensorRT backend, unmodified, on the stand-in of nvinfer_double/ and under sanitizers: frames and
// masks.

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <random>
#include <vector>

#include "backends/tensorrt_fixture.hpp"
#include "expect_error.hpp"

namespace fcn_edge::test {
namespace {

std::vector<std::uint8_t> random_frame(unsigned seed) {
  std::mt19937 random(seed);
  std::vector<std::uint8_t> frame(3 * kHeight * kWidth);
  std::generate(frame.begin(), frame.end(), [&] { return static_cast<std::uint8_t>(random()); });
  return frame;
}

std::vector<int> expected_mask(const std::vector<std::uint8_t>& frame) {
  std::vector<int> mask;
  for (std::size_t i = 0; i < frame.size(); i += 3)
    mask.push_back((frame[i] + 2 * frame[i + 1] + 3 * frame[i + 2]) % 7);
  return mask;
}

std::vector<int> mask_of(Engine& engine, int slot) {
  const auto* mask = static_cast<const std::uint8_t*>(engine.output(slot));
  return {mask, mask + kHeight * kWidth};
}

TEST_F(TensorRtTest, GivesEverySlotTheMaskOfItsOwnFrame) {
  const auto engine = open();
  ASSERT_EQ(engine->slots(), 2);
  for (unsigned round = 0; round < 3; ++round) {
    for (int slot = 0; slot < 2; ++slot) {
      const auto frame = random_frame(2 * round + static_cast<unsigned>(slot));
      std::copy(frame.begin(), frame.end(), engine->input(slot));
      engine->start(slot);
    }
    for (int slot = 0; slot < 2; ++slot) {
      engine->wait(slot);
      EXPECT_EQ(mask_of(*engine, slot), expected_mask(random_frame(2 * round + static_cast<unsigned>(slot))));
    }
  }
}

TEST_F(TensorRtTest, CopiesFramesOnlyWhereTheGpuHasItsOwnMemory) {
  for (const bool integrated : {false, true}) {
    world().integrated = integrated;
    world().copies = 0;
    const auto engine = open();
    const auto frame = random_frame(1);
    std::copy(frame.begin(), frame.end(), engine->input(0));
    engine->start(0);
    engine->wait(0);
    EXPECT_EQ(mask_of(*engine, 0), expected_mask(frame));
    EXPECT_EQ(world().copies, integrated ? 0 : 2);
  }
}

TEST_F(TensorRtTest, GivesTheSameMasksFromARecordedGraph) {
  for (const bool integrated : {false, true}) {
    world().integrated = integrated;
    world().graph_launches = 0;
    const auto engine = open_with({{"cuda_graph", "on"}});
    EXPECT_NE(engine->describe().find("CUDA graph"), std::string::npos);
    for (unsigned round = 0; round < 3; ++round) {
      for (int slot = 0; slot < 2; ++slot) {
        const auto frame = random_frame(2 * round + static_cast<unsigned>(slot));
        std::copy(frame.begin(), frame.end(), engine->input(slot));
        const auto before = std::chrono::steady_clock::now();
        engine->start(slot);
        EXPECT_GE(engine->wait(slot), before);
        EXPECT_EQ(mask_of(*engine, slot), expected_mask(frame));
      }
    }
    EXPECT_EQ(world().graph_launches, 6);
  }
}

TEST_F(TensorRtTest, RunsWithoutAGraphWhereTheEngineCannotBeRecorded) {
  world().records = false;
  const auto engine = open_with({{"cuda_graph", "on"}});
  EXPECT_EQ(notes_.back(), "no CUDA graph: TensorRT cannot run the frame (it gives no reason)");
  const auto frame = random_frame(1);
  std::copy(frame.begin(), frame.end(), engine->input(0));
  engine->start(0);
  engine->wait(0);
  EXPECT_EQ(mask_of(*engine, 0), expected_mask(frame));
  EXPECT_EQ(world().graph_launches, 0);
}

TEST_F(TensorRtTest, SaysWhatItRunsOn) {
  EXPECT_EQ(open()->describe(), "TensorRT 10.3.0 on Test GPU (sm87)");
}

TEST_F(TensorRtTest, ReportsAFrameThatTheEngineFailsOn) {
  const auto engine = open();
  world().runs = false;
  expect_error([&] { engine->start(0); }, ErrorCode::inference, "TensorRT cannot run the frame");
}

}  // namespace
}  // namespace fcn_edge::test
