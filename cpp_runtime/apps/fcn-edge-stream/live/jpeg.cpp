#include "live/jpeg.hpp"

namespace fcn_edge::app {

const JpegModule& jpeg() {
  static const auto& module = static_cast<const JpegModule&>(load_module("media", "fcn_edge_media_jpeg"));
  return module;
}

}  // namespace fcn_edge::app
