#pragma once

#include <fcn_edge/overlay.hpp>
#include <fcn_edge/segmenter.hpp>
#include <vector>

#include "feed.hpp"
#include "legend.hpp"
#include "sink.hpp"
#include "statistics.hpp"

namespace fcn_edge::app {

/// feed -> segmenter -> sinks, with a clock on every stage.
///
/// One thread does all of it: while the engine works on up to slots() frames on its own threads, this one
/// decodes the next and finishes the oldest. Frames therefore come out in the order they went in, memory
/// is bounded by the slots, and a slow sink holds the source back instead of filling a queue.
class Pipeline {
 public:
  struct Settings {
    double alpha = 0.5;
    std::uint64_t limit = 0;   ///< stop after so many frames past the warm-up; 0: at the source's end
    std::uint64_t warmup = 0;  ///< frames left out of the statistics
    double seconds = 0;        ///< stop after so long; 0: no such limit
  };

  /// What it is given must outlive it; no sink may be null.
  Pipeline(Segmenter& segmenter, Feed& feed, std::vector<Sink*> sinks, Settings settings,
           Statistics& statistics);

  /// Run to the end of the source, the limit, or a stop request; sinks are not committed.
  void run();

  double first_infer_ms() const { return first_infer_ms_; }
  double first_mask_seconds() const { return first_mask_seconds_; }  ///< since the process started

 private:
  struct Lane {
    Frame frame;
    bool busy = false;
  };

  bool ended() const;
  bool admit(Lane& lane, int slot);
  void complete(Lane& lane, int slot);
  void present(Frame& frame);
  void record(const Frame& frame, const Timing& timing, Clock::time_point shown);
  void count();
  void watch_drift();

  Segmenter& segmenter_;
  Feed& feed_;
  std::vector<Sink*> sinks_;
  Settings settings_;
  Statistics& statistics_;
  Overlay overlay_;
  Legend legend_;
  bool draw_;
  std::vector<Lane> lanes_;
  Mask mask_;
  std::uint64_t admitted_ = 0;
  bool said_drift_ = false;
  Clock::time_point began_;
  Clock::time_point measured_from_;
  double first_infer_ms_ = 0;
  double first_mask_seconds_ = 0;
};

}  // namespace fcn_edge::app
