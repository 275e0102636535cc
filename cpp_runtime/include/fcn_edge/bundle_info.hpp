#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace fcn_edge {

/// One class of a bundle: id is its position in BundleInfo::classes.
struct ClassInfo {
  std::string name;
  std::array<std::uint8_t, 3> rgb{};  ///< the colour people see for it
};

/// What a bundle says about itself, as far as a program that streams it needs to know.
struct BundleInfo {
  std::string name;
  std::vector<ClassInfo> classes;
  int void_id = 255;  ///< the id that means "no class" in label files; the engine never gives it
  int height = 0;     ///< of the network's input and of every mask, pixels
  int width = 0;
  std::string precision;  ///< "int8" or "fp32"
  std::string target;     ///< the engine it was compiled for, e.g. "openvino"
  std::string gate;       ///< "pass", "fail" or "ungated"
};

}  // namespace fcn_edge
