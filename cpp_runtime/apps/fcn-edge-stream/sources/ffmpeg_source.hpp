#pragma once

#include <memory>
#include <string>

#include "ground/module.hpp"
#include "sources/source.hpp"

namespace fcn_edge::app {

/// What is read through FFmpeg's own libraries, in libfcn_edge_ffmpeg.so: recordings and addresses. OpenCV
/// reads them through the same libraries, but brings a hundred more, a tenth of a second and 40 MB.
struct FfmpegModule : ModuleTable {
  /// Open a video file or, with `address`, a network camera; pixels equal those of cv::VideoCapture. A
  /// recording that is to be turned or mirrored is. `leaving` is asked while the network is waited for; a
  /// server gets `patience` at most to open, and to send each packet. Throws Error(io) for what cannot be
  /// opened.
  std::unique_ptr<Source> (*open)(const std::string& url, bool address, bool (*leaving)(),
                                  std::chrono::milliseconds patience);
};

}  // namespace fcn_edge::app
