#pragma once

/// Everything a program needs:
///
///     #include <fcn_edge/fcn_edge.hpp>
///
///     fcn_edge::Segmenter segmenter = fcn_edge::Segmenter::open("road.fcne");  // hashes and self-test
///     included fcn_edge::Mask mask = segmenter.run({pixels, width, height, stride});    // 8-bit BGR, any
///     size std::uint8_t id = mask.at(y, x);                                         //
///     segmenter.info().classes[id]

#include "fcn_edge/bundle_info.hpp"
#include "fcn_edge/drift.hpp"
#include "fcn_edge/error.hpp"
#include "fcn_edge/frame.hpp"
#include "fcn_edge/overlay.hpp"
#include "fcn_edge/segmenter.hpp"
#include "fcn_edge/version.hpp"
