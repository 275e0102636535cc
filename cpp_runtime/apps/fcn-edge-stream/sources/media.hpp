#pragma once

#include <cstdint>
#include <memory>
#include <opencv2/core/mat.hpp>
#include <string>
#include <vector>

#include "sinks/sink.hpp"
#include "sources/cameras.hpp"
#include "sources/source.hpp"

namespace fcn_edge::app {

/// What needs OpenCV's image and video libraries. These bring some 230 other libraries along, which cost more
/// than a tenth of a second and 60 MB, so they sit in libfcn_edge_media.so, loaded by the first call of any
/// function that is declared in image_source.hpp, video_source.hpp or jpeg.hpp, or of make_mask_sink and
/// make_video_sink; all of them are forwarded through this table.
struct MediaModule {
  const char* version;  ///< of fcn-edge; must be the program's own
  std::unique_ptr<Source> (*open_video_file)(const std::string& path);
  std::unique_ptr<Source> (*open_camera)(const CameraRequest& wanted);
  std::unique_ptr<Source> (*open_address)(const std::string& url);
  std::unique_ptr<Source> (*open_gstreamer)(const std::string& pipeline);
  std::unique_ptr<Source> (*open_images)(const std::string& path);
  std::unique_ptr<Sink> (*make_mask_sink)(const std::string& folder);
  std::unique_ptr<Sink> (*make_video_sink)(const std::string& path, double fps);
  void (*encode_jpeg)(const cv::Mat& picture, int quality, std::vector<std::uint8_t>& bytes);
};

/// The same for make_window_sink, in libfcn_edge_window.so: windows bring Qt along.
struct WindowModule {
  const char* version;
  std::unique_ptr<Sink> (*make_window_sink)(const std::string& title);
};

/// The loaded table. Throws Error(backend) when the shared object is missing or of another version.
const MediaModule& media();

}  // namespace fcn_edge::app
