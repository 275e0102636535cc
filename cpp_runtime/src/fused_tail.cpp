// Compiled with -ffp-contract=off (see CMakeLists.txt): a fused multiply-add would round differently from
// the reference definition.

#include "fused_tail.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>

#include "fcn_edge/error.hpp"
#include "simd.hpp"

namespace fcn_edge {
namespace {

// Keep the larger of best and scores, and whose it was; strictly larger, so that ties stay with the lower id.
// Nought times a score is nought, but NaN for NaN and infinity: poison stays 0 where all scores are finite.
FCN_EDGE_WIDE void keep_larger(const float* scores, std::int32_t id, int count, float* best,
                               std::int32_t* winner, float* poison) {
  for (int i = 0; i < count; ++i) {
    winner[i] = scores[i] > best[i] ? id : winner[i];
    best[i] = scores[i] > best[i] ? scores[i] : best[i];
    poison[i] += 0.0F * scores[i];
  }
}

// A largest class and an interpolation exist for finite scores alone: elsewhere C++ and Python would choose
// different classes, each without a word.
[[noreturn]] void refuse_scores(const float* scores, std::ptrdiff_t plane) {
  std::ptrdiff_t first = 0;
  while (std::isfinite(scores[first])) ++first;
  throw Error(ErrorCode::inference,
              "the network gives scores that are not finite (NaN or infinite), first in class " +
                  std::to_string(first / plane),
              "its weights or its ranges are broken: compile from another checkpoint");
}

// The four corners of a cell for one class.
struct Corners {
  float upper_left;
  float upper_right;
  float lower_left;
  float lower_right;
};

// Interpolate one class over an S x S cell and keep it where it wins.
template <int S>
inline __attribute__((always_inline)) void challenge(const Corners& c, std::int32_t id, const float* fy,
                                                     const float* fx, float* best, std::int32_t* winner) {
  float top[S];
  float bottom[S];
  for (int x = 0; x < S; ++x) {
    top[x] = c.upper_left * (1.0F - fx[x]) + c.upper_right * fx[x];
    bottom[x] = c.lower_left * (1.0F - fx[x]) + c.lower_right * fx[x];
  }
  for (int y = 0; y < S; ++y) {
    const float down = fy[y];
    const float up = 1.0F - down;
    for (int x = 0; x < S; ++x) {
      const float value = top[x] * up + bottom[x] * down;
      const bool wins = id == 0 || value > best[y * S + x];
      winner[y * S + x] = wins ? id : winner[y * S + x];
      best[y * S + x] = wins ? value : best[y * S + x];
    }
  }
}

}  // namespace

FusedTail::FusedTail(int stride, int channels, int score_height, int score_width, int height, int width)
    : stride_(stride),
      channels_(channels),
      score_height_(score_height),
      score_width_(score_width),
      width_(width),
      bands_(make_spans(stride, score_height, height)),
      cells_(make_spans(stride, score_width, width)),
      labels_(static_cast<std::size_t>(score_height) * static_cast<std::size_t>(score_width)),
      best_(static_cast<std::size_t>(score_width)),
      winner_(static_cast<std::size_t>(score_width)),
      poison_(static_cast<std::size_t>(score_width)) {}

// Cell k lies between score points k and k+1 and covers pixels S*k + S/2 .. S*k + 3S/2 - 1. The half cells
// at both borders (k = -1 and k = points-1) are where the coordinate is held: fraction 0.
std::vector<FusedTail::Span> FusedTail::make_spans(int stride, int points, int pixels) {
  std::vector<Span> spans;
  for (int k = -1; k < points; ++k) {
    Span span;
    span.low = std::max(k, 0);
    span.high = std::min(span.low + 1, points - 1);
    span.begin = std::max(0, stride * k + stride / 2);
    span.end = std::min(pixels, stride * k + stride / 2 + stride);
    const bool held = k < 0 || k == points - 1;
    for (int i = 0; i < stride && !held; ++i) {
      span.fraction[static_cast<std::size_t>(i)] =
          (static_cast<float>(i) + 0.5F) / static_cast<float>(stride);
    }
    if (span.begin < span.end) spans.push_back(span);
  }
  return spans;
}

void FusedTail::run(const float* scores, std::uint8_t* mask) {
  label_points(scores);
  if (stride_ == 1) {
    std::copy(labels_.begin(), labels_.end(), mask);
    return;
  }
  for (const Span& band : bands_) {
    fill_band(band, mask);
    solve_band(band, scores, mask);
  }
}

void FusedTail::label_points(const float* scores) {
  const std::ptrdiff_t plane = static_cast<std::ptrdiff_t>(score_height_) * score_width_;
  std::fill(poison_.begin(), poison_.end(), 0.0F);
  for (int y = 0; y < score_height_; ++y) {
    const std::ptrdiff_t row = static_cast<std::ptrdiff_t>(y) * score_width_;
    std::copy_n(scores + row, score_width_, best_.begin());
    std::fill(winner_.begin(), winner_.end(), 0);
    for (int id = 0; id < channels_; ++id) {  // class 0 against itself: only its poison counts
      keep_larger(scores + id * plane + row, id, score_width_, best_.data(), winner_.data(), poison_.data());
    }
    std::transform(winner_.begin(), winner_.end(), labels_.begin() + row,
                   [](std::int32_t id) { return static_cast<std::uint8_t>(id); });
  }
  const auto finite = [](float poison) { return poison == 0.0F; };
  if (!std::all_of(poison_.begin(), poison_.end(), finite)) refuse_scores(scores, plane);
}

bool FusedTail::agrees(const Span& band, const Span& cell) const {
  const std::uint8_t* upper = labels_.data() + static_cast<std::ptrdiff_t>(band.low) * score_width_;
  const std::uint8_t* lower = labels_.data() + static_cast<std::ptrdiff_t>(band.high) * score_width_;
  const std::uint8_t label = upper[cell.low];
  return upper[cell.high] == label && lower[cell.low] == label && lower[cell.high] == label;
}

// Fill every cell of the band with its upper left label: right where the corners agree, and the others are
// overwritten next. One row is made and copied to the rest, which is faster than filling cell by cell.
void FusedTail::fill_band(const Span& band, std::uint8_t* mask) const {
  const std::uint8_t* labels = labels_.data() + static_cast<std::ptrdiff_t>(band.low) * score_width_;
  std::uint8_t* first = mask + static_cast<std::ptrdiff_t>(band.begin) * width_;
  for (const Span& cell : cells_) {
    std::memset(first + cell.begin, labels[cell.low], static_cast<std::size_t>(cell.end - cell.begin));
  }
  for (int y = band.begin + 1; y < band.end; ++y) {
    std::memcpy(mask + static_cast<std::ptrdiff_t>(y) * width_, first, static_cast<std::size_t>(width_));
  }
}

FCN_EDGE_WIDE void FusedTail::solve_band(const Span& band, const float* scores, std::uint8_t* mask) const {
  for (const Span& cell : cells_) {
    if (agrees(band, cell)) continue;
    if (stride_ == 4) {
      solve_cell<4>(band, cell, scores, mask);
    } else if (stride_ == 8) {
      solve_cell<8>(band, cell, scores, mask);
    } else if (stride_ == 16) {
      solve_cell<16>(band, cell, scores, mask);
    } else {
      solve_cell<32>(band, cell, scores, mask);
    }
  }
}

template <int S>
inline __attribute__((always_inline)) void FusedTail::solve_cell(const Span& band, const Span& cell,
                                                                 const float* scores,
                                                                 std::uint8_t* mask) const {
  float best[S * S];
  std::int32_t winner[S * S];
  const std::ptrdiff_t plane = static_cast<std::ptrdiff_t>(score_height_) * score_width_;
  const float* upper = scores + static_cast<std::ptrdiff_t>(band.low) * score_width_;
  const float* lower = scores + static_cast<std::ptrdiff_t>(band.high) * score_width_;
  int id = 0;
  do {  // there is always a class, and the first one fills best and winner
    const Corners corners{upper[cell.low], upper[cell.high], lower[cell.low], lower[cell.high]};
    challenge<S>(corners, id, band.fraction.data(), cell.fraction.data(), best, winner);
    upper += plane;
    lower += plane;
  } while (++id < channels_);
  for (int y = band.begin; y < band.end; ++y) {
    std::uint8_t* row = mask + static_cast<std::ptrdiff_t>(y) * width_;
    for (int x = cell.begin; x < cell.end; ++x) {
      row[x] = static_cast<std::uint8_t>(winner[(y - band.begin) * S + (x - cell.begin)]);
    }
  }
}

}  // namespace fcn_edge
