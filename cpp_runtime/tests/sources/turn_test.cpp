#include "sources/turn.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <opencv2/core.hpp>
#include <random>

namespace fcn_edge::app {
namespace {

constexpr std::int32_t kOne = 1 << 16;

struct Matrix {
  int a, b, c, d;  // a pixel (x, y) is shown at (a x + c y, b x + d y)
};

// Pixel by pixel, as the definition says.
cv::Mat shown(const cv::Mat& coded, const Matrix& m) {
  const cv::Size size = m.a == 0 ? cv::Size(coded.rows, coded.cols) : coded.size();
  cv::Mat out(size, coded.type());
  for (int y = 0; y < coded.rows; ++y) {
    for (int x = 0; x < coded.cols; ++x) {
      const int to_x = m.a * x + m.c * y;
      const int to_y = m.b * x + m.d * y;
      out.at<cv::Vec3b>(m.b + m.d < 0 ? to_y + size.height - 1 : to_y,
                        m.a + m.c < 0 ? to_x + size.width - 1 : to_x) = coded.at<cv::Vec3b>(y, x);
    }
  }
  return out;
}

cv::Mat random_picture(std::mt19937& random) {
  cv::Mat picture(static_cast<int>(1 + random() % 40), static_cast<int>(1 + random() % 40), CV_8UC3);
  for (std::size_t i = 0; i < picture.total() * 3; ++i) picture.data[i] = static_cast<std::uint8_t>(random());
  return picture;
}

TEST(Turn, FollowsAllEightMatrices) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  cv::Mat got;
  for (int round = 0; round < 20; ++round) {
    const cv::Mat coded = random_picture(random);
    for (const int one : {-1, 1}) {
      for (const int other : {-1, 1}) {
        for (const Matrix& m : {Matrix{one, 0, 0, other}, Matrix{0, one, other, 0}}) {
          const std::int32_t matrix[9] = {m.a * kOne, m.b * kOne, 0, m.c * kOne, m.d * kOne,
                                          0,          0,          0, 1 << 30};
          turn(coded, turn_of(matrix), got);
          const cv::Mat expected = shown(coded, m);
          ASSERT_EQ(got.size(), expected.size());
          EXPECT_EQ(cv::norm(got, expected, cv::NORM_INF), 0)
              << m.a << ' ' << m.b << ' ' << m.c << ' ' << m.d;
        }
      }
    }
  }
}

TEST(Turn, LeavesOtherAnglesAsTheyWereCoded) {
  const std::int32_t half = kOne / 2;
  const std::int32_t slanted[9] = {half, half, 0, -half, half, 0, 0, 0, 1 << 30};
  const std::int32_t nothing[9] = {};
  const std::int32_t nearly[9] = {300, kOne, 0, -kOne, -300, 0, 0, 0, 1 << 30};
  EXPECT_FALSE(turn_of(slanted).any());
  EXPECT_FALSE(turn_of(nothing).any());
  EXPECT_TRUE(turn_of(nearly).transposed);
}

}  // namespace
}  // namespace fcn_edge::app
