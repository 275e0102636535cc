#pragma once

#include <chrono>
#include <cstdint>
#include <memory>

#include "source.hpp"

namespace fcn_edge::app {

/// Frames that came from the source and that nobody will see, by reason.
struct Drops {
  std::uint64_t superseded = 0;  ///< a newer one arrived before the engine was free (latest)
  std::uint64_t skipped = 0;     ///< between every N-th (every-n)
  std::uint64_t late = 0;        ///< older than the deadline when its turn came (deadline-ms)

  std::uint64_t total() const { return superseded + skipped + late; }
};

struct FeedSettings {
  bool latest = false;                        ///< keep the newest frame only, else every frame in turn
  std::uint64_t every = 1;                    ///< let every N-th frame through
  std::chrono::milliseconds deadline{0};      ///< drop frames older than this; 0: never
  std::chrono::milliseconds patience{30000};  ///< latest: a source silent for so long has failed
};

/// Stands between a source and the pipeline and decides which frames get through.
class Feed {
 public:
  Feed() = default;
  Feed(const Feed&) = delete;
  Feed& operator=(const Feed&) = delete;
  virtual ~Feed() = default;

  /// Swap the next frame into `frame`; false at the end of the source or after a stop request. Throws what
  /// the source threw, and Error(io) when a live source stays silent.
  virtual bool next(Frame& frame) = 0;

  virtual std::uint64_t frames_in() const = 0;  ///< frames the source gave
  virtual Drops drops() const = 0;
  virtual std::uint64_t reconnects() const = 0;
};

/// Not latest: frames are read on the caller's own thread, which holds the source back when sinks are slow;
/// on a box with few cores that beats a decoding thread, which only takes time from the engine.
/// Latest: a thread keeps reading and untaken frames are dropped.
std::unique_ptr<Feed> make_feed(std::unique_ptr<Source> source, const FeedSettings& settings);

}  // namespace fcn_edge::app
