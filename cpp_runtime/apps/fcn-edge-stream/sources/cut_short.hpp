#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace fcn_edge::app {

/// Whether a recording's own headers promise more bytes than the file has: MP4 and MOV, AVI, Matroska and
/// WebM. False for other files, and for those that were never finished and promise nothing.
bool recording_is_cut(const std::string& path);

/// Whether the bytes of an image file end before the picture does: JPEG, PNG, WebP. Decoders fill what is
/// missing with grey, and say nothing. False for other files.
bool image_is_cut(const std::vector<std::uint8_t>& bytes);

}  // namespace fcn_edge::app
