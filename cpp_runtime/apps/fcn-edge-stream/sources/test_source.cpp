#include "sources/test_source.hpp"

#include <fcn_edge/error.hpp>
#include <opencv2/imgproc.hpp>
#include <thread>

#include "sources/coded_picture.hpp"
#include "sources/picture_size.hpp"

namespace fcn_edge::app {
namespace {

class TestSource : public Source {
 public:
  explicit TestSource(const PictureSize& wanted) : fps_(wanted.fps), background_(wanted.size, CV_8UC3) {
    for (int y = 0; y < background_.rows; ++y) {
      for (int x = 0; x < background_.cols; ++x) {
        background_.at<cv::Vec3b>(y, x) = {static_cast<std::uint8_t>(255 * x / background_.cols),
                                           static_cast<std::uint8_t>(255 * y / background_.rows),
                                           static_cast<std::uint8_t>((x / 16 + y / 16) % 2 * 96)};
      }
    }
  }

  bool read(cv::Mat& image, std::string& /*name*/) override {
    if (next_ == 0) began_ = Clock::now();
    if (fps_ > 0) {
      std::this_thread::sleep_until(
          began_ + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(next_ / fps_)));
    }
    background_.copyTo(image);
    const int x = static_cast<int>(next_ * 4 % static_cast<unsigned>(image.cols));
    image(cv::Rect(x, image.rows / 2, std::min(24, image.cols - x), image.rows / 4))
        .setTo(cv::Scalar(40, 40, 220));
    write_code(image, {next_++, std::chrono::nanoseconds(Clock::now().time_since_epoch()).count()});
    return true;
  }

  bool live() const override { return fps_ > 0; }
  double fps() const override { return fps_; }

 private:
  double fps_;
  cv::Mat background_;
  Clock::time_point began_;
  std::uint32_t next_ = 0;
};

}  // namespace

std::unique_ptr<Source> open_test_source(const std::string& size) {
  const PictureSize wanted = parse_picture_size(size, "source test:");
  if (wanted.size.width < kCodeWidth || wanted.size.height < kCodeHeight) {
    throw Error(ErrorCode::misuse, "test picture " + size + " is too small for its code",
                "give at least " + std::to_string(kCodeWidth) + "x" + std::to_string(kCodeHeight));
  }
  return std::make_unique<TestSource>(wanted);
}

}  // namespace fcn_edge::app
