#include "report/soak.hpp"

#include "ground/process.hpp"

namespace fcn_edge::app {
namespace {

constexpr std::size_t kMaxSamples = 4096;

// Least-squares slope of y over x.
double slope(const std::vector<double>& x, const std::vector<double>& y) {
  double mean_x = 0;
  double mean_y = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    mean_x += x[i] / static_cast<double>(x.size());
    mean_y += y[i] / static_cast<double>(x.size());
  }
  double xy = 0;
  double xx = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    xy += (x[i] - mean_x) * (y[i] - mean_y);
    xx += (x[i] - mean_x) * (x[i] - mean_x);
  }
  return xx > 0 ? xy / xx : 0;
}

}  // namespace

void Soak::write(const Scene& /*scene*/) {
  const Clock::time_point now = Clock::now();
  if (samples_.empty()) {
    samples_.reserve(kMaxSamples);
    began_ = next_ = now;
  }
  if (now < next_) return;
  next_ = now + interval_;
  const double seconds = std::chrono::duration<double>(now - began_).count();
  samples_.push_back(
      {seconds, memory_mb(), open_files(), statistics_.total.count(), statistics_.total.sum_ms()});
  if (samples_.size() < kMaxSamples) return;
  for (std::size_t i = 0; 2 * i < samples_.size(); ++i) samples_[i] = samples_[2 * i];
  samples_.resize(samples_.size() / 2);
  interval_ *= 2;
}

nlohmann::json Soak::describe() const {
  if (samples_.size() < 4) return {{"samples", samples_.size()}};
  const Sample& first = samples_.front();
  const Sample& middle = samples_[samples_.size() / 2];
  const Sample& last = samples_.back();
  std::vector<double> hours;
  std::vector<double> rss;
  for (std::size_t i = samples_.size() / 2; i < samples_.size(); ++i) {
    hours.push_back(samples_[i].seconds / 3600);
    rss.push_back(samples_[i].rss_mb);
  }
  const auto mean_age = [](const Sample& from, const Sample& to) {
    return to.frames > from.frames
               ? (to.age_sum_ms - from.age_sum_ms) / static_cast<double>(to.frames - from.frames)
               : 0;
  };
  return {
      {"seconds", last.seconds},
      {"samples", samples_.size()},
      {"rss_mb", {{"begin", first.rss_mb}, {"middle", middle.rss_mb}, {"end", last.rss_mb}}},
      {"rss_slope_mb_per_hour", slope(hours, rss)},
      {"fds", {{"begin", first.files}, {"end", last.files}}},
      {"mean_age_ms", {{"first_half", mean_age(first, middle)}, {"second_half", mean_age(middle, last)}}}};
}

}  // namespace fcn_edge::app
