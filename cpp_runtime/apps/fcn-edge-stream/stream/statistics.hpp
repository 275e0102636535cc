#pragma once

#include <array>
#include <cstdint>
#include <fcn_edge/drift.hpp>
#include <string>
#include <utility>

#include "stream/feed.hpp"
#include "stream/latency.hpp"

namespace fcn_edge::app {

/// What is known about a run, filled by the pipeline and written by the report.
struct Statistics {
  std::uint64_t frames_in = 0;   ///< frames the source gave
  std::uint64_t frames_out = 0;  ///< frames that went through every sink
  Drops drops;                   ///< frames nobody saw, by reason
  std::uint64_t abandoned = 0;   ///< frames still waiting when the run was ended
  std::uint64_t reconnects = 0;  ///< times a lost source came back
  std::uint64_t damaged = 0;     ///< packets and pictures that the decoder found faults in
  std::uint64_t bad_images = 0;  ///< image files that could not be read and were left out
  std::uint64_t measured = 0;    ///< frames in the latencies below: frames_out less the warm-up
  Drift drift;                   ///< how far the frames are from calibrated ones
  double seconds = 0;            ///< from the end of the warm-up to the last frame out

  Latency capture;  ///< source asked -> frame in memory (for a camera: the wait for light as well)
  Latency queue;    ///< waiting for a free slot before, and for its turn after, the engine
  Latency infer;    ///< resize and engine
  Latency post;     ///< scores -> mask
  Latency sink;     ///< overlay and every output
  Latency total;    ///< frame in memory -> shown or written: the frame's age

  Latency interval;  ///< from one frame of a source, shown or written, to its next
  Latency jitter;    ///< by how much the age changed from one frame of a source to its next

  /// The run is over: what neither came out nor was dropped was abandoned.
  void close() {
    const std::uint64_t accounted = frames_out + drops.total();
    abandoned = frames_in > accounted ? frames_in - accounted : 0;
  }

  std::uint64_t dropped() const { return drops.total() + abandoned; }
  double fps() const { return seconds > 0 ? static_cast<double>(measured) / seconds : 0; }

  std::array<std::pair<const char*, Latency*>, 6> stages() {
    return {{{"capture", &capture},
             {"queue", &queue},
             {"infer", &infer},
             {"post", &post},
             {"sink", &sink},
             {"total", &total}}};
  }
  std::array<std::pair<const char*, const Latency*>, 6> stages() const {
    return {{{"capture", &capture},
             {"queue", &queue},
             {"infer", &infer},
             {"post", &post},
             {"sink", &sink},
             {"total", &total}}};
  }
};

/// One source as the live page shows it.
struct SourceView {
  std::string name;
  const Statistics* statistics;
};

}  // namespace fcn_edge::app
