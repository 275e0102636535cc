#pragma once

#include <string>
#include <vector>

namespace fcn_edge::app {

/// The codecs to try, best first, for a video file of this name; none where such files are not written.
std::vector<const char*> codecs_for(const std::string& path);

/// ".mp4, .mkv, ...": the endings that are written.
std::string video_endings();

}  // namespace fcn_edge::app
