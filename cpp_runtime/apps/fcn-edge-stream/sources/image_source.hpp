#pragma once

#include <memory>
#include <string>

#include "sources/source.hpp"

namespace fcn_edge::app {

/// The images of a folder in name order, or one image file. Throws Error(misuse) when there is none.
std::unique_ptr<Source> open_images(const std::string& path);

}  // namespace fcn_edge::app
