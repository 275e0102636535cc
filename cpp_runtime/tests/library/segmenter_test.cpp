#include <gtest/gtest.h>

#include <cstdlib>
#include <utility>

#include "expect_error.hpp"
#include "fcn_edge/fcn_edge.hpp"
#include "library/allocation_count.hpp"
#include "library/sample_bundle.hpp"

namespace fcn_edge::test {
namespace {

// Frames of the bundle's size, 16 x 24: the left two cells blue (class 0), the right one green (class 1).
class SegmenterTest : public testing::Test {
 protected:
  void SetUp() override {
    setenv("FCN_EDGE_BACKENDS", STAND_IN_FOLDER, 1);
    for (int i = 0; i < 16 * 24; ++i)
      pixels_.insert(pixels_.end(), {std::uint8_t(i % 24 < 16 ? 200 : 10), 100, 0});
  }

  Segmenter open(const Options& options = {}) {
    write_sample_bundle(scratch_.path(), manifest_);
    return Segmenter::open(scratch_.path().string(), options);
  }

  FrameView frame() const { return {pixels_.data(), 24, 16, 0}; }

  nlohmann::json manifest_ = sample_manifest();
  ScratchFolder scratch_;
  std::vector<std::uint8_t> pixels_;
};

TEST_F(SegmenterTest, GivesTheMaskOfAFrame) {
  Segmenter segmenter = open();
  const Mask mask = segmenter.run(frame());
  EXPECT_EQ(mask.width, 24);
  EXPECT_EQ(mask.height, 16);
  EXPECT_EQ(mask.at(0, 0), 0);
  EXPECT_EQ(mask.at(15, 23), 1);
}

TEST_F(SegmenterTest, GivesTheSameMaskThroughEverySlot) {
  Options options;
  options.slots = 3;
  Segmenter segmenter = open(options);
  ASSERT_EQ(segmenter.slots(), 3);
  for (int slot = 0; slot < 3; ++slot) segmenter.start(slot, frame());
  const Mask alone = open().run(frame());
  for (int slot = 0; slot < 3; ++slot) {
    Mask mask;
    segmenter.finish(slot, mask);
    EXPECT_EQ(mask.ids, alone.ids);
  }
}

TEST_F(SegmenterTest, StampsTheStationsOfAFrameInOrder) {
  Segmenter segmenter = open();
  Mask mask;
  segmenter.start(0, frame());
  const Timing t = segmenter.finish(0, mask);
  EXPECT_LE(t.started, t.submitted);
  EXPECT_LE(t.submitted, t.completed);
  EXPECT_LE(t.completed, t.collected);
  EXPECT_LE(t.collected, t.finished);
}

TEST_F(SegmenterTest, AllocatesNothingPerFrameAfterTheFirst) {
  Segmenter segmenter = open();
  Overlay overlay(segmenter.info().classes, 0.5);
  Mask mask;
  std::vector<std::uint8_t> camera(3 * 61 * 37);
  const auto one_frame = [&] {
    segmenter.run({camera.data(), 61, 37, 0}, mask);
    overlay.draw(mask, {camera.data(), 61, 37, 0});
  };
  one_frame();
  const long before = allocations();
  for (int i = 0; i < 100; ++i) one_frame();
  EXPECT_EQ(allocations() - before, 0);
}

TEST_F(SegmenterTest, RefusesWrongUseOfSlots) {
  Segmenter segmenter = open();
  Mask mask;
  expect_error([&] { segmenter.finish(0, mask); }, ErrorCode::misuse, "slot 0 was not started");
  expect_error([&] { segmenter.start(7, frame()); }, ErrorCode::misuse,
               "slot 7 does not exist; slots are 0 to 1");
  segmenter.start(0, frame());
  expect_error([&] { segmenter.start(0, frame()); }, ErrorCode::misuse, "slot 0 is in use");
}

TEST_F(SegmenterTest, RefusesEmptyFramesAndShortStrides) {
  Segmenter segmenter = open();
  expect_error([&] { segmenter.run({nullptr, 4, 4, 0}); }, ErrorCode::misuse, "the frame is empty");
  expect_error([&] { segmenter.run({pixels_.data(), 0, 4, 0}); }, ErrorCode::misuse, "the frame is empty");
  expect_error([&] { segmenter.run({pixels_.data(), 24, 16, 71}); }, ErrorCode::misuse, "stride of 71 bytes");
}

TEST_F(SegmenterTest, RefusesABundleThatDidNotPassItsGate) {
  for (const char* verdict : {"fail", "ungated"}) {
    manifest_["gate"]["verdict"] = verdict;
    expect_error([&] { open(); }, ErrorCode::ungated, "accuracy gate");
    Options options;
    options.allow_ungated = true;
    EXPECT_NO_THROW(open(options));
  }
}

TEST_F(SegmenterTest, RefusesATargetWithoutAnEngine) {
  manifest_["target"] = "abacus";
  expect_error([&] { open(); }, ErrorCode::backend, "target 'abacus'; known targets: openvino");
  manifest_["target"] = "tensorrt";
  expect_error([&] { open(); }, ErrorCode::backend, "no libfcn_edge_tensorrt.so found");
}

// 24 of 384 pixels wrong are an agreement of 0.9375, exactly so as a double.
TEST_F(SegmenterTest, PassesItsSelfTestAtTheAgreementAskedFor) {
  manifest_["golden"]["min_agreement"] = 0.9375;
  write_sample_bundle(scratch_.path(), manifest_, 24);
  EXPECT_EQ(Segmenter::open(scratch_.path().string()).selftest().agreement, 0.9375);
  write_sample_bundle(scratch_.path(), manifest_, 25);
  expect_error([&] { Segmenter::open(scratch_.path().string()); }, ErrorCode::selftest,
               "agrees with its golden mask on 0.9349 of the pixels, 0.9375 is asked for");
}

TEST_F(SegmenterTest, CanBeMoved) {
  Segmenter first = open();
  Segmenter second = std::move(first);
  first = open();
  EXPECT_EQ(first.run(frame()).ids, second.run(frame()).ids);
}

}  // namespace
}  // namespace fcn_edge::test
