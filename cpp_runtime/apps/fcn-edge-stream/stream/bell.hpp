#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace fcn_edge::app {

/// Wakes the one who serves several sources when any of them has news. To miss none: read count(), look at
/// every source, and when none had anything wait for a ring after that count.
class Bell {
 public:
  void ring() {
    const std::lock_guard<std::mutex> lock(mutex_);
    ++rings_;
    rung_.notify_all();
  }

  std::uint64_t count() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return rings_;
  }

  /// Return once it has rung more than `count` times, or after `patience`.
  void wait_beyond(std::uint64_t count, std::chrono::milliseconds patience) {
    std::unique_lock<std::mutex> lock(mutex_);
    rung_.wait_for(lock, patience, [&] { return rings_ > count; });
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable rung_;
  std::uint64_t rings_ = 0;
};

}  // namespace fcn_edge::app
