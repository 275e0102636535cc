// Words on the command line, separated by zero bytes: any must give options within their limits, or one
// Error.

#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "fcn_edge/error.hpp"
#include "options.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<std::string> words{"fcn-edge-stream", ""};
  for (std::size_t i = 0; i < size && words.size() < 64; ++i) {
    if (data[i] == 0) {
      words.emplace_back();
    } else {
      words.back() += static_cast<char>(data[i]);
    }
  }
  std::vector<const char*> argv;
  for (const std::string& word : words) {
    if (word.find("--help") == 0 || word.find("-h") == 0 || word.find("--vers") == 0)
      return 0;  // these print
    argv.push_back(word.c_str());
  }
  try {
    const auto options = fcn_edge::app::parse_options(static_cast<int>(argv.size()), argv.data());
    if (options && options->list_cameras) return 0;
    if (!options || options->bundle.empty() || options->threads < 0 || options->slots < 0) std::abort();
    if (!(options->alpha >= 0 && options->alpha <= 1)) std::abort();
  } catch (const fcn_edge::Error&) {
  }
  return 0;
}
