#include "video_source.hpp"

#include <fcn_edge/error.hpp>
#include <filesystem>
#include <opencv2/videoio.hpp>
#include <utility>

namespace fcn_edge::app {
namespace {

class VideoSource : public Source {
 public:
  VideoSource(const cv::VideoCapture& capture, std::string what, bool live)
      : capture_(capture), what_(std::move(what)), live_(live) {
    fps_ = capture_.get(cv::CAP_PROP_FPS);
    if (!(fps_ > 0 && fps_ < 1000)) fps_ = 0;
  }

  bool read(cv::Mat& image, std::string& /*name*/) override {
    if (!capture_.read(image) || image.empty()) {
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

std::string list_cameras() {
  std::string found;
  for (int i = 0; i < 64; ++i) {
    const std::string path = "/dev/video" + std::to_string(i);
    if (std::filesystem::exists(path)) found += " " + path;
  }
  return found.empty() ? "this machine has no /dev/video device" : "this machine has" + found;
}

}  // namespace

std::unique_ptr<Source> open_video_file(const std::string& path) {
  return make(cv::VideoCapture(path, cv::CAP_ANY), path, false, "is it a video this machine can decode?");
}

std::unique_ptr<Source> open_camera(int index) { return open_device("/dev/video" + std::to_string(index)); }

std::unique_ptr<Source> open_device(const std::string& path) {
  if (!std::filesystem::exists(path))
    throw Error(ErrorCode::io, "there is no camera " + path, list_cameras());
  return make(cv::VideoCapture(path, cv::CAP_V4L2), "camera " + path, true, "another program may hold it");
}

// What has a known length is a recording even when it comes over the network.
std::unique_ptr<Source> open_address(const std::string& url) {
  cv::VideoCapture capture(url, cv::CAP_ANY);
  const bool live = !(capture.isOpened() && capture.get(cv::CAP_PROP_FRAME_COUNT) > 0);
  return make(capture, url, live, "check that the address answers, for example with ffprobe");
}

std::unique_ptr<Source> open_gstreamer(const std::string& pipeline) {
  const bool live = pipeline.find("filesrc") == std::string::npos;
  return make(
      cv::VideoCapture(pipeline, cv::CAP_GSTREAMER), "GStreamer pipeline '" + pipeline + "'", live,
      "try it with gst-launch-1.0; it must end in '! videoconvert ! video/x-raw,format=BGR ! appsink'");
}

}  // namespace fcn_edge::app
