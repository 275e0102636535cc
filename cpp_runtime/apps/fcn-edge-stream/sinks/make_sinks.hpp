#pragma once

#include <fcn_edge/bundle_info.hpp>
#include <memory>
#include <string>
#include <vector>

#include "stream/sink.hpp"

namespace fcn_edge::app {

std::unique_ptr<Sink> make_mask_sink(const std::string& folder);
std::unique_ptr<Sink> make_area_sink(const std::string& path, const std::vector<ClassInfo>& classes);
std::unique_ptr<Sink> make_video_sink(const std::string& path, double fps);
std::unique_ptr<Sink> make_window_sink(const std::string& title);

}  // namespace fcn_edge::app
