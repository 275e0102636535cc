#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "fcn_edge/frame.hpp"

namespace fcn_edge {

/// Where one output column or row comes from: a weighted pair of neighbours, weights in 1/2048.
struct ResizeTap {
  int first = 0;  ///< the first neighbour, -1 to size - 1; the second is the next one, if inside
  std::int16_t weight0 = 0;
  std::int16_t weight1 = 0;
};

/// Bilinear resize of BGR frames to one fixed size, byte for byte what cv::resize(INTER_LINEAR) gives
/// (Python's side calls that one; a test compares the two over random sizes).
///
/// OpenCV computes its tables anew for every call and allocates; here they are kept as long as the frame
/// size does not change, and a row of the frame is read once.
class Resizer {
 public:
  Resizer(int width, int height);

  /// Write the resized frame, packed, to `out` (3 * width * height bytes).
  void run(const FrameView& frame, std::uint8_t* out);

 private:
  static void make_taps(int from, int to, bool hold, std::vector<ResizeTap>& taps);
  void plan(const FrameView& frame);
  void shrink_row(const std::uint8_t* row, std::int16_t* out) const;
  const std::int16_t* shrunk_row(const FrameView& frame, int y);

  int width_;
  int height_;
  int frame_width_ = 0;
  int frame_height_ = 0;
  std::vector<ResizeTap> columns_;
  std::vector<ResizeTap> rows_;
  int wide_columns_ = 0;                            // columns whose 8-byte read stays inside the row
  std::array<std::vector<std::int16_t>, 2> cache_;  // the last two frame rows, shrunk horizontally
  std::array<int, 2> cached_{-1, -1};               // which rows those are
};

}  // namespace fcn_edge
