#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace fcn_edge {

/// Bilinear upsampling of class scores by 1, 4, 8, 16 or 32 fused with argmax over classes.
///
/// Source coordinate of output x: (x + 0.5) / S - 0.5, held inside [0, w-1] (half-pixel centres). An output
/// pixel lies in a cell of four score points. Bilinear interpolation is a convex combination of these, so
/// where one class wins at all four it wins everywhere between: such cells (most of a street) are filled,
/// only the others are interpolated. Ties go to the lower class id. The float32 arithmetic is spelled out
/// (no fused multiply-add), so that fcn_edge/backends/tail.py gives the same mask bit for bit.
class FusedTail {
 public:
  /// stride S; scores are (channels, score_height, score_width); the mask is (height, width), where
  /// score_height = ceil(height / S) and score_width = ceil(width / S).
  FusedTail(int stride, int channels, int score_height, int score_width, int height, int width);

  /// Write one class id a pixel, packed rows. Reuses its own scratch memory: one call at a time. Throws
  /// Error(inference) for scores that are NaN or infinite, wherever they are.
  void run(const float* scores, std::uint8_t* mask);

 private:
  // What a cell is along one axis: which two score points, which output pixels, and the weights there.
  struct Span {
    int low = 0;    // first score point
    int high = 0;   // second score point
    int begin = 0;  // output pixels [begin, end)
    int end = 0;
    std::array<float, 32> fraction{};  // weight of the second point at pixel begin + i
  };

  static std::vector<Span> make_spans(int stride, int points, int pixels);
  void label_points(const float* scores);
  void fill_band(const Span& band, std::uint8_t* mask) const;
  void solve_band(const Span& band, const float* scores, std::uint8_t* mask) const;
  template <int S>
  void solve_cell(const Span& band, const Span& cell, const float* scores, std::uint8_t* mask) const;
  bool agrees(const Span& band, const Span& cell) const;

  int stride_;
  int channels_;
  int score_height_;
  int score_width_;
  int width_;
  std::vector<Span> bands_;           // cells from top to bottom
  std::vector<Span> cells_;           // cells from left to right
  std::vector<std::uint8_t> labels_;  // winner at every score point
  std::vector<float> best_;           // one row: the winner's score so far
  std::vector<std::int32_t> winner_;  // one row: its id, as wide as the floats it is selected with
  std::vector<float> poison_;         // one row: 0, but NaN where a column has a score that is not finite
};

}  // namespace fcn_edge
