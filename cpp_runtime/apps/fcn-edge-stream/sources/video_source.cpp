#include "sources/video_source.hpp"

#include <algorithm>
#include <cmath>
#include <fcn_edge/error.hpp>
#include <filesystem>
#include <opencv2/videoio.hpp>
#include <opencv2/videoio/registry.hpp>
#include <utility>
#include <vector>

namespace fcn_edge::app {
namespace {

constexpr std::chrono::seconds kSilence{10};  // what a server gets to answer, at most

class VideoSource : public Source {
 public:
  VideoSource(const cv::VideoCapture& capture, std::string what, bool live)
      : capture_(capture), what_(std::move(what)), live_(live) {
    fps_ = capture_.get(cv::CAP_PROP_FPS);
    if (!(fps_ > 0 && fps_ < 1000)) fps_ = 0;
  }

  bool read(cv::Mat& image, std::string& /*name*/) override {
    if (!grab(image)) {
      if (frames_ == 0)
        throw Error(ErrorCode::io, what_ + " gave no frame", "is it a video this machine can decode?");
      return false;
    }
    ++frames_;
    return true;
  }

  bool live() const override { return live_; }
  double fps() const override { return fps_; }

 private:
  // OpenCV asserts when a driver or decoder answers oddly; for us the source is broken.
  bool grab(cv::Mat& image) {
    try {
      return capture_.read(image) && !image.empty();
    } catch (const cv::Exception& error) {
      throw Error(ErrorCode::io, what_ + " broke: " + error.err, "is its driver in order?");
    }
  }

  cv::VideoCapture capture_;
  std::string what_;
  bool live_;
  double fps_ = 0;
  std::uint64_t frames_ = 0;
};

std::unique_ptr<Source> make(const cv::VideoCapture& capture, const std::string& what, bool live,
                             const std::string& hint) {
  if (!capture.isOpened()) throw Error(ErrorCode::io, "cannot open " + what, hint);
  return std::make_unique<VideoSource>(capture, what, live);
}

std::vector<int> camera_properties(const CameraRequest& wanted) {
  std::vector<int> properties;
  const std::string& format = wanted.format;
  if (!format.empty()) {
    properties = {cv::CAP_PROP_FOURCC, cv::VideoWriter::fourcc(format[0], format[1], format[2], format[3])};
  }
  if (!wanted.size.empty()) {
    properties.insert(properties.end(), {cv::CAP_PROP_FRAME_WIDTH, wanted.size.width,
                                         cv::CAP_PROP_FRAME_HEIGHT, wanted.size.height});
  }
  if (wanted.fps > 0)
    properties.insert(properties.end(), {cv::CAP_PROP_FPS, static_cast<int>(std::lround(wanted.fps))});
  return properties;
}

// GStreamer is left out where FFmpeg is there: OpenCV would try it next, and it brings the program down when
// a server is silent.
int usual_backend() {
  return cv::videoio_registry::hasBackend(cv::CAP_FFMPEG) ? cv::CAP_FFMPEG : cv::CAP_ANY;
}

}  // namespace

// OpenCV before 4.7 turns such recordings the wrong way round, and none of them mirrors.
std::unique_ptr<Source> open_video_file(const std::string& path) {
  const cv::VideoCapture capture(std::filesystem::absolute(path).string(), usual_backend());
  if (capture.isOpened() && std::lround(capture.get(cv::CAP_PROP_ORIENTATION_META)) % 360 != 0) {
    throw Error(ErrorCode::io,
                path + " is to be turned, which this build without FFmpeg's libraries does not do",
                "install libavformat-dev and build again, or turn it once: ffmpeg -i IN OUT");
  }
  return make(capture, path, false, "is it a video this machine can decode?");
}

std::unique_ptr<Source> open_camera(const CameraRequest& wanted) {
  const std::string what = "camera " + wanted.path;
  const cv::VideoCapture capture(wanted.path, cv::CAP_V4L2, camera_properties(wanted));
  const cv::Size got(static_cast<int>(capture.get(cv::CAP_PROP_FRAME_WIDTH)),
                     static_cast<int>(capture.get(cv::CAP_PROP_FRAME_HEIGHT)));
  if (capture.isOpened() && !wanted.size.empty() && got != wanted.size) {
    throw Error(ErrorCode::io,
                what + " gives " + std::to_string(got.width) + "x" + std::to_string(got.height) +
                    " when asked for " + std::to_string(wanted.size.width) + "x" +
                    std::to_string(wanted.size.height),
                "see fcn-edge-stream --list-cameras");
  }
  return make(capture, what, true, "another program may hold it");
}

// What has a known length is a recording even when it comes over the network.
std::unique_ptr<Source> open_address(const std::string& url, std::chrono::milliseconds patience) {
  const int silence = static_cast<int>(std::min<std::chrono::milliseconds>(patience, kSilence).count());
  cv::VideoCapture capture(
      url, usual_backend(),
      {cv::CAP_PROP_OPEN_TIMEOUT_MSEC, silence, cv::CAP_PROP_READ_TIMEOUT_MSEC, silence});
  const bool live = !(capture.isOpened() && capture.get(cv::CAP_PROP_FRAME_COUNT) > 0);
  return make(capture, shown(url), live, "check that the address answers, for example with ffprobe");
}

std::unique_ptr<Source> open_gstreamer(const std::string& pipeline) {
  const bool live = pipeline.find("filesrc") == std::string::npos;
  return make(
      cv::VideoCapture(pipeline, cv::CAP_GSTREAMER), "GStreamer pipeline '" + shown(pipeline) + "'", live,
      "try it with gst-launch-1.0; it must end in '! videoconvert ! video/x-raw,format=BGR ! appsink'");
}

}  // namespace fcn_edge::app
