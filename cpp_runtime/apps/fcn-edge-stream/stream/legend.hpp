#pragma once

#include <fcn_edge/bundle_info.hpp>
#include <opencv2/core/mat.hpp>
#include <vector>

namespace fcn_edge::app {

/// Class names beside their colours, drawn once and copied into the lower left corner of every frame.
class Legend {
 public:
  explicit Legend(std::vector<ClassInfo> classes) : classes_(std::move(classes)) {}

  void draw(cv::Mat& frame);

 private:
  void render(cv::Size frame);

  std::vector<ClassInfo> classes_;
  cv::Mat picture_;
  cv::Size frame_size_;
};

}  // namespace fcn_edge::app
