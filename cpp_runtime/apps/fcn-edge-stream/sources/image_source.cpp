#include "sources/image_source.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <fcn_edge/error.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <mutex>
#include <opencv2/imgcodecs.hpp>
#include <set>
#include <utility>
#include <vector>

#include "sources/cut_short.hpp"
#include "sources/image_name.hpp"

namespace fcn_edge::app {
namespace fs = std::filesystem;
namespace {

// libpng and libjpeg print about damaged files on their own; while any thread decodes one, stderr leads
// nowhere. The program's own log has a descriptor of its own.
class QuietStderr {
 public:
  QuietStderr() {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (users_++ > 0) return;
    kept_ = ::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    const int nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (kept_ >= 0 && nowhere >= 0) ::dup2(nowhere, STDERR_FILENO);
    if (nowhere >= 0) ::close(nowhere);
  }
  ~QuietStderr() {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (--users_ > 0 || kept_ < 0) return;
    ::dup2(kept_, STDERR_FILENO);
    ::close(kept_);
    kept_ = -1;
  }
  QuietStderr(const QuietStderr&) = delete;
  QuietStderr& operator=(const QuietStderr&) = delete;

 private:
  static std::mutex mutex_;
  static int users_;
  static int kept_;
};

std::mutex QuietStderr::mutex_;
int QuietStderr::users_ = 0;
int QuietStderr::kept_ = -1;

// The pixels of a file, or why there are none.
struct Loaded {
  cv::Mat image;
  std::string fault;
};

Loaded load(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  const std::vector<std::uint8_t> bytes{std::istreambuf_iterator<char>(file),
                                        std::istreambuf_iterator<char>()};
  if (!file.is_open() || file.bad()) return {{}, "it cannot be opened"};
  if (bytes.empty()) return {{}, "it is empty"};
  if (image_is_cut(bytes)) return {{}, "it is cut short"};
  const QuietStderr quiet;
  try {
    cv::Mat image = cv::imdecode(bytes, cv::IMREAD_COLOR);
    return {image, image.empty() ? "it is damaged, or no image" : ""};
  } catch (const cv::Exception&) {  // a header that promises more pixels than OpenCV decodes
    return {{}, "it is too large"};
  }
}

struct ImageFile {
  fs::path path;
  std::string name;  // of its mask
};

class ImageSource : public Source {
 public:
  ImageSource(std::vector<ImageFile> files, const SourceSettings& settings)
      : files_(std::move(files)), settings_(settings) {}

  bool read(cv::Mat& image, std::string& name) override {
    while (next_ < files_.size()) {
      const ImageFile& file = files_[next_++];
      Loaded loaded = load(file.path);
      if (loaded.fault.empty()) {
        image = loaded.image;
        name = file.name;
        return true;
      }
      leave_out(file.path.string(), loaded.fault);
    }
    if (bad_images_ == files_.size()) {
      throw Error(ErrorCode::io, "none of the " + std::to_string(files_.size()) + " images can be read",
                  "check " + files_.front().path.parent_path().string());
    }
    return false;
  }

  bool live() const override { return false; }
  double fps() const override { return 0; }
  std::uint64_t bad_images() const override { return bad_images_; }

 private:
  void leave_out(const std::string& path, const std::string& fault) {
    if (!settings_.skip_bad_images) {
      throw Error(ErrorCode::io, "cannot read image " + path + ": " + fault,
                  "replace it, or leave such images out with --on-bad-image skip");
    }
    ++bad_images_;
    if (settings_.say != nullptr) settings_.say("left out " + path + ": " + fault);
  }

  std::vector<ImageFile> files_;
  SourceSettings settings_;
  std::size_t next_ = 0;
  std::atomic<std::uint64_t> bad_images_{0};
};

std::vector<fs::path> images_in(const std::string& folder) {
  std::vector<fs::path> paths;
  std::error_code error;
  fs::directory_iterator entries(folder, error);
  for (; !error && entries != fs::directory_iterator(); entries.increment(error)) {
    const std::string name = entries->path().filename().string();
    std::error_code lost;  // a link to nothing
    if (name.front() != '.' && is_image_name(name) && entries->is_regular_file(lost))
      paths.push_back(entries->path());
  }
  if (error) throw Error(ErrorCode::io, "cannot read folder " + folder + ": " + error.message());
  if (paths.empty()) {
    throw Error(ErrorCode::misuse, folder + " holds no image",
                "images end in .jpg, .jpeg, .png, .bmp, .webp, .tif or .tiff");
  }
  std::sort(paths.begin(), paths.end(), [](const fs::path& a, const fs::path& b) {
    return a.filename().native() < b.filename().native();
  });
  return paths;
}

// No two masks may have one name.
std::vector<ImageFile> with_names(const std::vector<fs::path>& paths) {
  std::vector<ImageFile> files;
  std::set<std::string> taken;
  for (const fs::path& path : paths) {
    std::string name = path.stem().string();
    if (!taken.insert(name).second) {
      name = path.filename().string();
      if (!taken.insert(name).second) {
        throw Error(ErrorCode::misuse, "the mask of " + path.string() + " would replace another's",
                    "rename this image");
      }
    }
    files.push_back({path, name});
  }
  return files;
}

}  // namespace

std::unique_ptr<Source> open_images(const std::string& path, const SourceSettings& settings) {
  std::error_code error;
  const bool folder = fs::is_directory(path, error);
  const std::vector<fs::path> paths = folder ? images_in(path) : std::vector<fs::path>{fs::path(path)};
  return std::make_unique<ImageSource>(with_names(paths), settings);
}

}  // namespace fcn_edge::app
