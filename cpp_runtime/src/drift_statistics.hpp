#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "fcn_edge/drift.hpp"

namespace fcn_edge {

/// drift.json: histograms of the calibration frames, as fcn_edge/quantize/drift.py measured them.
struct DriftStatistics {
  static constexpr std::array<std::size_t, 3> kBins{32, 64, 12};  ///< of Drift::kGroups
  static constexpr int kPoints = 48 * 64;                         ///< sample points of a frame

  struct Group {
    std::vector<std::int32_t> running;  ///< cumulative histograms of all calibration frames, one by one
    double unit = 1;  ///< mean distance of a calibration frame from the nearest of the others
  };

  std::array<Group, 3> groups;
  std::size_t frames = 0;  ///< calibration frames
  double threshold = 1;
  int window = 1;
};

/// Read drift.json's text. Nothing for a version of the histograms that this one does not compute. Throws
/// Error(bundle) naming the field that is wrong.
std::optional<DriftStatistics> parse_drift(const std::string& text);

}  // namespace fcn_edge
