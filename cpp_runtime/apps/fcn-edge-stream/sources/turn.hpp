#pragma once

#include <cstdint>
#include <opencv2/core/mat.hpp>

namespace fcn_edge::app {

/// What makes of a decoded picture the one to be shown: rows and columns are exchanged first, then mirrored.
struct Turn {
  bool transposed = false;
  bool mirrored_columns = false;  ///< left and right exchanged
  bool mirrored_rows = false;     ///< top and bottom exchanged

  bool any() const { return transposed || mirrored_columns || mirrored_rows; }
};

/// The turn that a recording's display matrix asks for: nine numbers as in MP4 and FFmpeg, of which the
/// first, second, fourth and fifth turn and mirror. None for a matrix that is no quarter turn within a
/// degree: such a picture is shown as it was coded, as OpenCV does.
Turn turn_of(const std::int32_t* matrix);

/// `from` turned into `to`, which keeps its buffer when the size fits. They must not share one.
void turn(const cv::Mat& from, Turn how, cv::Mat& to);

}  // namespace fcn_edge::app
