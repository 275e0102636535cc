#include "sources/media.hpp"

#include <dlfcn.h>

#include <cstdlib>
#include <cstring>
#include <fcn_edge/error.hpp>
#include <fcn_edge/version.hpp>
#include <filesystem>

#include "ground/process.hpp"
#include "live/jpeg.hpp"
#include "sources/ffmpeg_source.hpp"
#include "sources/image_source.hpp"
#include "sources/video_source.hpp"

namespace fcn_edge::app {
namespace fs = std::filesystem;
namespace {

// Beside the program in a build tree, beside the engines in an installation.
std::vector<fs::path> search_folders() {
  std::error_code error;
  const fs::path here = fs::read_symlink("/proc/self/exe", error).parent_path();
  std::vector<fs::path> folders{here, here / FCN_EDGE_MODULES_FROM_PROGRAM};
  if (const char* chosen = std::getenv("FCN_EDGE_BACKENDS")) folders.insert(folders.begin(), chosen);
  return folders;
}

// The table that libfcn_edge_NAME.so hands out, or null and the reason. It stays loaded: FFmpeg and Qt keep
// threads.
template <class Module>
const Module* find(const std::string& name, std::string& reason) {
  const std::string file = "libfcn_edge_" + name + ".so";
  reason = "no " + file + " found";
  for (const fs::path& folder : search_folders()) {
    const fs::path path = folder / file;
    std::error_code error;
    if (!fs::exists(path, error)) continue;
    void* handle = dlopen(path.c_str(), RTLD_LAZY | RTLD_LOCAL);
    if (handle == nullptr) {
      reason = dlerror();
      continue;
    }
    using Entry = const Module* (*)();
    auto* entry = reinterpret_cast<Entry>(dlsym(handle, ("fcn_edge_" + name).c_str()));
    if (entry != nullptr && std::strcmp(entry()->version, version()) == 0) return entry();
    reason = path.string() + " belongs to another version of fcn-edge";
  }
  return nullptr;
}

template <class Module>
const Module& load(const std::string& name) {
  std::string reason;
  if (const Module* module = find<Module>(name, reason)) return *module;
  throw Error(ErrorCode::backend, "cannot load the " + name + " functions: " + reason,
              "install fcn-edge again, with libfcn_edge_" + name + ".so beside its engines");
}

// Null where the program was built without FFmpeg's libraries: OpenCV then reads recordings and addresses
// too.
std::unique_ptr<Source> open_by_ffmpeg(const std::string& url, bool address) {
  std::string unused;
  static const FfmpegModule* module = find<FfmpegModule>("ffmpeg", unused);
  return module == nullptr ? nullptr : module->open(url, address, &stop_requested);
}

const WindowModule& window() {
  static const WindowModule& module = load<WindowModule>("window");
  return module;
}

}  // namespace

const MediaModule& media() {
  static const MediaModule& module = load<MediaModule>("media");
  return module;
}

std::unique_ptr<Source> open_video_file(const std::string& path) {
  if (auto source = open_by_ffmpeg(path, /*address=*/false)) return source;
  return media().open_video_file(path);
}

std::unique_ptr<Source> open_address(const std::string& url) {
  if (auto source = open_by_ffmpeg(url, /*address=*/true)) return source;
  return media().open_address(url);
}

std::unique_ptr<Source> open_camera(const CameraRequest& wanted) { return media().open_camera(wanted); }
std::unique_ptr<Source> open_gstreamer(const std::string& line) { return media().open_gstreamer(line); }
std::unique_ptr<Source> open_images(const std::string& path) { return media().open_images(path); }
std::unique_ptr<Sink> make_mask_sink(const std::string& folder) { return media().make_mask_sink(folder); }
std::unique_ptr<Sink> make_video_sink(const std::string& path, double fps) {
  return media().make_video_sink(path, fps);
}
std::unique_ptr<Sink> make_window_sink(const std::string& title) { return window().make_window_sink(title); }

void encode_jpeg(const cv::Mat& picture, int quality, std::vector<std::uint8_t>& bytes) {
  media().encode_jpeg(picture, quality, bytes);
}

}  // namespace fcn_edge::app
