#pragma once

#include <cstddef>
#include <string>

namespace fcn_edge::app {

/// Where bytes for a path really go: links are followed, and what is not a regular file (a device, a named
/// pipe, /dev/fd/N) is written to instead of being replaced.
struct Destination {
  std::string path;      ///< links resolved
  bool through = false;  ///< is written to; else a new file takes the place of an old one
  int descriptor = -1;   ///< of /dev/fd/N: the open file of this process; else -1
};

/// Creates the folder. Throws Error(io) for a folder, a circle of links, and what cannot be reached.
Destination find_destination(const std::string& path);

/// A file that is whole or absent: write to temporary(), then commit() puts it in place of `path`. Without
/// commit() the temporary file is removed. It has a name that nobody can guess and the extension of `path`,
/// and lies in the same folder; for what is written through, in the folder for temporary files.
class StagedFile {
 public:
  /// Creates folder and temporary file. `fallback` is its extension (".mp4") where `path` has none. Throws
  /// Error(io).
  explicit StagedFile(const std::string& path, const std::string& fallback = "");
  ~StagedFile();
  StagedFile(const StagedFile&) = delete;
  StagedFile& operator=(const StagedFile&) = delete;

  const std::string& temporary() const { return temporary_; }
  void commit();  ///< flush to disk and rename, or copy through; throws Error(io)

 private:
  std::string path_;
  Destination destination_;
  std::string temporary_;
  bool committed_ = false;
};

/// Write bytes to a file atomically, or through to what is no regular file. Throws Error(io) naming it, e.g.
/// when the disk is full.
void write_file(const std::string& path, const void* data, std::size_t size);

/// Write bytes to this process's stdout. Throws Error(io) when it is full, closed, or nobody reads it.
void write_stdout(const void* data, std::size_t size);

}  // namespace fcn_edge::app
