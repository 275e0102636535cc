#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <vector>

#include "sources/source.hpp"
#include "stream/sink.hpp"
#include "stream/statistics.hpp"

namespace fcn_edge::app {

/// Watches the process over a long run (--soak): memory, open files and latency, sampled about every second
/// into a bounded list, which is thinned by half whenever it is full.
class Soak : public Sink {
 public:
  explicit Soak(const Statistics& statistics) : statistics_(statistics) {}

  bool needs_overlay() const override { return false; }
  void write(const Scene& scene) override;

  /// rss_mb and fds at begin and end, the least-squares slope of the memory over the second half (when
  /// start-up is past), and the frames' mean age in both halves.
  nlohmann::json describe() const;

 private:
  struct Sample {
    double seconds = 0;
    double rss_mb = 0;
    int files = 0;
    std::uint64_t frames = 0;
    double age_sum_ms = 0;
  };

  const Statistics& statistics_;
  std::vector<Sample> samples_;
  Clock::time_point began_;
  Clock::time_point next_;
  std::chrono::milliseconds interval_{1000};
};

}  // namespace fcn_edge::app
