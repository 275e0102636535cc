#pragma once

#include <memory>
#include <string>

#include "sources/source.hpp"

namespace fcn_edge::app {

/// test:WIDTHxHEIGHT@FPS, a camera without hardware: a moving picture that carries its number and the time it
/// was made (see coded_picture.hpp). Live at FPS; without @FPS a recording without end, as fast as it is
/// read.
std::unique_ptr<Source> open_test_source(const std::string& size);

}  // namespace fcn_edge::app
