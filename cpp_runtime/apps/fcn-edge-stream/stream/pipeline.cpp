#include "stream/pipeline.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "ground/process.hpp"
#include "stream/drift_sentence.hpp"

namespace fcn_edge::app {

// A reading thread goes on counting meanwhile, first the frame
// and then its drop: asked for in the other order, no drop is ahead of its frame.
void add(Statistics& sum, const Feed& feed) {
  const Drops drops = feed.drops();
  sum.drops.superseded += drops.superseded;
  sum.drops.skipped += drops.skipped;
  sum.drops.late += drops.late;
  sum.frames_in += feed.frames_in();
  sum.reconnects += feed.reconnects();
  sum.damaged += feed.damaged();
  sum.bad_images += feed.bad_images();
}

namespace {

double milliseconds(Clock::duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

void count_feeds(Statistics& statistics, const Turns& turns, std::size_t first, std::size_t end) {
  statistics.frames_in = statistics.reconnects = statistics.damaged = statistics.bad_images = 0;
  statistics.drops = {};
  for (std::size_t i = first; i < end; ++i) add(statistics, turns.feed(i));
}

}  // namespace

Pipeline::Way::Way(const Channel& to, const BundleInfo& info, double alpha)
    : channel(to),
      overlay(info.classes, alpha),
      legend(info.classes),
      draw(std::any_of(to.sinks.begin(), to.sinks.end(),
                       [](const Sink* sink) { return sink->needs_overlay(); })) {}

Pipeline::Pipeline(Segmenter& segmenter, Turns& turns, const std::vector<Channel>& channels,
                   Settings settings, Statistics& statistics)
    : segmenter_(segmenter),
      turns_(turns),
      settings_(settings),
      statistics_(statistics),
      lanes_(static_cast<std::size_t>(segmenter.slots())) {
  for (Lane& lane : lanes_) lane.frames.resize(channels.size());
  for (const Channel& channel : channels) ways_.emplace_back(channel, segmenter.info(), settings.alpha);
}

void Pipeline::run() {
  began_ = measured_from_ = Clock::now();
  if (settings_.seconds > 0) stop_after(settings_.seconds);
  while (!ended()) {
    if (in_flight_ == lanes_.size()) finish_oldest();
    if (ended() || !admit()) break;
  }
  while (in_flight_ > 0) finish_oldest();
  count();
  statistics_.close();
  for (Way& way : ways_) {
    if (way.channel.statistics != nullptr) way.channel.statistics->close();
  }
}

bool Pipeline::ended() const {
  const bool asked = std::any_of(ways_.begin(), ways_.end(), [](const Way& way) {
    const std::vector<Sink*>& sinks = way.channel.sinks;
    return std::any_of(sinks.begin(), sinks.end(), [](const Sink* sink) { return sink->wants_stop(); });
  });
  const bool enough = settings_.limit > 0 && admitted_ == settings_.limit + settings_.warmup;
  const bool over =
      settings_.seconds > 0 && Clock::now() - began_ > std::chrono::duration<double>(settings_.seconds);
  return asked || enough || over || stop_requested();
}

// While no source has a frame, what is in flight is finished instead of growing old.
bool Pipeline::admit() {
  Lane& lane = lanes_[next_];
  std::optional<std::size_t> source;
  while (!(source = turns_.poll(lane.frames))) {
    if (in_flight_ > 0) {
      finish_oldest();
    } else if (ended() || !turns_.wait()) {
      return false;
    }
  }
  lane.source = *source;
  const cv::Mat& image = lane.frames[lane.source].image;
  segmenter_.start(static_cast<int>(next_),
                   {image.data, image.cols, image.rows, static_cast<std::ptrdiff_t>(image.step)});
  next_ = (next_ + 1) % lanes_.size();
  ++in_flight_;
  ++admitted_;
  return true;
}

void Pipeline::finish_oldest() {
  const std::size_t slot = (next_ + lanes_.size() - in_flight_) % lanes_.size();
  --in_flight_;
  const Timing timing = segmenter_.finish(static_cast<int>(slot), mask_);
  if (statistics_.frames_out == 0) {
    first_mask_seconds_ = seconds_since_start();
    first_infer_ms_ = milliseconds(timing.completed - timing.started);
  }
  Frame& frame = lanes_[slot].frames[lanes_[slot].source];
  Way& way = ways_[frame.source];
  present(way, frame);
  record(way, frame, timing, Clock::now());
}

void Pipeline::present(Way& way, Frame& frame) {
  const auto write = [&](bool painted) {
    for (Sink* sink : way.channel.sinks) {
      if (sink->needs_overlay() != painted) continue;
      sink->write({frame.image, mask_, frame.name, frame.index, frame.source, frame.taken});
    }
  };
  write(/*painted=*/false);
  if (!way.draw) return;
  cv::Mat& image = frame.image;
  way.overlay.draw(mask_, {image.data, image.cols, image.rows, static_cast<std::ptrdiff_t>(image.step)});
  way.legend.draw(image);
  write(/*painted=*/true);
}

void Pipeline::record(Way& way, const Frame& frame, const Timing& timing, Clock::time_point shown) {
  const Clock::duration age = shown - frame.taken;
  const bool begun = std::exchange(way.begun, true);
  const Clock::duration interval = shown - std::exchange(way.shown, shown);
  const Clock::duration change = age - std::exchange(way.age, age);
  const bool warm = statistics_.frames_out >= settings_.warmup;
  const auto note = [&](Statistics& s) {
    ++s.frames_out;
    if (!warm) return;
    s.capture.add(frame.taken - frame.asked);
    s.queue.add((timing.started - frame.taken) + (timing.collected - timing.completed));
    s.infer.add(timing.completed - timing.started);
    s.post.add(timing.finished - timing.collected);
    s.sink.add(shown - timing.finished);
    s.total.add(age);
    if (begun) {
      s.interval.add(interval);
      s.jitter.add(std::chrono::abs(change));
    }
    ++s.measured;
    s.seconds = std::chrono::duration<double>(shown - measured_from_).count();
  };
  note(statistics_);
  if (way.channel.statistics != nullptr) note(*way.channel.statistics);
  if (!warm) measured_from_ = shown;
  count();
  watch_drift();
}

// Said once, when it happens: a stream may run for months. The score is of all sources together.
void Pipeline::watch_drift() {
  statistics_.drift = segmenter_.drift();
  for (Way& way : ways_) {
    if (way.channel.statistics != nullptr) way.channel.statistics->drift = statistics_.drift;
  }
  if (statistics_.drift.left() && !said_drift_) {
    spdlog::warn("{}", drift_sentence(statistics_.drift));
    said_drift_ = true;
  }
}

// What the feeds know, kept up to date for those who watch a run.
void Pipeline::count() {
  count_feeds(statistics_, turns_, 0, turns_.count());
  for (std::size_t i = 0; i < ways_.size(); ++i) {
    if (ways_[i].channel.statistics != nullptr) count_feeds(*ways_[i].channel.statistics, turns_, i, i + 1);
  }
}

}  // namespace fcn_edge::app
