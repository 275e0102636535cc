#pragma once

#include <string>
#include <vector>

#include "options.hpp"
#include "stream/statistics.hpp"

namespace fcn_edge::app {

/// Something about a run that a reader of its numbers should know, and what to do about it.
struct Warning {
  std::string type;  ///< stable name, e.g. "few_samples"
  std::string message;
  std::string remedy;
};

/// Facts of the run that the statistics do not hold.
struct RunFacts {
  std::string gate;           ///< of the bundle
  double first_infer_ms = 0;  ///< of the very first frame
  double load_before = 0;     ///< load per core when the run began
  bool live = false;
  bool cache = true;  ///< compiled engines can be kept
};

std::vector<Warning> judge(const Statistics& statistics, const RunFacts& facts, const StreamOptions& options);

/// Fewest samples at which a percentile says something about the tail: ten times 1 / (1 - fraction) would be
/// comfortable, one sample beyond it is the least.
constexpr std::uint64_t kSamplesForP90 = 10;
constexpr std::uint64_t kSamplesForP99 = 100;
constexpr std::uint64_t kSamplesForP999 = 1000;

}  // namespace fcn_edge::app
