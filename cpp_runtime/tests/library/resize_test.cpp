#include "resize.hpp"

#include <gtest/gtest.h>

#include <opencv2/imgproc.hpp>
#include <random>

namespace fcn_edge::test {
namespace {

cv::Mat random_picture(int width, int height, std::mt19937& random) {
  cv::Mat picture(height, width, CV_8UC3);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < 3 * width; ++x) picture.ptr(y)[x] = static_cast<std::uint8_t>(random());
  }
  return picture;
}

void expect_equal_to_opencv(const cv::Mat& picture, int width, int height) {
  SCOPED_TRACE(testing::Message() << picture.cols << "x" << picture.rows << " -> " << width << "x" << height);
  cv::Mat expected;
  cv::resize(picture, expected, {width, height}, 0, 0, cv::INTER_LINEAR);
  cv::Mat seen(height, width, CV_8UC3);
  Resizer(width, height)
      .run({picture.data, picture.cols, picture.rows, static_cast<std::ptrdiff_t>(picture.step)}, seen.data);
  ASSERT_EQ(cv::norm(seen, expected, cv::NORM_INF), 0);
}

TEST(Resizer, EqualsOpenCvByteForByteOverRandomSizes) {
  std::mt19937 random(7);
  const auto side = [&random] { return std::uniform_int_distribution<int>(1, 300)(random); };
  for (int i = 0; i < 300; ++i) {
    const cv::Mat picture = random_picture(side(), side(), random);
    expect_equal_to_opencv(picture, side(), side());
  }
}

TEST(Resizer, EqualsOpenCvAtTheUsualSizes) {
  std::mt19937 random(8);
  for (const auto& [from, to] : {std::pair{cv::Size(1280, 720), cv::Size(480, 360)},
                                 {{1920, 1080}, {960, 540}},
                                 {{640, 480}, {480, 360}},
                                 {{480, 360}, {480, 360}},
                                 {{480, 360}, {1024, 512}},
                                 {{960, 720}, {480, 300}},
                                 {{1920, 1080}, {480, 360}}}) {
    expect_equal_to_opencv(random_picture(from.width, from.height, random), to.width, to.height);
  }
}

TEST(Resizer, ReadsRowsByTheirStrideAndFollowsASizeChange) {
  std::mt19937 random(9);
  const cv::Mat large = random_picture(200, 120, random);
  const cv::Mat cut = large(cv::Rect(13, 7, 101, 77));
  Resizer resizer(64, 48);
  for (const cv::Mat& picture : {large, cut, large}) {
    cv::Mat expected;
    cv::resize(picture, expected, {64, 48}, 0, 0, cv::INTER_LINEAR);
    cv::Mat seen(48, 64, CV_8UC3);
    resizer.run({picture.data, picture.cols, picture.rows, static_cast<std::ptrdiff_t>(picture.step)},
                seen.data);
    EXPECT_EQ(cv::norm(seen, expected, cv::NORM_INF), 0);
  }
}

}  // namespace
}  // namespace fcn_edge::test
