// Golden frames are PNG files from outside: any bytes must decode or give one Error.

#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <string>

#include "fcn_edge/error.hpp"
#include "png_file.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::string path = "/tmp/fcn-edge-fuzz-" + std::to_string(::getpid()) + ".png";
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size));
  for (const int channels : {1, 3}) {
    try {
      const fcn_edge::Image image = fcn_edge::read_png(path, channels);
      const auto expected =
          static_cast<std::size_t>(image.width) * static_cast<std::size_t>(image.height * channels);
      if (image.pixels.size() != expected) std::abort();
    } catch (const fcn_edge::Error&) {
    }
  }
  ::unlink(path.c_str());
  return 0;
}
