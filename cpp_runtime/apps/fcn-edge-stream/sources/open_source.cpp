#include <unistd.h>

#include <fcn_edge/error.hpp>
#include <filesystem>

#include "ground/process.hpp"
#include "sources/cameras.hpp"
#include "sources/image_name.hpp"
#include "sources/image_source.hpp"
#include "sources/lasting_source.hpp"
#include "sources/raw_source.hpp"
#include "sources/source.hpp"
#include "sources/test_source.hpp"
#include "sources/video_source.hpp"

namespace fcn_edge::app {
namespace {

bool contains(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

// Asked before it is opened: OpenCV would take another mode, and say nothing.
std::unique_ptr<Source> open_checked(const CameraRequest& wanted) {
  if (::access(wanted.path.c_str(), F_OK) != 0) {
    throw Error(ErrorCode::io, "there is no camera " + wanted.path,
                "see fcn-edge-stream --list-cameras for those there are");
  }
  if (const auto camera = describe_camera(wanted.path)) check_offered(wanted, *camera);
  return open_camera(wanted);
}

bool begins(const std::string& text, const char* part) { return text.rfind(part, 0) == 0; }

enum class Kind { test, raw, pipeline, address, camera, missing, images, video };

Kind file_kind(const std::string& path, bool folder) {
  return folder || is_image_name(path) ? Kind::images : Kind::video;
}

Kind kind_of(const std::string& spec) {
  if (begins(spec, "test:")) return Kind::test;
  if (begins(spec, "raw:")) return Kind::raw;
  std::error_code error;
  const std::filesystem::file_status there = std::filesystem::status(spec, error);
  const bool folder = std::filesystem::is_directory(there);
  const bool named = contains(spec, " ! ") || contains(spec, "://");  // what else it could be
  if (named && (folder || std::filesystem::is_regular_file(there))) return file_kind(spec, folder);
  if (contains(spec, " ! ")) return Kind::pipeline;
  if (contains(spec, "://")) return Kind::address;
  if (parse_camera(spec)) return Kind::camera;
  return std::filesystem::exists(there) ? file_kind(spec, folder) : Kind::missing;
}

}  // namespace

std::unique_ptr<Source> open_source(const std::string& spec, const SourceSettings& settings) {
  switch (kind_of(spec)) {
    case Kind::test:
      return open_test_source(spec.substr(5));
    case Kind::raw:
      return open_raw_source(spec.substr(4));
    case Kind::pipeline: {
      const Fragile opening;
      return open_gstreamer(spec);
    }
    case Kind::address:
      return open_address(spec, settings.patience);
    case Kind::camera:
      return open_checked(*parse_camera(spec));
    case Kind::images:
      return open_images(spec, settings);
    case Kind::video:
      if (std::filesystem::is_fifo(spec)) {  // opening it would wait for a writer, for ever
        throw Error(ErrorCode::misuse, spec + " is a named pipe, and recordings need a file",
                    "pipe raw frames in: --source raw:WIDTHxHEIGHT < " + spec);
      }
      return open_video_file(spec);
    case Kind::missing:
      break;
  }
  throw Error(ErrorCode::misuse, "no such source: " + shown(spec),
              "give a video file, a folder of images, a camera index such as 0, or an rtsp:// address");
}

std::optional<bool> live_by_name(const std::string& spec) {
  const Kind kind = kind_of(spec);
  if (kind == Kind::camera) return true;
  return kind == Kind::images || kind == Kind::video ? std::optional(false) : std::nullopt;
}

std::unique_ptr<Source> open_lasting_source(const std::string& spec, int loop,
                                            const SourceSettings& settings) {
  std::unique_ptr<Source> source = open_source(spec, settings);
  const SourceOpener again = [spec, settings] { return open_source(spec, settings); };
  if (source->live()) return make_reconnecting(std::move(source), again);
  return loop == 1 ? std::move(source) : make_repeated(std::move(source), again, loop);
}

}  // namespace fcn_edge::app
