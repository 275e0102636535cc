#pragma once

#include <filesystem>
#include <string>

#include "manifest.hpp"

namespace fcn_edge {

/// A bundle folder whose every listed file has been checked against its recorded size and SHA-256.
struct Bundle {
  std::filesystem::path folder;
  Manifest manifest;

  std::filesystem::path path(const std::string& name) const { return folder / name; }
};

/// Read and verify a bundle. Nothing in it is executed, and nothing outside its folder is read.
/// Throws Error(bundle) for what is not a readable bundle, Error(tampered) for a file that is missing,
/// changed, or leads out of the folder; the sentence names the file.
Bundle open_bundle(const std::filesystem::path& folder);

/// The whole of a small file. Throws Error(io), also when it is larger than `limit` bytes.
std::string read_small_file(const std::filesystem::path& path, std::uintmax_t limit);

}  // namespace fcn_edge
