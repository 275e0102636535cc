#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "sources/source.hpp"

namespace fcn_edge::app {

/// Reads frames, puts number, name and times on them, and lets every N-th through.
/// read() belongs to one thread; the counts may be read from any.
class FrameReader {
 public:
  FrameReader(std::unique_ptr<Source> source, std::uint64_t every)
      : source_(std::move(source)), every_(every) {}

  bool read(Frame& frame);
  bool ready(std::chrono::milliseconds patience) { return source_->ready(patience); }
  void interrupt() { source_->interrupt(); }

  std::uint64_t frames_in() const { return frames_; }
  std::uint64_t skipped() const { return skipped_; }
  std::uint64_t reconnects() const { return source_->reconnects(); }
  std::uint64_t damaged() const { return source_->damaged(); }
  std::uint64_t bad_images() const { return source_->bad_images(); }

 private:
  std::unique_ptr<Source> source_;
  std::uint64_t every_;
  std::atomic<std::uint64_t> frames_{0};
  std::atomic<std::uint64_t> skipped_{0};
};

}  // namespace fcn_edge::app
