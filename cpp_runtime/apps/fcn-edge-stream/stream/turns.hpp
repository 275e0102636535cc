#pragma once

#include <exception>
#include <memory>
#include <optional>
#include <vector>

#include "stream/feed.hpp"

namespace fcn_edge::app {

/// Several sources on one engine: the feeds are asked in turn, and the one after the last served comes first,
/// so that a source with frames waiting is served before any other is served twice. A feed with nothing to
/// give is passed over. One that fails is left out from then on, and the others go on.
class Turns {
 public:
  Turns(std::vector<std::unique_ptr<Feed>> feeds, std::shared_ptr<Bell> bell);

  /// Swap the next frame, if a feed has one now, into its source's place in `frames`, which has one for each
  /// source so that buffers are never exchanged between pictures of different sizes. Gives the source.
  std::optional<std::size_t> poll(std::vector<Frame>& frames);

  /// After a poll in vain: wait until another may succeed. False when every feed has ended or failed, or
  /// after a stop request.
  bool wait();

  std::size_t count() const { return places_.size(); }
  const Feed& feed(std::size_t source) const { return *places_[source].feed; }

  /// What the source threw when it failed, else null.
  std::exception_ptr failure(std::size_t source) const { return places_[source].failure; }

 private:
  struct Place {
    std::unique_ptr<Feed> feed;
    bool ended = false;
    std::exception_ptr failure;
  };

  bool ask(Place& place, Frame& frame);
  bool all_ended() const;

  std::vector<Place> places_;
  std::shared_ptr<Bell> bell_;
  std::size_t turn_ = 0;
  bool waited_ = false;      // a feed waited itself in the last poll
  std::uint64_t rings_ = 0;  // when the feeds were last asked
};

}  // namespace fcn_edge::app
