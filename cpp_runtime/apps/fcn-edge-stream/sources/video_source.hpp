#pragma once

#include <memory>
#include <string>

#include "sources/cameras.hpp"
#include "sources/source.hpp"

namespace fcn_edge::app {

std::unique_ptr<Source> open_video_file(const std::string& path);
std::unique_ptr<Source> open_camera(const CameraRequest& wanted);
std::unique_ptr<Source> open_address(const std::string& url,
                                     std::chrono::milliseconds patience);  ///< rtsp://, http://, ...
std::unique_ptr<Source> open_gstreamer(const std::string& pipeline);

}  // namespace fcn_edge::app
