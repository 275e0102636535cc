#pragma once

#include <mutex>
#include <utility>

namespace fcn_edge::app {

/// Hands the newest value from one thread to another. Values are swapped, never copied, so three buffers
/// circulate and nothing is allocated: one being filled, one waiting, one being worked on.
template <class T>
class LatestSlot {
 public:
  enum class Taken { value, nothing, closed };

  /// Offer `value`; gets an old buffer in exchange. True when an untaken value was thrown away for it.
  bool put(T& value) {
    const std::lock_guard<std::mutex> lock(mutex_);
    std::swap(waiting_, value);
    return std::exchange(full_, true);
  }

  /// Swap the waiting value into `value`. Never waits; closed when no value is left and none will come.
  Taken take(T& value) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!full_) return closed_ ? Taken::closed : Taken::nothing;
    std::swap(waiting_, value);
    full_ = false;
    return Taken::value;
  }

  /// No more values will come.
  void close() {
    const std::lock_guard<std::mutex> lock(mutex_);
    closed_ = true;
  }

 private:
  std::mutex mutex_;
  T waiting_{};
  bool full_ = false;
  bool closed_ = false;
};

}  // namespace fcn_edge::app
