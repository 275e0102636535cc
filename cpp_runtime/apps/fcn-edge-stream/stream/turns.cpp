#include "stream/turns.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <exception>
#include <utility>

#include "ground/process.hpp"

namespace fcn_edge::app {
namespace {

constexpr std::chrono::milliseconds kNotice{100};  // how soon a waiting program notices Ctrl-C

}  // namespace

Turns::Turns(std::vector<std::unique_ptr<Feed>> feeds, std::shared_ptr<Bell> bell) : bell_(std::move(bell)) {
  for (auto& feed : feeds) places_.push_back({std::move(feed), false, nullptr});
}

std::optional<std::size_t> Turns::poll(std::vector<Frame>& frames) {
  rings_ = bell_->count();
  waited_ = false;
  for (std::size_t i = 0; i < places_.size(); ++i) {
    const std::size_t source = (turn_ + i) % places_.size();
    if (!ask(places_[source], frames[source])) continue;
    frames[source].source = source;
    turn_ = source + 1;
    return source;
  }
  return std::nullopt;
}

bool Turns::wait() {
  if (all_ended() || stop_requested()) return false;
  if (!waited_) bell_->wait_beyond(rings_, kNotice);
  return !stop_requested();
}

bool Turns::ask(Place& place, Frame& frame) {
  if (place.ended) return false;
  try {
    const Feed::Offer offer = place.feed->poll(frame);
    place.ended = offer == Feed::Offer::ended;
    waited_ = waited_ || offer == Feed::Offer::waited;
    return offer == Feed::Offer::frame;
  } catch (const std::exception& error) {
    place.ended = true;
    place.failure = std::current_exception();
    if (!all_ended()) spdlog::warn("{}; the other sources go on", error.what());
    return false;
  }
}

bool Turns::all_ended() const {
  return std::all_of(places_.begin(), places_.end(), [](const Place& place) { return place.ended; });
}

}  // namespace fcn_edge::app
