#include "pipeline.hpp"

#include <algorithm>
#include <utility>

#include "process.hpp"

namespace fcn_edge::app {
namespace {

double milliseconds(Clock::duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

}  // namespace

Pipeline::Pipeline(Segmenter& segmenter, Feed& feed, std::vector<std::unique_ptr<Sink>>& sinks,
                   Settings settings, Statistics& statistics)
    : segmenter_(segmenter),
      feed_(feed),
      sinks_(sinks),
      settings_(settings),
      statistics_(statistics),
      overlay_(segmenter.info().classes, settings.alpha),
      legend_(segmenter.info().classes),
      lanes_(static_cast<std::size_t>(segmenter.slots())) {
  draw_ = std::any_of(sinks.begin(), sinks.end(), [](const auto& sink) { return sink->needs_overlay(); });
}

void Pipeline::run() {
  measured_from_ = Clock::now();
  const int slots = static_cast<int>(lanes_.size());
  int slot = 0;
  for (bool more = true; more; slot = (slot + 1) % slots) {
    Lane& lane = lanes_[static_cast<std::size_t>(slot)];
    if (lane.busy) complete(lane, slot);
    more = admit(lane, slot);
    if (!more) break;
  }
  for (int i = 0; i < slots; ++i) {  // what is still in flight, oldest first
    const int oldest = (slot + i) % slots;
    Lane& lane = lanes_[static_cast<std::size_t>(oldest)];
    if (lane.busy) complete(lane, oldest);
  }
  feed_.stop();
  statistics_.frames_in = feed_.frames_in();
  statistics_.dropped = statistics_.frames_in - statistics_.frames_out;
}

bool Pipeline::admit(Lane& lane, int slot) {
  const bool asked_to_end =
      stop_requested() ||
      std::any_of(sinks_.begin(), sinks_.end(), [](const auto& sink) { return sink->wants_stop(); });
  if (asked_to_end || (settings_.limit > 0 && admitted_ == settings_.limit + settings_.warmup)) return false;
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
  if (draw_) {
    cv::Mat& image = frame.image;
    overlay_.draw(mask_, {image.data, image.cols, image.rows, static_cast<std::ptrdiff_t>(image.step)});
    legend_.draw(image);
  }
  for (const auto& sink : sinks_) sink->write({frame.image, mask_, frame.name});
}

void Pipeline::record(const Frame& frame, const Timing& timing, Clock::time_point shown) {
  Statistics& s = statistics_;
  ++s.frames_out;
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

}  // namespace fcn_edge::app
