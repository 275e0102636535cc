#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

namespace fcn_edge::app {

/// Durations of one stage in fixed memory: 1024 buckets an octave of nanoseconds, so that a percentile is
/// within 0.05 % of a value that was seen, after a minute or after a year. The largest is kept exactly.
class Latency {
 public:
  Latency();

  /// keep_samples: also remember every duration, in order (for --raw-samples; memory grows).
  void keep_samples() { keep_ = true; }
  void add(std::chrono::nanoseconds duration);

  std::uint64_t count() const { return count_; }

  /// Nearest rank: the smallest duration that at least `fraction` of the samples do not exceed. Milliseconds;
  /// 0 without samples.
  double percentile_ms(double fraction) const;
  double sum_ms() const { return sum_ / 1e6; }
  double max_ms() const { return static_cast<double>(max_) / 1e6; }
  const std::vector<double>& samples_ms() const { return samples_; }

 private:
  std::vector<std::uint32_t> buckets_;
  std::uint64_t count_ = 0;
  std::uint64_t max_ = 0;
  double sum_ = 0;  // nanoseconds
  bool keep_ = false;
  std::vector<double> samples_;
};

}  // namespace fcn_edge::app
