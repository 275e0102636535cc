#include "png_file.hpp"

#include <png.h>

#include "fcn_edge/error.hpp"

namespace fcn_edge {
namespace {

constexpr png_uint_32 kMaxSidePixels = 16384;

}  // namespace

// libpng rather than OpenCV's imgcodecs: that one pulls in some 130 shared libraries, which cost a small
// box more memory and start-up time than the network does.
Image read_png(const std::filesystem::path& path, int channels) {
  png_image png{};
  png.version = PNG_IMAGE_VERSION;
  const auto fail = [&] {
    const std::string why = png.message;
    png_image_free(&png);
    throw Error(ErrorCode::io, "cannot read " + path.string() + " (" + why + ")");
  };
  if (png_image_begin_read_from_file(&png, path.c_str()) == 0) fail();
  if (png.width > kMaxSidePixels || png.height > kMaxSidePixels) {
    png_image_free(&png);
    throw Error(ErrorCode::io, path.string() + " is too large for a frame");
  }
  png.format = channels == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_BGR;
  Image image;
  image.width = static_cast<int>(png.width);
  image.height = static_cast<int>(png.height);
  image.channels = channels;
  image.pixels.resize(PNG_IMAGE_SIZE(png));
  if (png_image_finish_read(&png, nullptr, image.pixels.data(), 0, nullptr) == 0) fail();
  return image;
}

}  // namespace fcn_edge
