#include "sinks/video_name.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>

namespace fcn_edge::app {
namespace {

// Those that OpenCV writes both codecs below into without a complaint of its own on stderr.
constexpr std::array<const char*, 7> kEndings{".mp4", ".mkv", ".mov", ".avi", ".m4v", ".3gp", ".wmv"};

}  // namespace

// H.264 plays everywhere; builds of FFmpeg without an encoder for it still have MPEG-4 part 2.
std::vector<const char*> codecs_for(const std::string& path) {
  std::string ending = std::filesystem::path(path).extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (std::find(kEndings.begin(), kEndings.end(), ending) == kEndings.end()) return {};
  return {"avc1", "mp4v"};
}

std::string video_endings() {
  std::string endings;
  for (const char* ending : kEndings) endings += (endings.empty() ? "" : ", ") + std::string(ending);
  return endings;
}

}  // namespace fcn_edge::app
