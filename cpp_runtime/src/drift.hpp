#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "drift_statistics.hpp"
#include "fcn_edge/drift.hpp"

namespace fcn_edge {

/// Follows a stream: the mean distance of its last frames from the nearest calibration frame.
///
/// A frame is looked at through histograms over a fixed number of sample points, so that it costs the same at
/// every size, and nothing is allocated. fcn_edge/quantize/drift.py is the definition and gives the same
/// numbers: all but the last division is integer arithmetic.
class DriftMonitor {
 public:
  DriftMonitor(DriftStatistics statistics, int height, int width);

  /// Count one frame: packed B,G,R at the bundle's size.
  void observe(const std::uint8_t* frame);

  const Drift& drift() const { return drift_; }

 private:
  using Distances = std::array<double, 3>;

  void look_at(const std::uint8_t* frame);
  double distance(std::size_t group) const;
  void count(const Distances& distances);

  DriftStatistics statistics_;
  std::vector<std::size_t> rows_, rows_below_;        // byte offsets of the sampled rows and of those below
  std::vector<std::size_t> columns_, columns_right_;  // byte offsets inside a row
  std::array<std::uint8_t, 256> sharpness_bin_{};     // of a step of luma
  std::array<std::array<std::int32_t, 64>, 3> histogram_{};  // of the frame at hand
  std::vector<Distances> recent_;                            // a ring of the last `window` frames
  Drift drift_;
};

}  // namespace fcn_edge
