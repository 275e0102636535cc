#pragma once

#include <fcn_edge/drift.hpp>
#include <string>

namespace fcn_edge::app {

/// What is said of a stream that has left what its bundle was calibrated on.
std::string drift_sentence(const Drift& drift);

}  // namespace fcn_edge::app
