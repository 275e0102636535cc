#include "sources/raw_source.hpp"

#include <unistd.h>

#include <cerrno>
#include <fcn_edge/error.hpp>

#include "ground/process.hpp"
#include "sources/picture_size.hpp"

namespace fcn_edge::app {
namespace {

class RawSource : public Source {
 public:
  explicit RawSource(const PictureSize& wanted) : wanted_(wanted) {}

  bool read(cv::Mat& image, std::string& /*name*/) override {
    image.create(wanted_.size, CV_8UC3);
    const std::size_t size = image.total() * image.elemSize();
    std::size_t done = 0;
    while (done < size && !stop_requested()) {
      const ssize_t got = ::read(STDIN_FILENO, image.data + done, size - done);
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) break;
      done += static_cast<std::size_t>(got);
    }
    if (done != 0 && done != size && !stop_requested()) {
      throw Error(ErrorCode::io,
                  "standard input ended within a frame: " + std::to_string(done) + " of " +
                      std::to_string(size) + " bytes",
                  "does the writer send packed 8-bit BGR of this size?");
    }
    return done == size;
  }

  bool live() const override { return false; }
  double fps() const override { return wanted_.fps; }

 private:
  PictureSize wanted_;
};

}  // namespace

std::unique_ptr<Source> open_raw_source(const std::string& size) {
  return std::make_unique<RawSource>(parse_picture_size(size, "source raw:"));
}

}  // namespace fcn_edge::app
