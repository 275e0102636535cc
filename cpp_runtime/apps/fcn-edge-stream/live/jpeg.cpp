#include "live/jpeg.hpp"

#include <opencv2/imgcodecs.hpp>

namespace fcn_edge::app {

void encode_jpeg(const cv::Mat& picture, int quality, std::vector<std::uint8_t>& bytes) {
  cv::imencode(".jpg", picture, bytes, {cv::IMWRITE_JPEG_QUALITY, quality});
}

}  // namespace fcn_edge::app
