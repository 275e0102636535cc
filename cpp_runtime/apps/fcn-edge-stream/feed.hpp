#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "options.hpp"
#include "source.hpp"

namespace fcn_edge::app {

/// Stands between a source and the pipeline and decides which frames get through.
class Feed {
 public:
  Feed() = default;
  Feed(const Feed&) = delete;
  Feed& operator=(const Feed&) = delete;
  virtual ~Feed() = default;

  /// Swap the next frame into `frame`; false at the end of the source or after stop().
  virtual bool next(Frame& frame) = 0;
  virtual void stop() = 0;

  virtual std::uint64_t frames_in() const = 0;  ///< frames the source gave
  virtual std::uint64_t dropped() const = 0;    ///< of these, frames nobody will see
};

using SourceOpener = std::function<std::unique_ptr<Source>()>;

/// Every frame, read on the caller's own thread; the source is opened and played `loop` times,
/// 0 meaning for ever.
/// On a box with few cores this beats a decoding thread, which only takes time from the engine.
std::unique_ptr<Feed> make_block_feed(std::unique_ptr<Source> source, SourceOpener again, int loop);

/// The newest frame: a thread keeps reading, untaken frames are dropped and counted.
std::unique_ptr<Feed> make_latest_feed(std::unique_ptr<Source> source);

}  // namespace fcn_edge::app
