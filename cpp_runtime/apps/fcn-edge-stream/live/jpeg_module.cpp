// The live page's part of libfcn_edge_media.so.

#include <opencv2/imgcodecs.hpp>

#include "fcn_edge/version.hpp"
#include "live/jpeg.hpp"

namespace fcn_edge::app {
namespace {

void encode_jpeg(const cv::Mat& picture, int quality, std::vector<std::uint8_t>& bytes) {
  cv::imencode(".jpg", picture, bytes, {cv::IMWRITE_JPEG_QUALITY, quality});
}

}  // namespace
}  // namespace fcn_edge::app

extern "C" __attribute__((visibility("default"))) const fcn_edge::app::ModuleTable* fcn_edge_media_jpeg() {
  static const fcn_edge::app::JpegModule table{{FCN_EDGE_VERSION}, &fcn_edge::app::encode_jpeg};
  return &table;
}
