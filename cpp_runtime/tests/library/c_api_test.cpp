#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "fcn_edge/fcn_edge.h"
#include "library/sample_bundle.hpp"

namespace fcn_edge::test {
namespace {

class CApi : public testing::Test {
 protected:
  void SetUp() override {
    setenv("FCN_EDGE_BACKENDS", STAND_IN_FOLDER, 1);
    write_sample_bundle(scratch_.path());
  }
  void TearDown() override { fcn_edge_close(segmenter_); }

  ScratchFolder scratch_;
  fcn_edge_segmenter* segmenter_ = nullptr;
};

TEST_F(CApi, OpensRunsAndDescribesABundle) {
  ASSERT_EQ(fcn_edge_open(scratch_.path().c_str(), nullptr, &segmenter_), FCN_EDGE_OK)
      << fcn_edge_last_error();
  EXPECT_EQ(fcn_edge_mask_width(segmenter_), 24);
  EXPECT_EQ(fcn_edge_mask_height(segmenter_), 16);
  EXPECT_EQ(fcn_edge_class_count(segmenter_), 2);
  EXPECT_STREQ(fcn_edge_class_name(segmenter_, 1), "sky");
  EXPECT_EQ(fcn_edge_class_name(segmenter_, 2), nullptr);

  const std::vector<uint8_t> green(3 * 30 * 20, 0);
  std::vector<uint8_t> frame = green;
  for (std::size_t i = 1; i < frame.size(); i += 3) frame[i] = 200;
  std::vector<uint8_t> mask(16 * 24, 9);
  ASSERT_EQ(fcn_edge_run(segmenter_, frame.data(), 30, 20, 0, mask.data()), FCN_EDGE_OK);
  EXPECT_EQ(mask, std::vector<uint8_t>(16 * 24, 1));
}

TEST_F(CApi, TellsWhyACallFailed) {
  EXPECT_EQ(fcn_edge_open("/no/such.fcne", nullptr, &segmenter_), FCN_EDGE_MISUSE);
  EXPECT_EQ(segmenter_, nullptr);
  EXPECT_NE(std::string(fcn_edge_last_error()).find("no such bundle"), std::string::npos);
  EXPECT_EQ(fcn_edge_open(nullptr, nullptr, &segmenter_), FCN_EDGE_MISUSE);
  write_text(scratch_.path() / "model.onnx", "stand-in modem");
  EXPECT_EQ(fcn_edge_open(scratch_.path().c_str(), nullptr, &segmenter_), FCN_EDGE_TAMPERED);
}

TEST_F(CApi, RefusesAnEmptyFrame) {
  ASSERT_EQ(fcn_edge_open(scratch_.path().c_str(), nullptr, &segmenter_), FCN_EDGE_OK);
  std::vector<uint8_t> mask(16 * 24);
  EXPECT_EQ(fcn_edge_run(segmenter_, nullptr, 30, 20, 0, mask.data()), FCN_EDGE_MISUSE);
  EXPECT_EQ(fcn_edge_run(nullptr, mask.data(), 30, 20, 0, mask.data()), FCN_EDGE_MISUSE);
}

}  // namespace
}  // namespace fcn_edge::test
