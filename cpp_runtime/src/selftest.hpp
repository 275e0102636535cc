#pragma once

#include "bundle.hpp"
#include "fcn_edge/segmenter.hpp"

namespace fcn_edge {

/// Run the golden frames and compare with the golden masks. Throws Error(selftest) when a frame agrees on
/// fewer pixels than the bundle asks for: this machine's engine does not compute what was approved.
SelfTest run_selftest(Segmenter& segmenter, const Bundle& bundle);

}  // namespace fcn_edge
