#include "drift.hpp"

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <numeric>
#include <utility>

#include "simd.hpp"

namespace fcn_edge {
namespace {

constexpr std::size_t kRows = 48, kColumns = 64;  // sample points of a frame
static_assert(kRows * kColumns == DriftStatistics::kPoints);
constexpr std::array<int, 11> kSharpness{1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48};

// `count` points spread evenly over `length`, each in the middle of its share.
std::vector<std::size_t> spread(int length, std::size_t count) {
  std::vector<std::size_t> points;
  for (std::size_t i = 0; i < count; ++i) {
    points.push_back((2 * i + 1) * static_cast<std::size_t>(length) / (2 * count));
  }
  return points;
}

int luma(const std::uint8_t* pixel) { return (29 * pixel[0] + 150 * pixel[1] + 77 * pixel[2] + 128) >> 8; }

std::size_t colour_bin(int difference) {
  return static_cast<std::size_t>(std::clamp((difference + 64) >> 2, 0, 31));
}

FCN_EDGE_WIDE std::int32_t area_between(const std::int32_t* a, const std::int32_t* b, std::size_t bins) {
  std::int32_t sum = 0;
  for (std::size_t i = 0; i < bins; ++i) sum += std::abs(a[i] - b[i]);
  return sum;
}

}  // namespace

DriftMonitor::DriftMonitor(DriftStatistics statistics, int height, int width)
    : statistics_(std::move(statistics)), recent_(static_cast<std::size_t>(statistics_.window)) {
  const auto last_row = static_cast<std::size_t>(height - 1),
             last_column = static_cast<std::size_t>(width - 1);
  for (const std::size_t y : spread(height, kRows)) {
    rows_.push_back(3 * y * static_cast<std::size_t>(width));
    rows_below_.push_back(3 * std::min(y + 1, last_row) * static_cast<std::size_t>(width));
  }
  for (const std::size_t x : spread(width, kColumns)) {
    columns_.push_back(3 * x);
    columns_right_.push_back(3 * std::min(x + 1, last_column));
  }
  for (std::size_t step = 0; step < sharpness_bin_.size(); ++step) {
    const auto* end = std::upper_bound(kSharpness.begin(), kSharpness.end(), static_cast<int>(step));
    sharpness_bin_[step] = static_cast<std::uint8_t>(end - kSharpness.begin());
  }
  drift_.threshold = statistics_.threshold;
  drift_.window = statistics_.window;
}

void DriftMonitor::observe(const std::uint8_t* frame) {
  look_at(frame);
  Distances distances;
  for (std::size_t g = 0; g < distances.size(); ++g) distances[g] = distance(g);
  count(distances);
}

void DriftMonitor::look_at(const std::uint8_t* frame) {
  histogram_ = {};
  auto& [light, colour, sharpness] = histogram_;
  for (std::size_t y = 0; y < kRows; ++y) {
    const std::uint8_t* row = frame + rows_[y];
    const std::uint8_t* below = frame + rows_below_[y];
    for (std::size_t x = 0; x < kColumns; ++x) {
      const std::uint8_t* pixel = row + columns_[x];
      const int here = luma(pixel);
      const int right = std::abs(luma(row + columns_right_[x]) - here);
      const int down = std::abs(luma(below + columns_[x]) - here);
      ++light[static_cast<std::size_t>(here >> 3)];
      ++colour[colour_bin(pixel[0] - here)];
      ++colour[32 + colour_bin(pixel[2] - here)];
      ++sharpness[sharpness_bin_[static_cast<std::size_t>(std::max(right, down))]];
    }
  }
}

double DriftMonitor::distance(std::size_t group) const {
  const DriftStatistics::Group& known = statistics_.groups[group];
  const std::size_t bins = DriftStatistics::kBins[group];
  std::array<std::int32_t, 64> running{};
  std::partial_sum(histogram_[group].begin(), histogram_[group].begin() + static_cast<std::ptrdiff_t>(bins),
                   running.begin());
  std::int32_t nearest = std::numeric_limits<std::int32_t>::max();
  for (std::size_t frame = 0; frame < statistics_.frames; ++frame) {
    nearest = std::min(nearest, area_between(known.running.data() + frame * bins, running.data(), bins));
  }
  return nearest / known.unit;
}

void DriftMonitor::count(const Distances& distances) {
  recent_[drift_.frames % recent_.size()] = distances;
  ++drift_.frames;
  if (*std::max_element(distances.begin(), distances.end()) > drift_.threshold) ++drift_.above;
  const std::size_t held = std::min<std::size_t>(drift_.frames, recent_.size());
  double sum = 0;
  Distances sums{};
  for (std::size_t i = 0; i < held; ++i) {
    sum += *std::max_element(recent_[i].begin(), recent_[i].end());
    for (std::size_t g = 0; g < sums.size(); ++g) sums[g] += recent_[i][g];
  }
  drift_.score = sum / static_cast<double>(held);
  for (std::size_t g = 0; g < sums.size(); ++g) drift_.group[g] = sums[g] / static_cast<double>(held);
  if (drift_.frames >= Drift::kFewest) drift_.highest = std::max(drift_.highest, drift_.score);
}

}  // namespace fcn_edge
