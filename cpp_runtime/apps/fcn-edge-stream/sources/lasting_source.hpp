#pragma once

#include <chrono>
#include <memory>

#include "sources/source.hpp"

namespace fcn_edge::app {

/// Plays what `open` gives `rounds` times in a row, or without end for rounds 0.
std::unique_ptr<Source> make_repeated(std::unique_ptr<Source> first, SourceOpener open, int rounds);

/// Survives the loss of a camera: when the source ends or breaks it is opened again, after `pause`, then
/// twice that, up to 16 times it. Each success is counted. How long to keep hoping is the feed's patience.
std::unique_ptr<Source> make_reconnecting(std::unique_ptr<Source> first, SourceOpener open,
                                          std::chrono::milliseconds pause = std::chrono::milliseconds(500));

}  // namespace fcn_edge::app
