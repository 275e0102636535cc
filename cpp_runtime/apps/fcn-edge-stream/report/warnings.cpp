#include "report/warnings.hpp"

#include <cstdio>

#include "stream/drift_sentence.hpp"

namespace fcn_edge::app {
namespace {

std::string few_samples(std::uint64_t count) {
  std::string missing;
  if (count < kSamplesForP90) missing += "p90, ";
  if (count < kSamplesForP99) missing += "p99, ";
  return missing + "p999 need more than the " + std::to_string(count) + " frames measured";
}

// Differences that no user would notice are no reason for advice, however large their ratio.
constexpr double kSlowStartMs = 5;
constexpr double kUnsteadyMs = 1;

std::string ms(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f ms", value);
  return text;
}

}  // namespace

std::vector<Warning> judge(const Statistics& s, const RunFacts& facts, const StreamOptions& options) {
  std::vector<Warning> found;
  if (facts.gate != "pass") {
    found.push_back({"ungated_bundle", "the bundle's accuracy gate says '" + facts.gate + "'",
                     "compile it with --data so that its INT8 loss is known"});
  }
  if (s.measured < kSamplesForP999) {
    const std::string more =
        options.loop == 1 && !facts.live ? "repeat the source with --loop" : "run longer";
    found.push_back({"few_samples", few_samples(s.measured), more});
  }
  const std::uint64_t too_slow_for =
      s.drops.superseded + s.drops.late;  // what every-n leaves out was wanted so
  if (too_slow_for > 0) {
    found.push_back(
        {"frames_dropped",
         std::to_string(too_slow_for) + " of " + std::to_string(s.frames_in) + " frames were dropped",
         "the source is faster than this machine: lower its rate or compile a smaller size"});
  }
  const double median = s.infer.percentile_ms(0.5);
  if (options.warmup == 0 && s.measured >= kSamplesForP90 && facts.first_infer_ms > 3 * median &&
      facts.first_infer_ms - median >= kSlowStartMs) {
    found.push_back({"slow_first_frame",
                     "the first frame took " + ms(facts.first_infer_ms) + ", the median is " + ms(median),
                     "leave it out with --warmup 10"});
  }
  if (facts.load_before > 0.5) {
    found.push_back({"busy_machine", "other programs kept the machine busy when the run began",
                     "measure on a quiet machine"});
  }
  const double slowest = s.infer.percentile_ms(0.99);
  if (s.measured >= kSamplesForP99 && slowest > 3 * median && slowest - median >= kUnsteadyMs) {
    found.push_back({"unsteady_latency",
                     "the slowest hundredth of the frames took over three times the median",
                     "fix the clock governor to 'performance' and stop other programs"});
  }
  if (s.reconnects > 0) {
    found.push_back({"source_lost",
                     "the source was lost and came back " + std::to_string(s.reconnects) + " times",
                     "check the camera, its cable and its network"});
  }
  if (s.damaged > 0) {
    found.push_back({"damaged_packets",
                     "the decoder found faults in " + std::to_string(s.damaged) + " packets or pictures",
                     "check the recording, or the camera's network"});
  }
  if (s.bad_images > 0) {
    found.push_back({"bad_images",
                     std::to_string(s.bad_images) + " images could not be read and have no mask",
                     "replace them; the log names each"});
  }
  if (s.drift.known() && s.drift.highest > s.drift.threshold) {
    found.push_back({"drift", drift_sentence(s.drift),
                     "look at the masks; calibrate and train on such frames (docs/drift.md)"});
  }
  if (!facts.cache) {
    found.push_back({"no_engine_cache", "the folder for compiled engines cannot be written",
                     "give one with --cache-dir for a faster start"});
  }
  return found;
}

}  // namespace fcn_edge::app
