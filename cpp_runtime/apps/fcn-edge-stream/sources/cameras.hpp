#pragma once

#include <opencv2/core/types.hpp>
#include <optional>
#include <string>
#include <vector>

namespace fcn_edge::app {

/// A V4L2 camera as typed: "0", "/dev/video2" or "v4l2:PATH", then what is wanted of it, each part after a
/// comma and optional: "0,1280x720@30,MJPG".
struct CameraRequest {
  std::string path;
  cv::Size size;       ///< 0x0: the driver's choice
  double fps = 0;      ///< 0: the driver's choice
  std::string format;  ///< FourCC such as MJPG or YUYV; empty: the driver's choice
};

/// Parse it; empty for what is no camera at all. Throws Error(misuse) for a camera with malformed wishes.
std::optional<CameraRequest> parse_camera(const std::string& spec);

/// One way a camera can deliver pictures.
struct CameraMode {
  std::string format;  ///< FourCC
  cv::Size smallest;   ///< equal to `largest` where the driver lists single sizes
  cv::Size largest;
  std::vector<double> rates;  ///< frames a second, as listed; with a range, its ends
};

struct CameraInfo {
  std::string path;
  std::string name;
  std::string driver;
  std::vector<CameraMode> modes;
};

/// Ask the driver of the device file `path` (VIDIOC_ENUM_FMT and so on). Empty when it cannot be opened or is
/// no video capture device.
std::optional<CameraInfo> describe_camera(const std::string& path);

/// Throws Error(misuse) with what the camera offers when it does not offer what is wanted.
void check_offered(const CameraRequest& wanted, const CameraInfo& camera);

/// Print all cameras /dev/videoN with their modes to stdout. Throws Error(io) when there is none.
void print_cameras();

/// The listing of one camera, several lines.
std::string listed(const CameraInfo& camera);

}  // namespace fcn_edge::app
