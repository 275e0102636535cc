#pragma once

#include <string>

namespace fcn_edge::app {

/// True for the names of images: .jpg .jpeg .png .bmp .webp .tif .tiff, in either case. The rule is that of
/// list_pictures in fcn_edge/data/listing.py.
bool is_image_name(const std::string& path);

}  // namespace fcn_edge::app
