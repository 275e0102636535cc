#pragma once

#include <chrono>
#include <condition_variable>
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
    const bool dropped = full_;
    full_ = true;
    ready_.notify_one();
    return dropped;
  }

  /// Wait for a value and swap it into `value`; nothing after `patience`, closed when no more will come.
  Taken take(T& value, std::chrono::milliseconds patience) {
    std::unique_lock<std::mutex> lock(mutex_);
    if (!ready_.wait_for(lock, patience, [this] { return full_ || closed_; })) return Taken::nothing;
    if (!full_) return Taken::closed;
    std::swap(waiting_, value);
    full_ = false;
    return Taken::value;
  }

  /// No more values will come; a waiting take() returns.
  void close() {
    const std::lock_guard<std::mutex> lock(mutex_);
    closed_ = true;
    ready_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable ready_;
  T waiting_{};
  bool full_ = false;
  bool closed_ = false;
};

}  // namespace fcn_edge::app
