#pragma once

#include <string>

namespace fcn_edge::app {

/// True for the extensions the image source reads: .png .jpg .jpeg .bmp
bool is_image_name(const std::string& path);

}  // namespace fcn_edge::app
