// drift.json comes from outside: any bytes must give histograms of one size, nothing, or one Error.

#include <cstdint>
#include <cstdlib>
#include <string>

#include "drift_statistics.hpp"
#include "fcn_edge/error.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using fcn_edge::DriftStatistics;
  try {
    const auto found = fcn_edge::parse_drift({reinterpret_cast<const char*>(data), size});
    if (!found) return 0;
    for (std::size_t i = 0; i < found->groups.size(); ++i) {
      const DriftStatistics::Group& group = found->groups[i];
      if (group.running.size() != found->frames * DriftStatistics::kBins[i]) std::abort();
      if (!(group.unit > 0)) std::abort();
    }
    if (found->frames < 1 || found->window < 1) std::abort();
  } catch (const fcn_edge::Error&) {
  }
  return 0;
}
