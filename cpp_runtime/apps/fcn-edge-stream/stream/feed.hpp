#pragma once

#include <chrono>
#include <cstdint>
#include <memory>

#include "sources/source.hpp"
#include "stream/bell.hpp"

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
  enum class Offer {
    frame,
    nothing,
    waited,  ///< nothing, although it was waited for: ask again at once
    ended
  };

  Feed() = default;
  Feed(const Feed&) = delete;
  Feed& operator=(const Feed&) = delete;
  virtual ~Feed() = default;

  /// Swap the next frame into `frame`, if there is one now. Throws what the source threw, and Error(io) when
  /// a live source stays silent while it is asked again and again.
  virtual Offer poll(Frame& frame) = 0;

  virtual std::uint64_t frames_in() const = 0;  ///< frames the source gave
  virtual Drops drops() const = 0;
  virtual std::uint64_t reconnects() const = 0;
  virtual std::uint64_t damaged() const = 0;
  virtual std::uint64_t bad_images() const { return 0; }
};

/// Not latest: frames are read on the caller's own thread, which holds the source back when sinks are slow;
/// on a box with few cores that beats a decoding thread, which only takes time from the engine. There is
/// always a frame or the end; a pipe is waited for in short turns.
/// Latest: a thread keeps reading, untaken frames are dropped, and `bell` rings for every arrival.
std::unique_ptr<Feed> make_feed(std::unique_ptr<Source> source, const FeedSettings& settings,
                                std::shared_ptr<Bell> bell);

}  // namespace fcn_edge::app
