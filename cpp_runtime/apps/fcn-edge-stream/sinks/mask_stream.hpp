#pragma once

#include <cstdint>
#include <fcn_edge/bundle_info.hpp>
#include <memory>
#include <vector>

#include "options.hpp"
#include "stream/sink.hpp"

namespace fcn_edge::app {

/// Class maps on stdout for another program (--masks-stream); fcn_edge.read_masks reads them.
///
///   one line of JSON:  {"format": "fcn-edge-masks", "version": 1, "encoding": "rle", "height": 360,
///                       "width": 480, "classes": ["sky", ...], "void_id": 255}
///   for every frame:   28 bytes, little endian, then the payload:
///      0  4 bytes  "MASK"
///      4  uint32   source, counted from 0
///      8  uint64   position of the frame in its source
///     16  int64    when the frame was taken: nanoseconds since 1970
///     24  uint32   length of the payload in bytes
///
/// A reader that falls behind holds recordings back and makes live sources drop frames. When the program is
/// asked to stop, a reader that takes nothing for a second is left with a frame cut short.
std::unique_ptr<Sink> make_mask_stream(MaskEncoding encoding, const BundleInfo& info);

/// The runs of `ids` after what `bytes` already holds. A run goes on into the next row and ends at 65535.
void append_runs(const std::vector<std::uint8_t>& ids, std::vector<std::uint8_t>& bytes);

}  // namespace fcn_edge::app
