#include "feed.hpp"

#include <atomic>
#include <exception>
#include <fcn_edge/error.hpp>
#include <string>
#include <thread>
#include <utility>

#include "frame_reader.hpp"
#include "latest_slot.hpp"
#include "process.hpp"

namespace fcn_edge::app {
namespace {

constexpr std::chrono::milliseconds kTick{100};    // how soon a waiting feed notices Ctrl-C
constexpr std::chrono::milliseconds kGrace{2000};  // what a reading thread gets to come back at the end

bool too_old(const Frame& frame, std::chrono::milliseconds deadline) {
  return deadline.count() > 0 && Clock::now() - frame.taken > deadline;
}

class BlockFeed : public Feed {
 public:
  BlockFeed(std::unique_ptr<Source> source, const FeedSettings& settings)
      : reader_(std::move(source), settings.every) {}

  bool next(Frame& frame) override { return !stop_requested() && reader_.read(frame); }
  std::uint64_t frames_in() const override { return reader_.frames_in(); }
  Drops drops() const override { return {0, reader_.skipped(), 0}; }
  std::uint64_t reconnects() const override { return reader_.reconnects(); }

 private:
  FrameReader reader_;
};

class LatestFeed : public Feed {
 public:
  LatestFeed(std::unique_ptr<Source> source, const FeedSettings& settings)
      : settings_(settings), shared_(std::make_shared<Shared>(std::move(source), settings.every)) {
    thread_ = std::thread([shared = shared_] { read_all(*shared); });
  }

  // A camera driver may never come back from its read. The thread owns its share of everything it touches,
  // so it can be left behind when the process ends.
  ~LatestFeed() override {
    shared_->stopped = true;
    shared_->reader.interrupt();
    for (auto waited = std::chrono::milliseconds(0); !shared_->ended && waited < kGrace;
         waited += kTick / 10) {
      std::this_thread::sleep_for(kTick / 10);
    }
    if (shared_->ended) {
      thread_.join();
    } else {
      thread_.detach();
      leave_without_cleanup();
    }
  }

  bool next(Frame& frame) override {
    const Clock::time_point since = Clock::now();
    while (!stop_requested()) {
      const auto taken = shared_->slot.take(frame, kTick);
      if (taken == Slot::Taken::closed) return end();
      if (taken == Slot::Taken::value) {
        if (!too_old(frame, settings_.deadline)) return true;
        ++late_;
      } else if (Clock::now() - since > settings_.patience) {
        throw Error(
            ErrorCode::io,
            "the source gave no frame for " + std::to_string(settings_.patience.count() / 1000) + " s",
            "check the camera and its cable, or wait longer with --patience");
      }
    }
    return false;
  }

  std::uint64_t frames_in() const override { return shared_->reader.frames_in(); }
  Drops drops() const override { return {shared_->superseded, shared_->reader.skipped(), late_}; }
  std::uint64_t reconnects() const override { return shared_->reader.reconnects(); }

 private:
  using Slot = LatestSlot<Frame>;

  struct Shared {
    Shared(std::unique_ptr<Source> source, std::uint64_t every) : reader(std::move(source), every) {}
    FrameReader reader;
    Slot slot;
    std::exception_ptr failure;  // written before the slot is closed, read after
    std::atomic<std::uint64_t> superseded{0};
    std::atomic<bool> stopped{false};
    std::atomic<bool> ended{false};
  };

  static void read_all(Shared& shared) {
    try {
      Frame frame;
      while (!shared.stopped && shared.reader.read(frame)) {
        if (shared.slot.put(frame)) ++shared.superseded;
      }
    } catch (...) {
      shared.failure = std::current_exception();
    }
    shared.slot.close();
    shared.ended = true;
  }

  bool end() {
    if (shared_->failure) std::rethrow_exception(std::exchange(shared_->failure, nullptr));
    return false;
  }

  FeedSettings settings_;
  std::shared_ptr<Shared> shared_;
  std::thread thread_;
  std::uint64_t late_ = 0;
};

}  // namespace

std::unique_ptr<Feed> make_feed(std::unique_ptr<Source> source, const FeedSettings& settings) {
  if (settings.latest) return std::make_unique<LatestFeed>(std::move(source), settings);
  return std::make_unique<BlockFeed>(std::move(source), settings);
}

}  // namespace fcn_edge::app
