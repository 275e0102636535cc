#pragma once

#include <string>

namespace fcn_edge::app {

/// A file that is whole or absent: write to temporary(), then commit() renames it onto path. Without
/// commit() the temporary file is removed. Both lie in one folder and share the extension.
class StagedFile {
 public:
  explicit StagedFile(const std::string& path);  ///< creates the folder; throws Error(io)
  ~StagedFile();
  StagedFile(const StagedFile&) = delete;
  StagedFile& operator=(const StagedFile&) = delete;

  const std::string& temporary() const { return temporary_; }
  void commit();  ///< flush to disk and rename; throws Error(io)

 private:
  std::string path_;
  std::string temporary_;
  bool committed_ = false;
};

/// Write bytes to a file atomically. Throws Error(io) naming it, e.g. when the disk is full.
void write_file(const std::string& path, const void* data, std::size_t size);

}  // namespace fcn_edge::app
