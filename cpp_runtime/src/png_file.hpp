#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

namespace fcn_edge {

/// 8-bit pixels, packed rows; channels is 1 (grey or class ids) or 3 (B,G,R).
struct Image {
  int width = 0;
  int height = 0;
  int channels = 0;
  std::vector<std::uint8_t> pixels;
};

/// Decode a PNG to one or three channels. Throws Error(io) for what is not a PNG or absurdly large.
Image read_png(const std::filesystem::path& path, int channels);

}  // namespace fcn_edge
