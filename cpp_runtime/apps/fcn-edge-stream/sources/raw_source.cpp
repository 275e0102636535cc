#include "sources/raw_source.hpp"

#include <poll.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <fcn_edge/error.hpp>
#include <system_error>
#include <utility>

#include "ground/process.hpp"
#include "sources/picture_size.hpp"

namespace fcn_edge::app {
namespace {

constexpr std::chrono::milliseconds kLook{
    50};  // how soon a waiting read() notices that nobody wants it any more

class RawSource : public Source {
 public:
  explicit RawSource(const PictureSize& wanted) : wanted_(wanted) { next_.create(wanted.size, CV_8UC3); }

  bool ready(std::chrono::milliseconds patience) override {
    const Clock::time_point until = Clock::now() + patience;
    while (!over_ && done_ < size()) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now());
      if (left.count() <= 0 || !take_some(left)) return false;
    }
    return true;
  }

  bool read(cv::Mat& image, std::string& /*name*/) override {
    while (!interrupted_ && !stop_requested() && !ready(kLook)) {
    }
    if (done_ == size()) {
      std::swap(image, next_);
      next_.create(wanted_.size, CV_8UC3);
      done_ = 0;
      return true;
    }
    if (over_ && done_ != 0) {
      throw Error(ErrorCode::io,
                  "standard input ended within a frame: " + std::to_string(done_) + " of " +
                      std::to_string(size()) + " bytes",
                  "does the writer send packed 8-bit BGR of this size?");
    }
    return false;
  }

  bool live() const override { return false; }
  double fps() const override { return wanted_.fps; }
  void interrupt() override { interrupted_ = true; }

 private:
  std::size_t size() const { return next_.total() * next_.elemSize(); }

  // False when nothing comes for so long.
  bool take_some(std::chrono::milliseconds patience) {
    pollfd input{STDIN_FILENO, POLLIN, 0};
    if (::poll(&input, 1, static_cast<int>(patience.count())) <= 0) return false;
    const ssize_t got = ::read(STDIN_FILENO, next_.data + done_, size() - done_);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) return false;
    if (got < 0)
      throw Error(ErrorCode::io, "cannot read standard input: " + std::generic_category().message(errno));
    over_ = got == 0;
    done_ += static_cast<std::size_t>(got);
    return true;
  }

  PictureSize wanted_;
  cv::Mat next_;          // the frame that is being read
  std::size_t done_ = 0;  // bytes of it that are there
  bool over_ = false;
  std::atomic<bool> interrupted_{false};
};

}  // namespace

std::unique_ptr<Source> open_raw_source(const std::string& size) {
  return std::make_unique<RawSource>(parse_picture_size(size, "source raw:"));
}

}  // namespace fcn_edge::app
