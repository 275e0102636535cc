#include "live/metrics.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <sstream>

#include "ground/process.hpp"

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

std::string number(std::uint64_t value) { return std::to_string(value); }

// The shortest text that is read back as the same value: rates are differences of large sums, in which six
// digits soon stand still.
std::string number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  return {text.data(), end};
}

void head(std::ostream& out, const char* name, const char* type, const char* help) {
  out << "# HELP " << name << ' ' << help << "\n# TYPE " << name << ' ' << type << '\n';
}

// One sample for each source of what `value` gives.
template <class Value>
void per_source(std::ostream& out, const std::vector<SourceView>& sources, const char* name, const char* type,
                const char* help, Value value) {
  head(out, name, type, help);
  for (std::size_t i = 0; i < sources.size(); ++i) {
    out << name << "{source=\"" << i << "\"} " << number(value(*sources[i].statistics)) << '\n';
  }
}

void drops(std::ostream& out, const std::vector<SourceView>& sources) {
  head(out, "fcn_edge_frames_dropped_total", "counter", "Frames dropped, by reason.");
  for (std::size_t i = 0; i < sources.size(); ++i) {
    const Drops& dropped = sources[i].statistics->drops;
    const std::pair<const char*, std::uint64_t> reasons[] = {
        {"superseded", dropped.superseded}, {"skipped", dropped.skipped}, {"late", dropped.late}};
    for (const auto& [reason, count] : reasons) {
      out << "fcn_edge_frames_dropped_total{source=\"" << i << "\",reason=\"" << reason << "\"} "
          << number(count) << '\n';
    }
  }
}

void latencies(std::ostream& out, const std::vector<SourceView>& sources) {
  head(out, "fcn_edge_stage_seconds", "summary", "Time a frame spends in each stage, over the whole run.");
  for (std::size_t i = 0; i < sources.size(); ++i) {
    for (const auto& [name, latency] : sources[i].statistics->stages()) {
      const std::string labels = "source=\"" + std::to_string(i) + "\",stage=\"" + name + "\"";
      for (const double quantile : {0.5, 0.9, 0.99}) {
        out << "fcn_edge_stage_seconds{" << labels << ",quantile=\"" << number(quantile) << "\"} "
            << number(latency->percentile_ms(quantile) / 1e3) << '\n';
      }
      out << "fcn_edge_stage_seconds_sum{" << labels << "} " << number(latency->sum_ms() / 1e3) << '\n'
          << "fcn_edge_stage_seconds_count{" << labels << "} " << number(latency->count()) << '\n';
    }
  }
}

void drift(std::ostream& out, const Drift& drift) {
  if (!drift.known()) return;
  head(out, "fcn_edge_drift_score", "gauge", "Distance of the last frames from those calibrated on.");
  out << "fcn_edge_drift_score " << number(drift.score) << '\n';
  head(out, "fcn_edge_drift_threshold", "gauge", "Score that a stream of calibrated scenes stays under.");
  out << "fcn_edge_drift_threshold " << number(drift.threshold) << '\n';
  head(out, "fcn_edge_drift_frames_above_total", "counter", "Frames that were above the threshold.");
  out << "fcn_edge_drift_frames_above_total " << number(drift.above) << '\n';
}

}  // namespace

std::string prometheus_text(const std::vector<SourceView>& sources, const std::vector<ClassInfo>& classes,
                            const std::vector<ClassShares>& shares) {
  std::ostringstream out;
  head(out, "fcn_edge_source_info", "gauge", "Which source has which number.");
  for (std::size_t i = 0; i < sources.size(); ++i) {
    out << "fcn_edge_source_info{source=\"" << i << "\",name=\"" << escaped(sources[i].name) << "\"} 1\n";
  }
  per_source(out, sources, "fcn_edge_frames_in_total", "counter", "Frames the source gave.",
             [](const Statistics& s) { return s.frames_in; });
  per_source(out, sources, "fcn_edge_frames_out_total", "counter", "Frames that went through every sink.",
             [](const Statistics& s) { return s.frames_out; });
  drops(out, sources);
  per_source(out, sources, "fcn_edge_source_reconnects_total", "counter", "Times a lost source came back.",
             [](const Statistics& s) { return s.reconnects; });
  per_source(out, sources, "fcn_edge_source_damaged_total", "counter",
             "Packets and pictures that the decoder found faults in.",
             [](const Statistics& s) { return s.damaged; });
  latencies(out, sources);
  drift(out, sources.front().statistics->drift);
  head(out, "fcn_edge_class_share", "gauge", "Share of the newest mask that a class covers.");
  for (std::size_t i = 0; i < sources.size(); ++i) {
    for (std::size_t id = 0; id < classes.size(); ++id) {
      out << "fcn_edge_class_share{source=\"" << i << "\",class=\"" << escaped(classes[id].name) << "\"} "
          << number(shares[i][id]) << '\n';
    }
  }
  head(out, "process_resident_memory_bytes", "gauge", "Resident memory of the process.");
  out << "process_resident_memory_bytes " << number(static_cast<std::uint64_t>(memory_mb() * 1e6)) << '\n';
  return out.str();
}

nlohmann::json live_status(const SourceView& source, const std::vector<ClassInfo>& classes,
                           const ClassShares& shares) {
  const Statistics& statistics = *source.statistics;
  nlohmann::json status{{"name", source.name},
                        {"frames_in", statistics.frames_in},
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
