#include "sources/turn.hpp"

#include <cmath>
#include <opencv2/core.hpp>

namespace fcn_edge::app {
namespace {

constexpr double kDegree = 0.0175;  // its tangent

bool outweigh(std::int32_t one, std::int32_t other, std::int32_t small, std::int32_t slight) {
  const double least = std::fmin(std::fabs(one), std::fabs(other));
  return least > 0 && std::fmax(std::fabs(small), std::fabs(slight)) < kDegree * least;
}

}  // namespace

// A pixel (x, y) is shown at (a x + c y, b x + d y).
Turn turn_of(const std::int32_t* matrix) {
  const std::int32_t a = matrix[0];
  const std::int32_t b = matrix[1];
  const std::int32_t c = matrix[3];
  const std::int32_t d = matrix[4];
  if (outweigh(a, d, b, c)) return {false, a < 0, d < 0};
  if (outweigh(b, c, a, d)) return {true, c < 0, b < 0};
  return {};
}

void turn(const cv::Mat& from, Turn how, cv::Mat& to) {
  if (how.transposed) {
    cv::transpose(from, to);
  } else {
    from.copyTo(to);
  }
  if (!how.mirrored_columns && !how.mirrored_rows) return;
  const int both = -1;
  cv::flip(to, to, how.mirrored_columns && how.mirrored_rows ? both : how.mirrored_columns ? 1 : 0);
}

}  // namespace fcn_edge::app
