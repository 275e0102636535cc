#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "options.hpp"
#include "statistics.hpp"
#include "warnings.hpp"

namespace fcn_edge::app {

/// The report's fixed keys: frames_in, frames_out, dropped, fps, latency_ms, drift, device, warnings. `about`
/// is added beside them (bundle, engine, settings). Percentiles the sample count cannot support are null.
nlohmann::json make_report(const Statistics& statistics, const std::vector<Warning>& warnings,
                           nlohmann::json device, const nlohmann::json& about, bool raw_samples);

/// Write it, indented, atomically; "-" prints to stdout.
void write_report(const nlohmann::json& report, const std::string& path);

}  // namespace fcn_edge::app
