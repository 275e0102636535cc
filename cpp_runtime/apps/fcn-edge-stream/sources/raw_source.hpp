#pragma once

#include <memory>
#include <string>

#include "sources/source.hpp"

namespace fcn_edge::app {

/// raw:WIDTHxHEIGHT[@FPS], frames from standard input: packed 8-bit BGR, one after the other. The pipe holds
/// the writer back; a stream that ends within a frame is an error.
std::unique_ptr<Source> open_raw_source(const std::string& size);

}  // namespace fcn_edge::app
