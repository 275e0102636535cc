#include <sys/statvfs.h>

#include <cstdlib>
#include <fcn_edge/error.hpp>
#include <filesystem>
#include <opencv2/imgproc.hpp>
#include <opencv2/videoio.hpp>

#include "sinks/make_sinks.hpp"
#include "sinks/staged_file.hpp"
#include "sinks/video_name.hpp"

namespace fcn_edge::app {
namespace {

constexpr double kUsualFps = 30;

// OpenCV's writer reports no error: neither a codec's nor a full disk's. So the finished file is read back,
// and the frames it says it holds are compared with the frames written.
void check_written(const std::string& file, const std::string& path, std::uint64_t frames) {
  cv::VideoCapture back(file, cv::CAP_FFMPEG);
  const double count = back.isOpened() ? back.get(cv::CAP_PROP_FRAME_COUNT) : 0;
  if (count + 0.5 >= static_cast<double>(frames)) return;
  throw Error(ErrorCode::io, "cannot write " + path + ": the video came out damaged", "is the disk full?");
}

bool disk_is_full(const std::string& file) {
  struct statvfs disk {};
  const std::string folder = std::filesystem::path(file).parent_path().string();
  if (::statvfs(folder.empty() ? "." : folder.c_str(), &disk) != 0) return false;
  return disk.f_bavail * disk.f_frsize < (1 << 20);
}

class VideoSink : public Sink {
 public:
  VideoSink(const std::string& path, double fps)
      : path_(path), fps_(fps > 0 ? fps : kUsualFps), staged_(path, ".mp4") {}

  ~VideoSink() override { writer_.release(); }

  bool needs_overlay() const override { return true; }

  void write(const Scene& scene) override {
    if (frames_ == 0) {
      size_ = scene.image.size();
      open({size_.width + size_.width % 2, size_.height + size_.height % 2});
    }
    if (frames_ % 64 == 0 && disk_is_full(staged_.temporary())) {
      throw Error(ErrorCode::io, "cannot write " + path_ + ": the disk is full", "free some space");
    }
    if (scene.image.size() == size_) {
      append(scene.image);
    } else {  // the camera changed its size; a video file cannot
      cv::resize(scene.image, resized_, size_);
      append(resized_);
    }
    ++frames_;
  }

  void commit() override {
    writer_.release();
    if (frames_ == 0) return;
    check_written(staged_.temporary(), path_, frames_);
    staged_.commit();
  }

 private:
  // The codecs halve the colour's resolution: of an odd size OpenCV would leave the last row and column out.
  void append(const cv::Mat& image) {
    if (image.size() == written_) {
      writer_.write(image);
      return;
    }
    cv::copyMakeBorder(image, padded_, 0, written_.height - image.rows, 0, written_.width - image.cols,
                       cv::BORDER_REPLICATE);
    writer_.write(padded_);
  }

  void open(cv::Size even) {
    written_ = even;
    for (const char* codec : codecs_for(staged_.temporary())) {
      const int fourcc = cv::VideoWriter::fourcc(codec[0], codec[1], codec[2], codec[3]);
      if (writer_.open(staged_.temporary(), cv::CAP_FFMPEG, fourcc, fps_, written_)) return;
    }
    throw Error(ErrorCode::io, "cannot write " + path_ + ": OpenCV has no encoder for it",
                "give a name ending in .mp4, and check that the disk is not full");
  }

  std::string path_;
  double fps_;
  StagedFile staged_;
  cv::VideoWriter writer_;
  cv::Size size_;     // of the first frame
  cv::Size written_;  // the next even one
  cv::Mat resized_;
  cv::Mat padded_;
  std::uint64_t frames_ = 0;
};

}  // namespace

std::unique_ptr<Sink> make_video_sink(const std::string& path, double fps) {
  return std::make_unique<VideoSink>(path, fps);
}

}  // namespace fcn_edge::app
