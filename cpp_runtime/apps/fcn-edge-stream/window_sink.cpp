#include <cstdlib>
#include <fcn_edge/error.hpp>
#include <opencv2/highgui.hpp>
#include <utility>

#include "sink.hpp"

namespace fcn_edge::app {
namespace {

constexpr int kEscape = 27;

class WindowSink : public Sink {
 public:
  explicit WindowSink(std::string title) : title_(std::move(title)) {
    if (std::getenv("DISPLAY") == nullptr && std::getenv("WAYLAND_DISPLAY") == nullptr) {
      throw Error(ErrorCode::misuse,
                  "--window needs a screen, and this session has none (DISPLAY is not set)",
                  "write a file with --out instead");
    }
    cv::namedWindow(title_, cv::WINDOW_NORMAL | cv::WINDOW_KEEPRATIO);
  }

  ~WindowSink() override { cv::destroyWindow(title_); }

  bool needs_overlay() const override { return true; }

  void write(const Scene& scene) override {
    cv::imshow(title_, scene.image);
    const int key = cv::waitKey(1) & 0xFF;
    const bool closed = cv::getWindowProperty(title_, cv::WND_PROP_VISIBLE) < 1;
    stop_ = stop_ || closed || key == 'q' || key == kEscape;
  }

  bool wants_stop() const override { return stop_; }

 private:
  std::string title_;
  bool stop_ = false;
};

}  // namespace

std::unique_ptr<Sink> make_window_sink(const std::string& title) {
  return std::make_unique<WindowSink>(title);
}

}  // namespace fcn_edge::app
