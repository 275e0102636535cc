#pragma once

#include <opencv2/core/types.hpp>
#include <string>

namespace fcn_edge::app {

/// A size and rate as typed: "640x480" or "640x480@25" (width x height @ frames a second).
struct PictureSize {
  cv::Size size;
  double fps = 0;  ///< 0 when not given
};

/// Parse it. Throws Error(misuse) quoting `what` (the option or source that holds it).
PictureSize parse_picture_size(const std::string& text, const std::string& what);

}  // namespace fcn_edge::app
