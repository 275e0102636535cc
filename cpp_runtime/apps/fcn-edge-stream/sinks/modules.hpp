#pragma once

#include <memory>
#include <string>

#include "ground/module.hpp"
#include "stream/sink.hpp"

namespace fcn_edge::app {

/// The sinks that sit in libfcn_edge_media.so (sources/media.hpp says why). make_mask_sink and
/// make_video_sink are forwarded through this table.
struct MediaSinks : ModuleTable {
  std::unique_ptr<Sink> (*make_mask_sink)(const std::string& folder);
  std::unique_ptr<Sink> (*make_video_sink)(const std::string& path, double fps);
};

/// The same for make_window_sink, in libfcn_edge_window.so: windows bring Qt along.
struct WindowModule : ModuleTable {
  std::unique_ptr<Sink> (*make_window_sink)(const std::string& title);
};

}  // namespace fcn_edge::app
