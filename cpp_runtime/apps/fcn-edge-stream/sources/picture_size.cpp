#include "sources/picture_size.hpp"

#include <fcn_edge/error.hpp>
#include <regex>

namespace fcn_edge::app {

PictureSize parse_picture_size(const std::string& text, const std::string& what) {
  static const std::regex form(R"((\d{1,5})x(\d{1,5})(?:@(\d{1,4}(?:\.\d{1,6})?))?)");
  std::smatch found;
  PictureSize result;
  if (std::regex_match(text, found, form)) {
    result.size = {std::stoi(found[1]), std::stoi(found[2])};
    result.fps = found[3].matched ? std::stod(found[3]) : 0;
  }
  if (result.size.width < 1 || result.size.height < 1 || result.size.width > 16384 ||
      result.size.height > 16384) {
    throw Error(ErrorCode::misuse, what + " '" + text + "' is not WIDTHxHEIGHT@FPS",
                "type for example 1280x720@30");
  }
  return result;
}

}  // namespace fcn_edge::app
