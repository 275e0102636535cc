#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "options.hpp"
#include "report/warnings.hpp"
#include "stream/statistics.hpp"

namespace fcn_edge::app {

/// Counts and percentiles: frames_in, frames_out, dropped, drops, fps, latency_ms, interval_ms, jitter_ms and
/// so on. Percentiles that the sample count cannot support are null.
nlohmann::json describe(const Statistics& statistics, bool raw_samples);

/// A whole report: what describe() gives, drift, device and warnings, with `about` (bundle, engine, settings)
/// beside them.
nlohmann::json make_report(const Statistics& statistics, const std::vector<Warning>& warnings,
                           nlohmann::json device, const nlohmann::json& about, bool raw_samples);

/// Write it, indented, atomically; "-" prints to stdout.
void write_report(const nlohmann::json& report, const std::string& path);

}  // namespace fcn_edge::app
