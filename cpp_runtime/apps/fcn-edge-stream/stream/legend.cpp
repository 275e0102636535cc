#include "stream/legend.hpp"

#include <algorithm>
#include <opencv2/imgproc.hpp>

namespace fcn_edge::app {
namespace {

constexpr int kFont = cv::FONT_HERSHEY_SIMPLEX;

cv::Scalar bgr(const ClassInfo& info) {
  return {double(info.rgb[2]), double(info.rgb[1]), double(info.rgb[0])};
}

}  // namespace

void Legend::draw(cv::Mat& frame) {
  if (frame.size() != frame_size_) render(frame.size());
  if (picture_.empty()) return;
  picture_.copyTo(frame(cv::Rect(0, frame.rows - picture_.rows, picture_.cols, picture_.rows)));
}

// A line is a 30th of the frame's height: legible at any size. Frames too small for the list get none.
void Legend::render(cv::Size frame) {
  frame_size_ = frame;
  picture_.release();
  const int line = std::max(12, frame.height / 30);
  const double scale = line / 32.0;
  int text_width = 0;
  int baseline = 0;
  for (const ClassInfo& info : classes_) {
    text_width = std::max(text_width, cv::getTextSize(info.name, kFont, scale, 1, &baseline).width);
  }
  const cv::Size size(text_width + 2 * line, line * static_cast<int>(classes_.size()) + line / 2);
  if (size.width > frame.width / 2 || size.height > frame.height) return;

  picture_ = cv::Mat(size, CV_8UC3, cv::Scalar(24, 24, 24));
  int top = line / 4;
  for (const ClassInfo& info : classes_) {
    cv::rectangle(picture_, cv::Rect(line / 4, top + line / 8, line, 3 * line / 4), bgr(info), cv::FILLED);
    cv::putText(picture_, info.name, {line + line / 2, top + 3 * line / 4}, kFont, scale, {255, 255, 255}, 1,
                cv::LINE_AA);
    top += line;
  }
}

}  // namespace fcn_edge::app
