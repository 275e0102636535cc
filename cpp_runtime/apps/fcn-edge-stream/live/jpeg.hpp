#pragma once

#include <cstdint>
#include <opencv2/core/mat.hpp>
#include <vector>

#include "ground/module.hpp"

namespace fcn_edge::app {

/// The live page's part of libfcn_edge_media.so (sources/media.hpp says why it is there).
struct JpegModule : ModuleTable {
  /// `picture` (8-bit BGR) as a JPEG file of quality 0 to 100 in `bytes`, whose memory is reused.
  void (*encode)(const cv::Mat& picture, int quality, std::vector<std::uint8_t>& bytes);
};

/// The loaded table. Throws Error(backend) when the shared object is missing or of another version.
const JpegModule& jpeg();

}  // namespace fcn_edge::app
