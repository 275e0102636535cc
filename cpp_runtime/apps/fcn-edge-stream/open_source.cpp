#include <algorithm>
#include <cctype>
#include <fcn_edge/error.hpp>
#include <filesystem>

#include "image_name.hpp"
#include "image_source.hpp"
#include "lasting_source.hpp"
#include "raw_source.hpp"
#include "source.hpp"
#include "test_source.hpp"
#include "video_source.hpp"

namespace fcn_edge::app {
namespace {

bool is_index(const std::string& text) {
  return !text.empty() && text.size() < 4 &&
         std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
}

bool contains(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

bool begins(const std::string& text, const char* part) { return text.rfind(part, 0) == 0; }

}  // namespace

std::unique_ptr<Source> open_source(const std::string& spec) {
  if (is_index(spec)) return open_camera(std::stoi(spec));
  if (begins(spec, "test:")) return open_test_source(spec.substr(5));
  if (begins(spec, "raw:")) return open_raw_source(spec.substr(4));
  if (contains(spec, " ! ")) return open_gstreamer(spec);
  if (contains(spec, "://")) return open_address(spec);
  if (begins(spec, "/dev/")) return open_device(spec);
  std::error_code error;
  if (!std::filesystem::exists(spec, error)) {
    throw Error(ErrorCode::misuse, "no such source: " + spec,
                "give a video file, a folder of images, a camera index such as 0, or an rtsp:// address");
  }
  if (std::filesystem::is_directory(spec) || is_image_name(spec)) return open_images(spec);
  return open_video_file(spec);
}

std::unique_ptr<Source> open_lasting_source(const std::string& spec, int loop) {
  std::unique_ptr<Source> source = open_source(spec);
  const SourceOpener again = [spec] { return open_source(spec); };
  if (source->live()) return make_reconnecting(std::move(source), again);
  return loop == 1 ? std::move(source) : make_repeated(std::move(source), again, loop);
}

}  // namespace fcn_edge::app
