#include "sinks/outputs.hpp"

#include <spdlog/spdlog.h>

#include <filesystem>

#include "sinks/make_sinks.hpp"
#include "sinks/mask_stream.hpp"

namespace fcn_edge::app {
namespace fs = std::filesystem;

std::string numbered_file(const std::string& path, std::size_t source, std::size_t sources) {
  if (sources == 1) return path;
  const fs::path given(path);
  const std::string name = given.stem().string() + "-" + std::to_string(source) + given.extension().string();
  return (given.parent_path() / name).string();
}

std::string numbered_folder(const std::string& path, std::size_t source, std::size_t sources) {
  return sources == 1 ? path : (fs::path(path) / std::to_string(source)).string();
}

Outputs::Outputs(const StreamOptions& options, const std::vector<std::unique_ptr<Source>>& sources)
    : options_(options), own_(sources.size()) {
  for (std::size_t i = 0; i < sources.size(); ++i) {
    Sinks& sinks = own_[i];
    if (!options.masks.empty()) {
      sinks.push_back(make_mask_sink(numbered_folder(options.masks, i, sources.size())));
    }
    if (!options.out.empty()) {
      const std::string path = numbered_file(options.out, i, sources.size());
      sinks.push_back(make_video_sink(path, sources[i]->fps()));
      if (!sources[i]->steady()) {
        spdlog::warn("{} has a variable frame rate: {} shows its frames at {:.2f} a second throughout",
                     shown(options.sources[i]), path, sources[i]->fps());
      }
    }
    if (options.window) sinks.push_back(make_window_sink("fcn-edge: " + shown(options.sources[i])));
  }
}

void Outputs::open_rest(const BundleInfo& info) {
  if (!options_.areas.empty()) shared_.push_back(make_area_sink(options_.areas, info.classes));
  if (options_.masks_stream) shared_.push_back(make_mask_stream(*options_.masks_stream, info));
}

std::vector<Channel> Outputs::channels() const {
  std::vector<Channel> channels(own_.size());
  for (std::size_t i = 0; i < own_.size(); ++i) {
    for (const auto& sink : own_[i]) channels[i].sinks.push_back(sink.get());
    for (const auto& sink : shared_) channels[i].sinks.push_back(sink.get());
  }
  return channels;
}

void Outputs::commit_of(std::size_t source) {
  for (const auto& sink : own_[source]) sink->commit();
}

void Outputs::commit_shared() {
  for (const auto& sink : shared_) sink->commit();
}

}  // namespace fcn_edge::app
