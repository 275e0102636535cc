#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace fcn_edge {

/// A camera frame somebody else owns: 8-bit B,G,R triples, row after row.
/// The pixels must stay valid and unchanged during the call that takes the view.
struct FrameView {
  const std::uint8_t* data = nullptr;
  int width = 0;              ///< pixels
  int height = 0;             ///< pixels
  std::ptrdiff_t stride = 0;  ///< bytes from one row to the next; 0 means packed (3 * width)
};

/// A class map: one class id a pixel, (height, width), packed rows. Reusing one Mask for every frame
/// keeps its memory, so that a stream allocates nothing after the first frame.
struct Mask {
  int width = 0;
  int height = 0;
  std::vector<std::uint8_t> ids;  ///< size width * height

  std::uint8_t at(int y, int x) const {
    return ids[static_cast<std::size_t>(y) * static_cast<std::size_t>(width) + static_cast<std::size_t>(x)];
  }
};

}  // namespace fcn_edge
