#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "fcn_edge/bundle_info.hpp"
#include "fcn_edge/export.hpp"
#include "fcn_edge/frame.hpp"

namespace fcn_edge {

/// A frame that may be written to; otherwise as FrameView.
struct MutableFrameView {
  std::uint8_t* data = nullptr;
  int width = 0;
  int height = 0;
  std::ptrdiff_t stride = 0;  ///< bytes; 0 means packed (3 * width)
};

/// Blends class colours over camera frames, in place: out = frame * (1 - alpha) + colour * alpha, rounded.
///
/// A mask of another size is scaled to the frame by nearest neighbour: pixel x shows mask column
/// floor(x * mask_width / frame_width), rows likewise. One thread at a time; no allocation once the frame
/// and mask sizes have been seen.
class FCN_EDGE_API Overlay {
 public:
  /// alpha: 0 shows the camera, 1 the classes. Ids without a class are shown black.
  Overlay(const std::vector<ClassInfo>& classes, double alpha);

  /// Throws Error(misuse) for an empty frame, a mask without width * height ids, and a stride shorter than a
  /// row.
  void draw(const Mask& mask, const MutableFrameView& frame);

 private:
  void tint_row(const std::uint8_t* ids);

  using Tint =
      std::array<std::uint16_t, 4>;  // B,G,R times alpha, plus the rounding half; the fourth is padding
  std::array<Tint, 256> tints_{};
  std::uint16_t keep_ = 0;          // 256 * (1 - alpha)
  int mask_width_ = 0;              // the mask width that columns_ was made for
  std::vector<int> columns_;        // mask column of every frame column
  std::vector<std::uint16_t> row_;  // one row of tints, three values a pixel
};

}  // namespace fcn_edge
