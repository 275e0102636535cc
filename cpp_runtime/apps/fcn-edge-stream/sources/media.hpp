#pragma once

#include <memory>
#include <string>

#include "ground/module.hpp"
#include "sources/cameras.hpp"
#include "sources/source.hpp"

namespace fcn_edge::app {

/// The sources that need OpenCV's image and video libraries. These bring some 230 other libraries along,
/// which cost more than a tenth of a second and 60 MB, so they sit in libfcn_edge_media.so, loaded by the
/// first call of any function that is declared in image_source.hpp or video_source.hpp; these are forwarded
/// through this table. The same shared object has a table for every other folder that needs these libraries.
struct MediaSources : ModuleTable {
  std::unique_ptr<Source> (*open_video_file)(const std::string& path);
  std::unique_ptr<Source> (*open_camera)(const CameraRequest& wanted);
  std::unique_ptr<Source> (*open_address)(const std::string& url, std::chrono::milliseconds patience);
  std::unique_ptr<Source> (*open_gstreamer)(const std::string& pipeline);
  std::unique_ptr<Source> (*open_images)(const std::string& path, const SourceSettings& settings);
};

}  // namespace fcn_edge::app
