#include "sources/cut_short.hpp"

#include <gtest/gtest.h>

#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>
#include <random>
#include <string>

namespace fcn_edge::app {
namespace {

cv::Mat noise(std::mt19937& random) {
  cv::Mat picture(static_cast<int>(8 + random() % 60), static_cast<int>(8 + random() % 60), CV_8UC3);
  for (std::size_t i = 0; i < picture.total() * 3; ++i) picture.data[i] = static_cast<std::uint8_t>(random());
  return picture;
}

class Images : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Formats, Images, testing::Values(".jpg", ".png", ".webp"));

TEST_P(Images, AreCutWhereverTheyEndTooEarly) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int round = 0; round < 20; ++round) {
    std::vector<std::uint8_t> bytes;
    cv::imencode(GetParam(), noise(random), bytes);
    EXPECT_FALSE(image_is_cut(bytes));
    bytes.resize(random() % (bytes.size() - 2));
    EXPECT_TRUE(image_is_cut(bytes)) << "after " << bytes.size() << " bytes";
  }
}

// The thumbnail in a JPEG's head is a JPEG with an end of its own.
TEST(Images, AreCutThoughTheirThumbnailIsWhole) {
  std::mt19937 random(1);
  std::vector<std::uint8_t> small;
  std::vector<std::uint8_t> bytes;
  cv::imencode(".jpg", noise(random), small);
  cv::imencode(".jpg", noise(random), bytes);
  const std::size_t length = small.size() + 2;
  std::vector<std::uint8_t> segment{0xFF, 0xE1, static_cast<std::uint8_t>(length >> 8),
                                    static_cast<std::uint8_t>(length)};
  segment.insert(segment.end(), small.begin(), small.end());
  bytes.insert(bytes.begin() + 2, segment.begin(), segment.end());
  EXPECT_FALSE(image_is_cut(bytes));
  bytes.resize(bytes.size() - 100);
  EXPECT_TRUE(image_is_cut(bytes));
}

}  // namespace
}  // namespace fcn_edge::app
