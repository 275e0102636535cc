#include "pipeline.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "process.hpp"
#include "warnings.hpp"

namespace fcn_edge::app {
namespace {

double milliseconds(Clock::duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

}  // namespace

Pipeline::Pipeline(Segmenter& segmenter, Feed& feed, std::vector<Sink*> sinks, Settings settings,
                   Statistics& statistics)
    : segmenter_(segmenter),
      feed_(feed),
      sinks_(std::move(sinks)),
      settings_(settings),
      statistics_(statistics),
      overlay_(segmenter.info().classes, settings.alpha),
      legend_(segmenter.info().classes),
      draw_(
          std::any_of(sinks_.begin(), sinks_.end(), [](const Sink* sink) { return sink->needs_overlay(); })),
      lanes_(static_cast<std::size_t>(segmenter.slots())) {}

void Pipeline::run() {
  began_ = measured_from_ = Clock::now();
  const int slots = static_cast<int>(lanes_.size());
  int slot = 0;
  for (;; slot = (slot + 1) % slots) {
    Lane& lane = lanes_[static_cast<std::size_t>(slot)];
    if (lane.busy) complete(lane, slot);
    if (ended() || !admit(lane, slot)) break;
  }
  for (int i = 0; i < slots; ++i) {  // what is still in flight, oldest first
    const int oldest = (slot + i) % slots;
    Lane& lane = lanes_[static_cast<std::size_t>(oldest)];
    if (lane.busy) complete(lane, oldest);
  }
  count();
  statistics_.abandoned = statistics_.frames_in - statistics_.frames_out - statistics_.drops.total();
}

bool Pipeline::ended() const {
  const bool asked =
      std::any_of(sinks_.begin(), sinks_.end(), [](const Sink* sink) { return sink->wants_stop(); });
  const bool enough = settings_.limit > 0 && admitted_ == settings_.limit + settings_.warmup;
  const bool over =
      settings_.seconds > 0 && Clock::now() - began_ > std::chrono::duration<double>(settings_.seconds);
  return asked || enough || over || stop_requested();
}

bool Pipeline::admit(Lane& lane, int slot) {
  if (!feed_.next(lane.frame)) return false;
  const cv::Mat& image = lane.frame.image;
  segmenter_.start(slot, {image.data, image.cols, image.rows, static_cast<std::ptrdiff_t>(image.step)});
  lane.busy = true;
  ++admitted_;
  return true;
}

void Pipeline::complete(Lane& lane, int slot) {
  lane.busy = false;
  const Timing timing = segmenter_.finish(slot, mask_);
  if (statistics_.frames_out == 0) {
    first_mask_seconds_ = seconds_since_start();
    first_infer_ms_ = milliseconds(timing.completed - timing.started);
  }
  present(lane.frame);
  record(lane.frame, timing, Clock::now());
}

void Pipeline::present(Frame& frame) {
  const auto write = [&](bool painted) {
    for (Sink* sink : sinks_) {
      if (sink->needs_overlay() == painted) sink->write({frame.image, mask_, frame.name, frame.index});
    }
  };
  write(/*painted=*/false);
  if (!draw_) return;
  cv::Mat& image = frame.image;
  overlay_.draw(mask_, {image.data, image.cols, image.rows, static_cast<std::ptrdiff_t>(image.step)});
  legend_.draw(image);
  write(/*painted=*/true);
}

void Pipeline::record(const Frame& frame, const Timing& timing, Clock::time_point shown) {
  Statistics& s = statistics_;
  ++s.frames_out;
  count();
  watch_drift();
  if (s.frames_out <= settings_.warmup) {
    measured_from_ = shown;
    return;
  }
  s.capture.add(frame.taken - frame.asked);
  s.queue.add((timing.started - frame.taken) + (timing.collected - timing.completed));
  s.infer.add(timing.completed - timing.started);
  s.post.add(timing.finished - timing.collected);
  s.sink.add(shown - timing.finished);
  s.total.add(shown - frame.taken);
  ++s.measured;
  s.seconds = std::chrono::duration<double>(shown - measured_from_).count();
}

// Said once, when it happens: a stream may run for months.
void Pipeline::watch_drift() {
  statistics_.drift = segmenter_.drift();
  if (statistics_.drift.left() && !said_drift_) {
    spdlog::warn("{}", drift_sentence(statistics_.drift));
    said_drift_ = true;
  }
}

// What the feed knows, kept up to date for those who watch a run.
void Pipeline::count() {
  statistics_.frames_in = feed_.frames_in();
  statistics_.drops = feed_.drops();
  statistics_.reconnects = feed_.reconnects();
}

}  // namespace fcn_edge::app
