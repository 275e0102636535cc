#include "metrics.hpp"

#include <sstream>

#include "process.hpp"

namespace fcn_edge::app {
namespace {

// Label values escape backslash, quote and newline.
std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\' || c == '"') out += '\\';
    out += c == '\n' ? ' ' : c;
  }
  return out;
}

void head(std::ostream& out, const char* name, const char* type, const char* help) {
  out << "# HELP " << name << ' ' << help << "\n# TYPE " << name << ' ' << type << '\n';
}

void counts(std::ostream& out, const Statistics& s) {
  head(out, "fcn_edge_frames_in_total", "counter", "Frames the source gave.");
  out << "fcn_edge_frames_in_total " << s.frames_in << '\n';
  head(out, "fcn_edge_frames_out_total", "counter", "Frames that went through every sink.");
  out << "fcn_edge_frames_out_total " << s.frames_out << '\n';
  head(out, "fcn_edge_frames_dropped_total", "counter", "Frames dropped, by reason.");
  out << "fcn_edge_frames_dropped_total{reason=\"superseded\"} " << s.drops.superseded << '\n'
      << "fcn_edge_frames_dropped_total{reason=\"skipped\"} " << s.drops.skipped << '\n'
      << "fcn_edge_frames_dropped_total{reason=\"late\"} " << s.drops.late << '\n';
  head(out, "fcn_edge_source_reconnects_total", "counter", "Times a lost source came back.");
  out << "fcn_edge_source_reconnects_total " << s.reconnects << '\n';
}

void latencies(std::ostream& out, const Statistics& s) {
  head(out, "fcn_edge_stage_seconds", "summary", "Time a frame spends in each stage, over the whole run.");
  for (const auto& [name, latency] : s.stages()) {
    for (const double quantile : {0.5, 0.9, 0.99}) {
      out << "fcn_edge_stage_seconds{stage=\"" << name << "\",quantile=\"" << quantile << "\"} "
          << latency->percentile_ms(quantile) / 1e3 << '\n';
    }
    out << "fcn_edge_stage_seconds_sum{stage=\"" << name << "\"} " << latency->sum_ms() / 1e3 << '\n'
        << "fcn_edge_stage_seconds_count{stage=\"" << name << "\"} " << latency->count() << '\n';
  }
}

void drift(std::ostream& out, const Drift& drift) {
  if (!drift.known()) return;
  head(out, "fcn_edge_drift_score", "gauge", "Distance of the last frames from those calibrated on.");
  out << "fcn_edge_drift_score " << drift.score << '\n';
  head(out, "fcn_edge_drift_threshold", "gauge", "Score that a stream of calibrated scenes stays under.");
  out << "fcn_edge_drift_threshold " << drift.threshold << '\n';
  head(out, "fcn_edge_drift_frames_above_total", "counter", "Frames that were above the threshold.");
  out << "fcn_edge_drift_frames_above_total " << drift.above << '\n';
}

}  // namespace

std::string prometheus_text(const Statistics& statistics, const std::vector<ClassInfo>& classes,
                            const ClassShares& shares) {
  std::ostringstream out;
  counts(out, statistics);
  latencies(out, statistics);
  drift(out, statistics.drift);
  head(out, "fcn_edge_class_share", "gauge", "Share of the newest mask that a class covers.");
  for (std::size_t id = 0; id < classes.size(); ++id) {
    out << "fcn_edge_class_share{class=\"" << escaped(classes[id].name) << "\"} " << shares[id] << '\n';
  }
  head(out, "process_resident_memory_bytes", "gauge", "Resident memory of the process.");
  out << "process_resident_memory_bytes " << static_cast<std::uint64_t>(memory_mb() * 1e6) << '\n';
  return out.str();
}

nlohmann::json live_status(const Statistics& statistics, const std::vector<ClassInfo>& classes,
                           const ClassShares& shares) {
  nlohmann::json status{{"frames_in", statistics.frames_in},
                        {"frames_out", statistics.frames_out},
                        {"dropped", statistics.drops.total()},
                        {"reconnects", statistics.reconnects},
                        {"fps", statistics.fps()},
                        {"stages", nlohmann::json::array()},
                        {"classes", nlohmann::json::array()}};
  if (const Drift& drift = statistics.drift; drift.known()) {
    status["drift"] = {{"score", drift.score},
                       {"threshold", drift.threshold},
                       {"left", drift.left()},
                       {"cause", drift.cause()}};
  }
  for (const auto& [name, latency] : statistics.stages()) {
    status["stages"].push_back({{"name", name},
                                {"p50", latency->percentile_ms(0.5)},
                                {"p99", latency->percentile_ms(0.99)},
                                {"max", latency->max_ms()}});
  }
  for (std::size_t id = 0; id < classes.size(); ++id) {
    status["classes"].push_back(
        {{"name", classes[id].name}, {"rgb", classes[id].rgb}, {"share", shares[id]}});
  }
  return status;
}

}  // namespace fcn_edge::app
