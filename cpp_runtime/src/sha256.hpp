#pragma once

#include <filesystem>
#include <string>

namespace fcn_edge {

/// Lower-case hex SHA-256 of a file, read in blocks. Throws Error(io) when it cannot be read.
std::string sha256_file(const std::filesystem::path& path);

/// Lower-case hex SHA-256 of `bytes`.
std::string sha256(const std::string& bytes);

}  // namespace fcn_edge
