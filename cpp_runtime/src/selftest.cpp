#include "selftest.hpp"

#include <algorithm>
#include <cstdio>

#include "fcn_edge/error.hpp"
#include "png_file.hpp"

namespace fcn_edge {
namespace {

double agreement(const Mask& mask, const Image& golden) {
  std::size_t equal = 0;
  for (std::size_t i = 0; i < mask.ids.size(); ++i) equal += mask.ids[i] == golden.pixels[i] ? 1 : 0;
  return static_cast<double>(equal) / static_cast<double>(mask.ids.size());
}

std::string decimals(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4f", value);
  return text;
}

}  // namespace

SelfTest run_selftest(Segmenter& segmenter, const Bundle& bundle) {
  SelfTest result;
  Mask mask;
  for (const GoldenFrame& golden : bundle.manifest.golden) {
    const Image frame = read_png(bundle.path(golden.frame), 3);
    const Image expected = read_png(bundle.path(golden.mask), 1);
    segmenter.run({frame.pixels.data(), frame.width, frame.height, 0}, mask);
    if (expected.width != mask.width || expected.height != mask.height) {
      throw Error(ErrorCode::bundle,
                  bundle.path(golden.mask).string() + " does not have the bundle's mask size",
                  "compile the bundle again");
    }
    const double same = agreement(mask, expected);
    result.frames += 1;
    result.agreement = std::min(result.agreement, same);
    if (same < bundle.manifest.min_agreement) {
      throw Error(ErrorCode::selftest,
                  "self-test failed: " + golden.frame + " agrees with its golden mask on " + decimals(same) +
                      " of the pixels, " + decimals(bundle.manifest.min_agreement) + " is asked for (" +
                      segmenter.engine() + ")",
                  "compile the bundle with this machine's engine version");
    }
  }
  return result;
}

}  // namespace fcn_edge
