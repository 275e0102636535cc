#include "feed.hpp"

#include <atomic>
#include <cstdio>
#include <exception>
#include <thread>
#include <utility>

#include "latest_slot.hpp"

namespace fcn_edge::app {
namespace {

// Read one frame and put its number and times on it. Frames without a name of their own get 000000, 000001,
// ...
bool read_frame(Source& source, std::uint64_t index, Frame& frame) {
  frame.index = index;
  frame.name.clear();
  frame.asked = Clock::now();
  if (!source.read(frame.image, frame.name)) return false;
  frame.taken = Clock::now();
  if (frame.name.empty()) {
    char digits[24];
    std::snprintf(digits, sizeof digits, "%06llu", static_cast<unsigned long long>(index));
    frame.name = digits;
  }
  return true;
}

class BlockFeed : public Feed {
 public:
  BlockFeed(std::unique_ptr<Source> source, SourceOpener again, int loop)
      : source_(std::move(source)), again_(std::move(again)), endless_(loop == 0), rounds_left_(loop - 1) {}

  bool next(Frame& frame) override {
    while (!stopped_) {
      if (read_frame(*source_, frames_, frame)) {
        ++frames_;
        return true;
      }
      if (!endless_ && rounds_left_-- <= 0) return false;
      source_ = again_();
    }
    return false;
  }

  void stop() override { stopped_ = true; }
  std::uint64_t frames_in() const override { return frames_; }
  std::uint64_t dropped() const override { return 0; }

 private:
  std::unique_ptr<Source> source_;
  SourceOpener again_;
  bool endless_;
  int rounds_left_;
  bool stopped_ = false;
  std::uint64_t frames_ = 0;
};

class LatestFeed : public Feed {
 public:
  explicit LatestFeed(std::unique_ptr<Source> source)
      : source_(std::move(source)), reader_([this] { read_all(); }) {}

  ~LatestFeed() override {
    stopped_ = true;
    reader_.join();
  }

  bool next(Frame& frame) override {
    if (slot_.take(frame)) return true;
    if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
    return false;
  }

  void stop() override {
    stopped_ = true;
    slot_.close();
  }

  std::uint64_t frames_in() const override { return frames_; }
  std::uint64_t dropped() const override { return dropped_; }

 private:
  void read_all() {
    try {
      Frame frame;
      while (!stopped_ && read_frame(*source_, frames_, frame)) {
        ++frames_;
        if (slot_.put(frame)) ++dropped_;
      }
    } catch (...) {
      failure_ = std::current_exception();  // published by close(): next() reads it after the slot is empty
    }
    slot_.close();
  }

  std::unique_ptr<Source> source_;
  LatestSlot<Frame> slot_;
  std::exception_ptr failure_;
  std::atomic<bool> stopped_{false};
  std::atomic<std::uint64_t> frames_{0};
  std::atomic<std::uint64_t> dropped_{0};
  std::thread reader_;  // last: starts when everything above is ready
};

}  // namespace

std::unique_ptr<Feed> make_block_feed(std::unique_ptr<Source> source, SourceOpener again, int loop) {
  return std::make_unique<BlockFeed>(std::move(source), std::move(again), loop);
}

std::unique_ptr<Feed> make_latest_feed(std::unique_ptr<Source> source) {
  return std::make_unique<LatestFeed>(std::move(source));
}

}  // namespace fcn_edge::app
