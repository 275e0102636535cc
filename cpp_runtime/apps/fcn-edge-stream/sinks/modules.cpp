#include "sinks/modules.hpp"

#include "sinks/make_sinks.hpp"

namespace fcn_edge::app {
namespace {

const MediaSinks& media_sinks() {
  static const auto& module = static_cast<const MediaSinks&>(load_module("media", "fcn_edge_media_sinks"));
  return module;
}

const WindowModule& window() {
  static const auto& module = static_cast<const WindowModule&>(load_module("window", "fcn_edge_window"));
  return module;
}

}  // namespace

std::unique_ptr<Sink> make_mask_sink(const std::string& folder) {
  return media_sinks().make_mask_sink(folder);
}
std::unique_ptr<Sink> make_video_sink(const std::string& path, double fps) {
  return media_sinks().make_video_sink(path, fps);
}
std::unique_ptr<Sink> make_window_sink(const std::string& title) { return window().make_window_sink(title); }

}  // namespace fcn_edge::app
