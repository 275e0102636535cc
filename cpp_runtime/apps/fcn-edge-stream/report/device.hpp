#pragma once

#include <nlohmann/json.hpp>

namespace fcn_edge::app {

/// What the numbers of a report were measured on: CPU, cores, memory, clock governor, system.
nlohmann::json describe_device();

/// Load average over the last minute divided by the number of cores; 0 when unknown.
double load_per_core();

}  // namespace fcn_edge::app
