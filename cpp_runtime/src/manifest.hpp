#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "fcn_edge/bundle_info.hpp"

namespace fcn_edge {

/// What the graph gives: class scores at 1/stride of the frame, or the finished mask (Contract 1).
enum class Tail { scores, mask };

struct OutputSpec {
  Tail tail = Tail::scores;
  std::string name;
  int stride = 8;  ///< 1, 4, 8, 16 or 32
  int height = 0;  ///< of the scores: ceil(input height / stride)
  int width = 0;
  int channels = 0;  ///< one a class
};

struct FileEntry {
  std::string sha256;
  std::uint64_t bytes = 0;
};

struct GoldenFrame {
  std::string frame;  ///< path inside the bundle of a BGR PNG
  std::string mask;   ///< path inside the bundle of the 8-bit PNG the engine must give
};

/// manifest.json, schema 1, checked: every size is inside its limits and every path stays inside the bundle.
struct Manifest {
  BundleInfo info;
  std::string input_name;
  OutputSpec output;
  std::map<std::string, FileEntry> files;  ///< by path relative to the bundle, forward slashes
  std::vector<GoldenFrame> golden;
  double min_agreement = 1.0;  ///< share of pixels the self-test asks for
};

/// Read manifest.json's text. Throws Error(bundle) with one sentence naming the field that is wrong.
Manifest parse_manifest(const std::string& text);

}  // namespace fcn_edge
