#pragma once

#include <cstdint>
#include <opencv2/core/mat.hpp>
#include <optional>

namespace fcn_edge::app {

/// What a test picture says about itself.
struct PictureCode {
  std::uint32_t id = 0;          ///< counts up from 0
  std::int64_t nanoseconds = 0;  ///< steady clock when it was "exposed"
};

constexpr int kCodeWidth = 112;  ///< pixels: the smallest picture that holds a code
constexpr int kCodeHeight = 64;

/// Paint the code into the upper left corner: 8 x 14 squares of 8 x 8 pixels, white for 1, black for 0. Large
/// enough to survive a video codec.
void write_code(cv::Mat& picture, const PictureCode& code);

/// Read it back; empty when the checksum does not fit.
std::optional<PictureCode> read_code(const cv::Mat& picture);

}  // namespace fcn_edge::app
