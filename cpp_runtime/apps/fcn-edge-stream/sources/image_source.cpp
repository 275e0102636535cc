#include "sources/image_source.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <fcn_edge/error.hpp>
#include <filesystem>
#include <opencv2/imgcodecs.hpp>
#include <utility>
#include <vector>

#include "sources/image_name.hpp"

namespace fcn_edge::app {
namespace fs = std::filesystem;
namespace {

// libpng and libjpeg print about damaged files on their own; while one is decoded, stderr leads nowhere.
class QuietStderr {
 public:
  QuietStderr() : kept_(::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3)) {
    const int nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (kept_ >= 0 && nowhere >= 0) ::dup2(nowhere, STDERR_FILENO);
    if (nowhere >= 0) ::close(nowhere);
  }
  ~QuietStderr() {
    if (kept_ < 0) return;
    ::dup2(kept_, STDERR_FILENO);
    ::close(kept_);
  }
  QuietStderr(const QuietStderr&) = delete;
  QuietStderr& operator=(const QuietStderr&) = delete;

 private:
  int kept_;
};

cv::Mat decode(const fs::path& file) {
  const QuietStderr quiet;
  return cv::imread(file.string(), cv::IMREAD_COLOR);
}

class ImageSource : public Source {
 public:
  explicit ImageSource(std::vector<fs::path> files) : files_(std::move(files)) {}

  bool read(cv::Mat& image, std::string& name) override {
    if (next_ == files_.size()) return false;
    const fs::path& file = files_[next_++];
    image = decode(file);
    if (image.empty())
      throw Error(ErrorCode::io, "cannot read image " + file.string(), "remove or replace it");
    name = file.stem().string();
    return true;
  }

  bool live() const override { return false; }
  double fps() const override { return 0; }

 private:
  std::vector<fs::path> files_;
  std::size_t next_ = 0;
};

}  // namespace

std::unique_ptr<Source> open_images(const std::string& path) {
  std::vector<fs::path> files;
  if (!fs::is_directory(path)) {
    files.emplace_back(path);
    return std::make_unique<ImageSource>(std::move(files));
  }
  for (const auto& entry : fs::directory_iterator(path)) {
    if (entry.is_regular_file() && is_image_name(entry.path().string())) files.push_back(entry.path());
  }
  if (files.empty())
    throw Error(ErrorCode::misuse, path + " holds no image", "images are .png, .jpg or .bmp");
  std::sort(files.begin(), files.end());
  return std::make_unique<ImageSource>(std::move(files));
}

}  // namespace fcn_edge::app
