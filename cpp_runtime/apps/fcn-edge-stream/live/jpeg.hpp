#pragma once

#include <cstdint>
#include <opencv2/core/mat.hpp>
#include <vector>

namespace fcn_edge::app {

/// `picture` (8-bit BGR) as a JPEG file of quality 0 to 100 in `bytes`, whose memory is reused.
void encode_jpeg(const cv::Mat& picture, int quality, std::vector<std::uint8_t>& bytes);

}  // namespace fcn_edge::app
