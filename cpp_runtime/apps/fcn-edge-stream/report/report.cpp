#include "report/report.hpp"

#include <cmath>

#include "sinks/staged_file.hpp"

namespace fcn_edge::app {
namespace {

using nlohmann::json;

double rounded(double ms) { return std::round(ms * 1e4) / 1e4; }

json percentile(const Latency& latency, double fraction, std::uint64_t samples_needed) {
  if (latency.count() < samples_needed) return nullptr;
  return rounded(latency.percentile_ms(fraction));
}

json stage(const Latency& latency) {
  json out;
  out["p50"] = percentile(latency, 0.5, 1);
  out["p90"] = percentile(latency, 0.9, kSamplesForP90);
  out["p99"] = percentile(latency, 0.99, kSamplesForP99);
  out["p999"] = percentile(latency, 0.999, kSamplesForP999);
  out["max"] = latency.count() > 0 ? json(rounded(latency.max_ms())) : json(nullptr);
  return out;
}

json describe_drift(const Drift& drift) {
  if (!drift.known()) return nullptr;
  json out{{"score", drift.score},    {"threshold", drift.threshold},       {"highest", drift.highest},
           {"frames", drift.frames},  {"share_above", drift.share_above()}, {"window", drift.window},
           {"groups", json::object()}};
  for (std::size_t g = 0; g < drift.group.size(); ++g) out["groups"][Drift::kGroups[g]] = drift.group[g];
  return out;
}

}  // namespace

json describe(const Statistics& statistics, bool raw_samples) {
  json out;
  out["frames_in"] = statistics.frames_in;
  out["frames_out"] = statistics.frames_out;
  out["dropped"] = statistics.dropped();
  out["drops"] = {{"superseded", statistics.drops.superseded},
                  {"skipped", statistics.drops.skipped},
                  {"late", statistics.drops.late},
                  {"abandoned", statistics.abandoned}};
  out["reconnects"] = statistics.reconnects;
  out["damaged"] = statistics.damaged;
  out["bad_images"] = statistics.bad_images;
  out["frames_measured"] = statistics.measured;
  out["seconds"] = rounded(statistics.seconds);
  out["fps"] = rounded(statistics.fps());
  for (const auto& [name, latency] : statistics.stages()) {
    out["latency_ms"][name] = stage(*latency);
    if (raw_samples) out["samples_ms"][name] = latency->samples_ms();
  }
  out["interval_ms"] = stage(statistics.interval);
  out["jitter_ms"] = stage(statistics.jitter);
  return out;
}

json make_report(const Statistics& statistics, const std::vector<Warning>& warnings, json device,
                 const json& about, bool raw_samples) {
  json report = describe(statistics, raw_samples);
  if (about.is_object()) report.update(about);
  report["drift"] = describe_drift(statistics.drift);
  report["device"] = std::move(device);
  report["warnings"] = json::array();
  for (const Warning& warning : warnings) {
    report["warnings"].push_back(
        {{"type", warning.type}, {"message", warning.message}, {"remedy", warning.remedy}});
  }
  return report;
}

void write_report(const json& report, const std::string& path) {
  const std::string text = report.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
  if (path == "-") {
    write_stdout(text.data(), text.size());
  } else {
    write_file(path, text.data(), text.size());
  }
}

}  // namespace fcn_edge::app
