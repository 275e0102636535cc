#include "sinks/staged_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fcn_edge/error.hpp>
#include <filesystem>
#include <system_error>

namespace fcn_edge::app {
namespace fs = std::filesystem;
namespace {

[[noreturn]] void fail(const std::string& path, int code) {
  const std::string why = std::generic_category().message(code);
  throw Error(ErrorCode::io, "cannot write " + path + ": " + why,
              code == ENOSPC || code == EFBIG || code == EDQUOT ? "free some space" : "choose another place");
}

class Descriptor {
 public:
  Descriptor(const std::string& path, int flags) : fd_(::open(path.c_str(), flags | O_CLOEXEC, 0666)) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

}  // namespace

StagedFile::StagedFile(const std::string& path) : path_(path) {
  const fs::path target(path);
  const fs::path folder = target.has_parent_path() ? target.parent_path() : fs::path(".");
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) fail(path, error.value());
  if (fs::is_directory(target, error)) fail(path, EISDIR);
  if (::access(folder.c_str(), W_OK) != 0) fail(path, errno);
  const std::string stem = "." + target.stem().string() + ".part-" + std::to_string(::getpid());
  temporary_ = (folder / (stem + target.extension().string())).string();
}

StagedFile::~StagedFile() {
  if (!committed_) ::unlink(temporary_.c_str());
}

void StagedFile::commit() {
  const Descriptor file(temporary_, O_RDONLY);
  if (file.get() < 0 || ::fsync(file.get()) != 0) fail(path_, errno);
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) fail(path_, errno);
  committed_ = true;
}

void write_file(const std::string& path, const void* data, std::size_t size) {
  StagedFile staged(path);
  {
    const Descriptor file(staged.temporary(), O_WRONLY | O_CREAT | O_TRUNC);
    if (file.get() < 0) fail(path, errno);
    const auto* bytes = static_cast<const char*>(data);
    for (std::size_t done = 0; done < size;) {
      const ssize_t written = ::write(file.get(), bytes + done, size - done);
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) fail(path, written < 0 ? errno : ENOSPC);
      done += static_cast<std::size_t>(written);
    }
  }
  staged.commit();
}

}  // namespace fcn_edge::app
