#pragma once

#include <memory>
#include <string>

#include "sources/source.hpp"

namespace fcn_edge::app {

/// The images of a folder in the order of their names' bytes, or one image file. Hidden files are left out. A
/// mask takes its image's stem, or where an image before it has the same its full name (a.jpg: a, a.png:
/// a.png). Throws Error(misuse) when there is none.
std::unique_ptr<Source> open_images(const std::string& path, const SourceSettings& settings);

}  // namespace fcn_edge::app
