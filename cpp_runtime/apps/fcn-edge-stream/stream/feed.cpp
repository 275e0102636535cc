#include "stream/feed.hpp"

#include <atomic>
#include <exception>
#include <fcn_edge/error.hpp>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "ground/process.hpp"
#include "sources/frame_reader.hpp"
#include "stream/latest_slot.hpp"

namespace fcn_edge::app {
namespace {

constexpr std::chrono::milliseconds kGrace{2000};  // what a reading thread gets to come back at the end
constexpr std::chrono::milliseconds kTick{10};

bool too_old(const Frame& frame, std::chrono::milliseconds deadline) {
  return deadline.count() > 0 && Clock::now() - frame.taken > deadline;
}

class BlockFeed : public Feed {
 public:
  BlockFeed(std::unique_ptr<Source> source, const FeedSettings& settings)
      : reader_(std::move(source), settings.every) {}

  Offer poll(Frame& frame) override {
    if (!reader_.ready(kTick)) return Offer::waited;
    return reader_.read(frame) ? Offer::frame : Offer::ended;
  }
  std::uint64_t frames_in() const override { return reader_.frames_in(); }
  Drops drops() const override { return {0, reader_.skipped(), 0}; }
  std::uint64_t reconnects() const override { return reader_.reconnects(); }
  std::uint64_t damaged() const override { return reader_.damaged(); }
  std::uint64_t bad_images() const override { return reader_.bad_images(); }

 private:
  FrameReader reader_;
};

class LatestFeed : public Feed {
 public:
  LatestFeed(std::unique_ptr<Source> source, const FeedSettings& settings, std::shared_ptr<Bell> bell)
      : settings_(settings),
        shared_(std::make_shared<Shared>(std::move(source), settings.every, std::move(bell))) {
    thread_ = std::thread([shared = shared_] { read_all(*shared); });
  }

  // A camera driver may never come back from its read. The thread owns its share of everything it touches,
  // so it can be left behind when the process ends.
  ~LatestFeed() override {
    shared_->stopped = true;
    shared_->reader.interrupt();
    for (auto waited = std::chrono::milliseconds(0); !shared_->ended && waited < kGrace; waited += kTick) {
      std::this_thread::sleep_for(kTick);
    }
    if (shared_->ended) {
      thread_.join();
    } else {
      thread_.detach();
      leave_without_cleanup();
    }
  }

  Offer poll(Frame& frame) override {
    const auto taken = shared_->slot.take(frame);
    if (taken == Slot::Taken::closed) return end();
    if (taken == Slot::Taken::nothing) {
      bear_silence();
      return Offer::nothing;
    }
    silent_since_.reset();
    if (!too_old(frame, settings_.deadline)) return Offer::frame;
    ++late_;
    return Offer::nothing;
  }

  std::uint64_t frames_in() const override { return shared_->reader.frames_in(); }
  Drops drops() const override { return {shared_->superseded, shared_->reader.skipped(), late_}; }
  std::uint64_t reconnects() const override { return shared_->reader.reconnects(); }
  std::uint64_t damaged() const override { return shared_->reader.damaged(); }
  std::uint64_t bad_images() const override { return shared_->reader.bad_images(); }

 private:
  using Slot = LatestSlot<Frame>;

  struct Shared {
    Shared(std::unique_ptr<Source> source, std::uint64_t every, std::shared_ptr<Bell> rung)
        : reader(std::move(source), every), bell(std::move(rung)) {}
    FrameReader reader;
    std::shared_ptr<Bell> bell;
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
        shared.bell->ring();
      }
    } catch (...) {
      shared.failure = std::current_exception();
    }
    shared.slot.close();
    shared.bell->ring();
    shared.ended = true;
  }

  Offer end() {
    if (shared_->failure) std::rethrow_exception(std::exchange(shared_->failure, nullptr));
    return Offer::ended;
  }

  void bear_silence() {
    const Clock::time_point now = Clock::now();
    if (!silent_since_) silent_since_ = now;
    if (now - *silent_since_ <= settings_.patience) return;
    throw Error(ErrorCode::io,
                "the source gave no frame for " + std::to_string(settings_.patience.count() / 1000) + " s",
                "check the camera and its cable, or wait longer with --patience");
  }

  FeedSettings settings_;
  std::shared_ptr<Shared> shared_;
  std::thread thread_;
  std::optional<Clock::time_point> silent_since_;  // when it was first asked in vain
  std::uint64_t late_ = 0;
};

}  // namespace

std::unique_ptr<Feed> make_feed(std::unique_ptr<Source> source, const FeedSettings& settings,
                                std::shared_ptr<Bell> bell) {
  if (settings.latest) return std::make_unique<LatestFeed>(std::move(source), settings, std::move(bell));
  return std::make_unique<BlockFeed>(std::move(source), settings);
}

}  // namespace fcn_edge::app
