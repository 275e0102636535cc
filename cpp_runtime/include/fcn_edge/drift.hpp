#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace fcn_edge {

/// How far a stream is from the frames that its bundle was calibrated on (docs/drift.md).
struct Drift {
  static constexpr std::array<const char*, 3> kGroups{"light", "colour", "sharpness"};
  static constexpr std::uint64_t kFewest = 10;  ///< frames before a mean is judged

  double score = 0;      ///< mean over the last `window` frames; calibration frames are about 1 apart
  double threshold = 0;  ///< what a stream of calibrated scenes stays under; 0: the bundle cannot tell
  double highest = 0;    ///< of the scores so far, once kFewest frames were seen
  std::uint64_t frames = 0;
  std::uint64_t above = 0;        ///< frames that were by themselves above the threshold
  int window = 0;                 ///< frames that `score` is the mean of
  std::array<double, 3> group{};  ///< the same mean for each of kGroups; a frame's score is its largest

  bool known() const { return threshold > 0; }
  bool left() const { return frames >= kFewest && score > threshold; }  ///< the scene is not a calibrated one
  double share_above() const {
    return frames > 0 ? static_cast<double>(above) / static_cast<double>(frames) : 0;
  }
  const char* cause() const {  ///< the group that is farthest off
    return kGroups[static_cast<std::size_t>(std::max_element(group.begin(), group.end()) - group.begin())];
  }
};

}  // namespace fcn_edge
