// manifest.json comes from outside: any bytes must give a Manifest within its limits, or one Error.

#include <cstdint>
#include <cstdlib>
#include <string>

#include "fcn_edge/error.hpp"
#include "manifest.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const fcn_edge::Manifest m = fcn_edge::parse_manifest({reinterpret_cast<const char*>(data), size});
    const bool sane = m.info.width >= 1 && m.info.width <= 16384 && m.info.height >= 1 &&
                      m.info.height <= 16384 && !m.info.classes.empty() && m.info.classes.size() <= 255;
    if (!sane) std::abort();
    for (const auto& file : m.files) {
      if (file.first.front() == '/' || ("/" + file.first + "/").find("/../") != std::string::npos)
        std::abort();
    }
  } catch (const fcn_edge::Error&) {
  }
  return 0;
}
