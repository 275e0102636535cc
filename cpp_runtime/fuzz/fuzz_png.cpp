// Golden frames are PNG files from outside: any bytes must decode or give one Error.

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>

#include "fcn_edge/error.hpp"
#include "png_file.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const int file = ::memfd_create("fcn-edge-fuzz", 0);
  static const std::string path = "/proc/self/fd/" + std::to_string(file);
  if (file < 0 || ::ftruncate(file, 0) != 0) std::abort();
  if (::pwrite(file, data, size, 0) != static_cast<ssize_t>(size)) std::abort();
  for (const int channels : {1, 3}) {
    try {
      const fcn_edge::Image image = fcn_edge::read_png(path, channels);
      const auto expected =
          static_cast<std::size_t>(image.width) * static_cast<std::size_t>(image.height * channels);
      if (image.pixels.size() != expected) std::abort();
    } catch (const fcn_edge::Error&) {
    }
  }
  return 0;
}
