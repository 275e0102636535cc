#include "sinks/staged_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcn_edge/error.hpp>
#include <filesystem>
#include <random>
#include <system_error>
#include <vector>

namespace fcn_edge::app {
namespace fs = std::filesystem;
namespace {

constexpr int kMostLinks = 40;              // in a row, as in Linux
constexpr std::size_t kLongestStem = 100;   // bytes of the name that a temporary file takes over
constexpr std::size_t kCopied = 1U << 20U;  // bytes at a time

[[noreturn]] void fail(const std::string& path, int code) {
  const std::string why = std::generic_category().message(code);
  throw Error(ErrorCode::io, "cannot write " + path + ": " + why,
              code == ENOSPC || code == EFBIG || code == EDQUOT ? "free some space"
              : code == EPIPE                                   ? "did the reader go away?"
                                                                : "choose another place");
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const std::string& path, int flags) : fd_(::open(path.c_str(), flags | O_CLOEXEC)) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

void write_all(int fd, const void* data, std::size_t size, const std::string& path) {
  const auto* bytes = static_cast<const char*>(data);
  for (std::size_t done = 0; done < size;) {
    const ssize_t written = ::write(fd, bytes + done, size - done);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) fail(path, written < 0 ? errno : ENOSPC);
    done += static_cast<std::size_t>(written);
  }
}

// The N of a link that stands for an open file of this process, else -1. What such a link shows as its target
// is no path, or one that another file may have by now.
int own_descriptor(const fs::path& folder, const std::string& name) {
  std::error_code error;
  const bool digits = !name.empty() && name.size() < 7 && name.find_first_not_of("0123456789") == name.npos;
  const bool ours = digits && fs::equivalent(folder, "/proc/self/fd", error) && !error;
  return ours ? std::atoi(name.c_str()) : -1;
}

int open_through(const Destination& destination) {
  if (destination.descriptor >= 0) return ::fcntl(destination.descriptor, F_DUPFD_CLOEXEC, 3);
  return ::open(destination.path.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY);
}

std::string unguessable() {
  std::random_device random;
  std::array<char, 24> text{};
  std::snprintf(text.data(), text.size(), "%08x%08x", random(), random());
  return text.data();
}

// Left on disk until it is committed or dropped; nobody else's file or link is opened.
std::string make_temporary(const std::string& path, const Destination& destination,
                           const std::string& fallback) {
  const fs::path target(destination.path);
  std::error_code error;
  const fs::path folder = destination.through ? fs::temp_directory_path(error) : target.parent_path();
  if (error) fail(path, error.value());
  std::string extension = fs::path(path).extension().string();
  if (extension.empty()) extension = fallback;
  const std::string stem = "." + target.stem().string().substr(0, kLongestStem) + ".part-";
  for (;;) {
    std::string temporary = (folder / (stem + unguessable() + extension)).string();
    const Descriptor made(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                                 destination.through ? 0600 : 0666));
    if (made.get() >= 0) return temporary;
    if (errno != EEXIST) fail(path, errno);
  }
}

// So that the new name outlives a loss of power; not every file system has that for folders.
void flush_folder(const fs::path& folder) {
  const Descriptor opened(folder.string(), O_RDONLY | O_DIRECTORY);
  if (opened.get() >= 0) ::fsync(opened.get());
}

void copy_through(int from, const Destination& destination, const std::string& path) {
  const Descriptor to(open_through(destination));
  if (to.get() < 0) fail(path, errno);
  std::vector<char> bytes(kCopied);
  for (;;) {
    const ssize_t got = ::read(from, bytes.data(), bytes.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail(path, errno);
    if (got == 0) return;
    write_all(to.get(), bytes.data(), static_cast<std::size_t>(got), path);
  }
}

}  // namespace

Destination find_destination(const std::string& path) {
  fs::path at(path);
  std::error_code error;
  for (int links = 0; links <= kMostLinks; ++links) {
    const std::string name = at.filename().string();
    if (name.empty() || name == "." || name == "..") fail(path, EISDIR);
    const fs::path parent = at.has_parent_path() ? at.parent_path() : fs::path(".");
    if (!fs::is_directory(parent, error)) fs::create_directories(parent, error);
    if (error) fail(path, error.value());
    const fs::path folder = fs::canonical(parent, error);
    if (error) fail(path, error.value());
    at = folder / name;
    if (const int own = own_descriptor(folder, name); own >= 0) return {at.string(), true, own};
    struct stat found {};
    if (::lstat(at.c_str(), &found) != 0) {
      if (errno == ENOENT) return {at.string(), false, -1};
      fail(path, errno);
    }
    if (S_ISDIR(found.st_mode)) fail(path, EISDIR);
    if (!S_ISLNK(found.st_mode)) return {at.string(), !S_ISREG(found.st_mode), -1};
    at = folder / fs::read_symlink(at, error);
    if (error) fail(path, error.value());
  }
  fail(path, ELOOP);
}

StagedFile::StagedFile(const std::string& path, const std::string& fallback)
    : path_(path),
      destination_(find_destination(path)),
      temporary_(make_temporary(path, destination_, fallback)) {}

StagedFile::~StagedFile() {
  if (!committed_) ::unlink(temporary_.c_str());
}

void StagedFile::commit() {
  const Descriptor file(temporary_, O_RDONLY);
  if (file.get() < 0) fail(path_, errno);
  if (destination_.through) {
    copy_through(file.get(), destination_, path_);
    return;
  }
  struct stat old {};
  if (::stat(destination_.path.c_str(), &old) == 0)
    ::fchmod(file.get(), old.st_mode & 0777);  // stays private
  if (::fsync(file.get()) != 0) fail(path_, errno);
  if (::rename(temporary_.c_str(), destination_.path.c_str()) != 0) fail(path_, errno);
  committed_ = true;
  flush_folder(fs::path(destination_.path).parent_path());
}

void write_file(const std::string& path, const void* data, std::size_t size) {
  if (const Destination destination = find_destination(path); destination.through) {
    const Descriptor file(open_through(destination));
    if (file.get() < 0) fail(path, errno);
    write_all(file.get(), data, size, path);
    return;
  }
  StagedFile staged(path);
  {
    const Descriptor file(staged.temporary(), O_WRONLY | O_TRUNC | O_NOFOLLOW);
    if (file.get() < 0) fail(path, errno);
    write_all(file.get(), data, size, path);
  }
  staged.commit();
}

void write_stdout(const void* data, std::size_t size) { write_all(STDOUT_FILENO, data, size, "to stdout"); }

}  // namespace fcn_edge::app
