#include "stream/latency.hpp"

#include <algorithm>
#include <cmath>

namespace fcn_edge::app {
namespace {

constexpr unsigned kBits = 10;  // 2^10 buckets an octave
constexpr std::uint64_t kSteps = std::uint64_t{1} << kBits;
constexpr unsigned kOctaves = 31;  // up to 2^41 ns, some 36 minutes
constexpr std::uint64_t kLargest = (std::uint64_t{1} << (kBits + kOctaves)) - 1;

// Values below 2^10 have a bucket each; above, the top 11 bits choose it.
std::size_t bucket_of(std::uint64_t value) {
  unsigned shift = 0;
  while ((value >> shift) >= 2 * kSteps) ++shift;
  return static_cast<std::size_t>(shift * kSteps + (value >> shift));
}

double middle_of(std::size_t bucket) {
  const std::uint64_t shift = bucket < 2 * kSteps ? 0 : bucket / kSteps - 1;
  const std::uint64_t low = (bucket - shift * kSteps) << shift;
  return static_cast<double>(low) + (std::ldexp(1.0, static_cast<int>(shift)) - 1) / 2;
}

}  // namespace

Latency::Latency() : buckets_((kOctaves + 1) * kSteps + kSteps) {}

void Latency::add(std::chrono::nanoseconds duration) {
  const auto value =
      std::min(static_cast<std::uint64_t>(std::max<std::int64_t>(duration.count(), 0)), kLargest);
  buckets_[bucket_of(value)] += 1;
  count_ += 1;
  max_ = std::max(max_, value);
  sum_ += static_cast<double>(value);
  if (keep_) samples_.push_back(static_cast<double>(value) / 1e6);
}

double Latency::percentile_ms(double fraction) const {
  if (count_ == 0) return 0;
  const auto rank = static_cast<std::uint64_t>(std::ceil(fraction * static_cast<double>(count_)));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < buckets_.size(); ++i) {
    seen += buckets_[i];
    if (seen >= std::max<std::uint64_t>(rank, 1))
      return std::min(middle_of(i), static_cast<double>(max_)) / 1e6;
  }
  return max_ms();
}

}  // namespace fcn_edge::app
