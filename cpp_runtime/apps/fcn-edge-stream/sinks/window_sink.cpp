#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <exception>
#include <fcn_edge/error.hpp>
#include <opencv2/highgui.hpp>
#include <utility>

#include "sinks/make_sinks.hpp"

namespace fcn_edge::app {
namespace {

constexpr int kEscape = 27;
constexpr int kStyle = cv::WINDOW_NORMAL | cv::WINDOW_KEEPRATIO;
constexpr unsigned kProbeSeconds = 10;
constexpr std::chrono::milliseconds kPause{100};  // between two looks at the window while no frame comes

// Qt, behind OpenCV's windows, aborts the process when the screen does not answer. So a child tries first.
bool window_opens(const std::string& title) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(kProbeSeconds);
    const int nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (nowhere >= 0) ::dup2(nowhere, STDERR_FILENO);
    try {
      cv::namedWindow(title, kStyle);
      ::_exit(0);
    } catch (const std::exception&) {
      ::_exit(1);
    }
  }
  int status = 1;
  return child > 0 && ::waitpid(child, &status, 0) == child && status == 0;
}

class WindowSink : public Sink {
 public:
  explicit WindowSink(std::string title) : title_(std::move(title)) {
    if (std::getenv("DISPLAY") == nullptr && std::getenv("WAYLAND_DISPLAY") == nullptr) {
      throw Error(ErrorCode::misuse,
                  "--window needs a screen, and this session has none (DISPLAY is not set)",
                  "write a file with --out instead");
    }
    if (!window_opens(title_)) {
      throw Error(ErrorCode::io, "--window cannot open a window on this screen",
                  "write a file with --out instead");
    }
    cv::namedWindow(title_, kStyle);
  }

  ~WindowSink() override {
    try {
      cv::destroyWindow(title_);
    } catch (const cv::Exception&) {  // the person closed it first
    }
  }
  WindowSink(const WindowSink&) = delete;
  WindowSink& operator=(const WindowSink&) = delete;

  bool needs_overlay() const override { return true; }

  void write(const Scene& scene) override {
    cv::imshow(title_, scene.image);
    shown_ = true;
    look();
  }

  // Also while no frame comes.
  bool wants_stop() const override {
    if (Clock::now() - looked_ > kPause) look();
    return stop_;
  }

 private:
  void look() const {
    looked_ = Clock::now();
    const int key = cv::waitKey(1) & 0xFF;
    const bool closed = shown_ && cv::getWindowProperty(title_, cv::WND_PROP_VISIBLE) < 1;
    stop_ = stop_ || closed || key == 'q' || key == kEscape;
  }

  std::string title_;
  bool shown_ = false;
  mutable bool stop_ = false;
  mutable Clock::time_point looked_;
};

}  // namespace

std::unique_ptr<Sink> make_window_sink(const std::string& title) {
  return std::make_unique<WindowSink>(title);
}

}  // namespace fcn_edge::app
