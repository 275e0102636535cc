#include "drift_statistics.hpp"

#include <nlohmann/json.hpp>

#include "json_field.hpp"

namespace fcn_edge {
namespace {

constexpr const char* kFile = "drift.json";
constexpr int kVersion = 1;
constexpr std::size_t kMostFrames = 4096;
constexpr int kMostWindow = 100000;
constexpr double kLargest = 1e9;

DriftStatistics::Group read_group(const Field& field, std::size_t bins, std::size_t frames) {
  DriftStatistics::Group group;
  group.unit = field["unit"].number(1, kLargest);
  const Field rows = field["running"];
  rows.size(frames, frames);
  for (std::size_t frame = 0; frame < frames; ++frame) {
    const Field row = rows[frame];
    row.size(bins, bins);
    for (std::size_t bin = 0; bin < bins; ++bin) {
      group.running.push_back(row[bin].integer(0, 2 * DriftStatistics::kPoints));
    }
  }
  return group;
}

}  // namespace

std::optional<DriftStatistics> parse_drift(const std::string& text) {
  const nlohmann::json document = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (document.is_discarded()) refuse("is not valid JSON", kFile);
  const Field root(document, "", kFile);
  if (root["version"].integer(0, 1 << 20) != kVersion) return std::nullopt;
  DriftStatistics statistics;
  statistics.threshold = root["threshold"].number(1e-9, kLargest);
  statistics.window = root["window"].integer(1, kMostWindow);
  const Field groups = root["groups"];
  statistics.frames = groups[Drift::kGroups[0]]["running"].size(2, kMostFrames);
  for (std::size_t g = 0; g < Drift::kGroups.size(); ++g) {
    statistics.groups[g] =
        read_group(groups[Drift::kGroups[g]], DriftStatistics::kBins[g], statistics.frames);
  }
  return statistics;
}

}  // namespace fcn_edge
