#include "resize.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "simd.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace fcn_edge {
namespace {

constexpr int kScale = 2048;  // OpenCV's fixed-point weights have 11 bits

std::ptrdiff_t row_bytes(const FrameView& frame) {
  return frame.stride != 0 ? frame.stride : 3 * static_cast<std::ptrdiff_t>(frame.width);
}

void copy_rows(const FrameView& frame, std::uint8_t* out) {
  const std::size_t bytes = 3 * static_cast<std::size_t>(frame.width);
  for (int y = 0; y < frame.height; ++y) {
    std::memcpy(out + static_cast<std::size_t>(y) * bytes, frame.data + y * row_bytes(frame), bytes);
  }
}

// OpenCV turns a linear resize to exactly half the size into the mean of 2x2 pixels.
void halve(const FrameView& frame, std::uint8_t* out) {
  const int width = frame.width / 2;
  for (int y = 0; y < frame.height / 2; ++y) {
    const std::uint8_t* upper = frame.data + 2 * y * row_bytes(frame);
    const std::uint8_t* lower = upper + row_bytes(frame);
    for (int x = 0; x < width; ++x) {
      for (int c = 0; c < 3; ++c) {
        const int i = 6 * x + c;
        *out++ = static_cast<std::uint8_t>((upper[i] + upper[i + 3] + lower[i] + lower[i + 3] + 2) >> 2);
      }
    }
  }
}

// Rows are kept as weighted sums >> 4: the most that fits 16 bits, and what OpenCV multiplies further.
void shrink_pixel(const std::uint8_t* pair, int step, int weight0, int weight1, std::int16_t* out) {
  for (int c = 0; c < 3; ++c) {
    out[c] = static_cast<std::int16_t>((pair[c] * weight0 + pair[c + step] * weight1) >> 4);
  }
}

FCN_EDGE_WIDE void blend_rows(const std::int16_t* upper, const std::int16_t* lower, int weight0, int weight1,
                              int count, std::uint8_t* out) {
  for (int i = 0; i < count; ++i) {
    const int sum = ((upper[i] * weight0) >> 16) + ((lower[i] * weight1) >> 16);
    out[i] = static_cast<std::uint8_t>((sum + 2) >> 2);
  }
}

#if defined(__x86_64__)
// 8 bytes hold both neighbours of an output pixel; a shuffle pairs their channels as 16-bit values, and one
// multiply-add makes the three weighted sums. The fourth value stored is overwritten by the next pixel.
__attribute__((target("sse4.1"))) void shrink_pixels_sse(const std::uint8_t* row, const ResizeTap* taps,
                                                         int count, std::int16_t* out) {
  const __m128i channels = _mm_setr_epi8(0, -1, 3, -1, 1, -1, 4, -1, 2, -1, 5, -1, -1, -1, -1, -1);
  for (int x = 0; x < count; ++x) {
    const auto* pair = reinterpret_cast<const __m128i*>(row + 3 * taps[x].first);
    const __m128i weights = _mm_set1_epi32(taps[x].weight0 | taps[x].weight1 << 16);
    const __m128i sums = _mm_madd_epi16(_mm_shuffle_epi8(_mm_loadl_epi64(pair), channels), weights);
    const __m128i scaled = _mm_srai_epi32(sums, 4);
    _mm_storel_epi64(reinterpret_cast<__m128i*>(out + 3 * x), _mm_packs_epi32(scaled, scaled));
  }
}

const bool kHasSse41 = __builtin_cpu_supports("sse4.1") != 0;
#endif

}  // namespace

Resizer::Resizer(int width, int height) : width_(width), height_(height) {
  for (auto& row : cache_)
    row.resize(3 * static_cast<std::size_t>(width) + 1);  // +1: 4-wide stores of triples
}

void Resizer::run(const FrameView& frame, std::uint8_t* out) {
  if (frame.width == width_ && frame.height == height_) return copy_rows(frame, out);
  if (frame.width == 2 * width_ && frame.height == 2 * height_) return halve(frame, out);
  plan(frame);
  cached_ = {-1, -1};
  for (int y = 0; y < height_; ++y) {
    const ResizeTap& tap = rows_[static_cast<std::size_t>(y)];
    const std::int16_t* upper = shrunk_row(frame, std::max(tap.first, 0));
    const std::int16_t* lower = shrunk_row(frame, std::min(tap.first + 1, frame.height - 1));
    blend_rows(upper, lower, tap.weight0, tap.weight1, 3 * width_,
               out + 3 * static_cast<std::ptrdiff_t>(y) * width_);
  }
}

void Resizer::plan(const FrameView& frame) {
  if (frame.width == frame_width_ && frame.height == frame_height_) return;
  make_taps(frame.width, width_, /*hold=*/true, columns_);
  make_taps(frame.height, height_, /*hold=*/false, rows_);
  frame_width_ = frame.width;
  frame_height_ = frame.height;
  wide_columns_ = 0;
  while (wide_columns_ < width_ &&
         3 * columns_[static_cast<std::size_t>(wide_columns_)].first + 8 <= 3 * frame.width) {
    ++wide_columns_;
  }
}

// Half-pixel centres: output i looks at (i + 0.5) * from / to - 0.5. The arithmetic (double scale, float
// position, rounding to nearest even) is OpenCV's, since the bytes must agree. Outside the frame OpenCV moves
// columns onto the border pixel, but mixes the border row with itself, which rounds differently.
void Resizer::make_taps(int from, int to, bool hold, std::vector<ResizeTap>& taps) {
  const double scale = 1.0 / (static_cast<double>(to) / from);
  taps.clear();  // keeps its memory: frames of two sizes may alternate
  for (int i = 0; i < to; ++i) {
    float position = static_cast<float>((i + 0.5) * scale - 0.5);
    int first = static_cast<int>(std::floor(position));
    position -= static_cast<float>(first);
    if (hold && (first < 0 || first >= from - 1)) {
      first = first < 0 ? 0 : from - 1;
      position = 0.0F;
    }
    ResizeTap tap;
    tap.first = first;
    tap.weight0 = static_cast<std::int16_t>(std::lrint((1.0F - position) * kScale));
    tap.weight1 = static_cast<std::int16_t>(std::lrint(position * kScale));
    taps.push_back(tap);
  }
}

const std::int16_t* Resizer::shrunk_row(const FrameView& frame, int y) {
  const std::size_t place = static_cast<std::size_t>(y) & 1;  // two neighbours never share a place
  if (cached_[place] != y) {
    shrink_row(frame.data + y * row_bytes(frame), cache_[place].data());
    cached_[place] = y;
  }
  return cache_[place].data();
}

void Resizer::shrink_row(const std::uint8_t* row, std::int16_t* out) const {
  int x = 0;
#if defined(__x86_64__)
  if (kHasSse41) {
    shrink_pixels_sse(row, columns_.data(), wide_columns_, out);
    x = wide_columns_;
  }
#endif
  for (; x < width_; ++x) {
    const ResizeTap& tap = columns_[static_cast<std::size_t>(x)];
    const int step = tap.first + 1 < frame_width_ ? 3 : 0;  // the last pixel has no right neighbour
    shrink_pixel(row + 3 * tap.first, step, tap.weight0, tap.weight1, out + 3 * x);
  }
}

}  // namespace fcn_edge
