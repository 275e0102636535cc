#pragma once

#include <fcn_edge/overlay.hpp>
#include <fcn_edge/segmenter.hpp>
#include <vector>

#include "stream/legend.hpp"
#include "stream/sink.hpp"
#include "stream/statistics.hpp"
#include "stream/turns.hpp"

namespace fcn_edge::app {

/// Where the results of one source go.
struct Channel {
  std::vector<Sink*> sinks;          ///< none may be null; several channels may share one
  Statistics* statistics = nullptr;  ///< of this source alone; null when there is only one
};

/// Add a feed's counts, which may be rising, to those of all.
void add(Statistics& sum, const Feed& feed);

/// feeds -> segmenter -> sinks, with a clock on every stage.
///
/// One thread does all of it: while the engine works on up to slots() frames on its own threads, this one
/// decodes the next and finishes the oldest. Frames therefore come out in the order they went in, memory
/// is bounded by the slots, and a slow sink holds the source back instead of filling a queue.
class Pipeline {
 public:
  struct Settings {
    double alpha = 0.5;
    std::uint64_t limit = 0;   ///< stop after so many frames past the warm-up; 0: at the sources' end
    std::uint64_t warmup = 0;  ///< frames left out of the statistics
    double seconds = 0;        ///< stop after so long; 0: no such limit
  };

  /// One channel for each feed, in order. What it is given must outlive it.
  Pipeline(Segmenter& segmenter, Turns& turns, const std::vector<Channel>& channels, Settings settings,
           Statistics& statistics);

  /// Run to the end of all sources, the limit, or a stop request; sinks are not committed.
  void run();

  double first_infer_ms() const { return first_infer_ms_; }
  double first_mask_seconds() const { return first_mask_seconds_; }  ///< since the process started

 private:
  // What one source's frames need on the way out.
  struct Way {
    Way(const Channel& channel, const BundleInfo& info, double alpha);
    Channel channel;
    Overlay overlay;  // both keep tables for the frame's size
    Legend legend;
    bool draw;
    bool begun = false;  // shown and age are of an earlier frame
    Clock::time_point shown;
    Clock::duration age{};
  };

  // What a slot of the engine works on: one source's frame, with room for one of each.
  struct Lane {
    std::vector<Frame> frames;
    std::size_t source = 0;
  };

  bool ended() const;
  bool admit();
  void finish_oldest();
  void present(Way& way, Frame& frame);
  void record(Way& way, const Frame& frame, const Timing& timing, Clock::time_point shown);
  void count();
  void watch_drift();

  Segmenter& segmenter_;
  Turns& turns_;
  std::vector<Way> ways_;
  Settings settings_;
  Statistics& statistics_;
  std::vector<Lane> lanes_;    // one for each slot of the engine, used in turn
  std::size_t next_ = 0;       // the slot that is used next
  std::size_t in_flight_ = 0;  // slots before it that the engine holds
  Mask mask_;
  std::uint64_t admitted_ = 0;
  bool said_drift_ = false;
  Clock::time_point began_;
  Clock::time_point measured_from_;
  double first_infer_ms_ = 0;
  double first_mask_seconds_ = 0;
};

}  // namespace fcn_edge::app
