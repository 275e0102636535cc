#include "sources/media.hpp"

#include "ground/process.hpp"
#include "sources/ffmpeg_source.hpp"
#include "sources/image_source.hpp"
#include "sources/video_source.hpp"

namespace fcn_edge::app {
namespace {

constexpr std::chrono::minutes kFilePatience{1};  // a disk may have to wake up

// Null where the program was built without FFmpeg's libraries: OpenCV then reads recordings and addresses
// too.
std::unique_ptr<Source> open_by_ffmpeg(const std::string& url, bool address,
                                       std::chrono::milliseconds patience) {
  std::string unused;
  static const auto* module =
      static_cast<const FfmpegModule*>(find_module("ffmpeg", "fcn_edge_ffmpeg", unused));
  return module == nullptr ? nullptr : module->open(url, address, &stop_requested, patience);
}

const MediaSources& media_sources() {
  static const auto& module =
      static_cast<const MediaSources&>(load_module("media", "fcn_edge_media_sources"));
  return module;
}

}  // namespace

std::unique_ptr<Source> open_video_file(const std::string& path) {
  if (auto source = open_by_ffmpeg(path, /*address=*/false, kFilePatience)) return source;
  return media_sources().open_video_file(path);
}

std::unique_ptr<Source> open_address(const std::string& url, std::chrono::milliseconds patience) {
  if (auto source = open_by_ffmpeg(url, /*address=*/true, patience)) return source;
  return media_sources().open_address(url, patience);
}

std::unique_ptr<Source> open_camera(const CameraRequest& wanted) {
  return media_sources().open_camera(wanted);
}
std::unique_ptr<Source> open_gstreamer(const std::string& line) {
  return media_sources().open_gstreamer(line);
}
std::unique_ptr<Source> open_images(const std::string& path, const SourceSettings& settings) {
  return media_sources().open_images(path, settings);
}

}  // namespace fcn_edge::app
