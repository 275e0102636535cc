#include "fcn_edge/overlay.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>

#include "fcn_edge/error.hpp"
#include "simd.hpp"

namespace fcn_edge {
namespace {

// 16-bit arithmetic throughout: 255 * keep + tint is at most 255 * 256 + 128.
FCN_EDGE_WIDE void blend_row(const std::uint16_t* tints, std::uint16_t keep, int count,
                             std::uint8_t* pixels) {
  for (int i = 0; i < count; ++i) {
    const auto sum = static_cast<std::uint16_t>(static_cast<std::uint16_t>(pixels[i]) * keep + tints[i]);
    pixels[i] = static_cast<std::uint8_t>(sum >> 8);
  }
}

int scaled(int i, int from, int to) { return static_cast<int>(static_cast<std::int64_t>(i) * from / to); }

}  // namespace

Overlay::Overlay(const std::vector<ClassInfo>& classes, double alpha) {
  if (!(alpha >= 0.0 && alpha <= 1.0)) {
    throw Error(ErrorCode::misuse, "alpha is " + std::to_string(alpha), "give a number from 0 to 1");
  }
  const auto paint = static_cast<int>(std::lround(256.0 * alpha));
  keep_ = static_cast<std::uint16_t>(256 - paint);
  for (std::size_t id = 0; id < tints_.size(); ++id) {
    for (std::size_t c = 0; c < 3; ++c) {
      const int colour = id < classes.size() ? classes[id].rgb[2 - c] : 0;  // frames are B,G,R
      tints_[id][c] = static_cast<std::uint16_t>(colour * paint + 128);
    }
  }
}

void Overlay::draw(const Mask& mask, const MutableFrameView& frame) {
  if (mask.width < 1 || mask.height < 1 || frame.width < 1 || frame.height < 1 || frame.data == nullptr) {
    throw Error(ErrorCode::misuse, "overlay needs a frame and a mask with pixels");
  }
  const std::size_t ids = static_cast<std::size_t>(mask.width) * static_cast<std::size_t>(mask.height);
  if (mask.ids.size() != ids) {
    throw Error(ErrorCode::misuse, "the mask has " + std::to_string(mask.ids.size()) + " ids, " +
                                       std::to_string(mask.width) + "x" + std::to_string(mask.height) +
                                       " pixels need " + std::to_string(ids));
  }
  if (frame.stride != 0 && frame.stride < 3 * static_cast<std::ptrdiff_t>(frame.width)) {
    throw Error(ErrorCode::misuse,
                "the frame's stride of " + std::to_string(frame.stride) + " bytes is shorter than its rows");
  }
  const auto width = static_cast<std::size_t>(frame.width);
  if (columns_.size() != width || mask_width_ != mask.width) {
    columns_.resize(width);
    for (int x = 0; x < frame.width; ++x)
      columns_[static_cast<std::size_t>(x)] = scaled(x, mask.width, frame.width);
    row_.resize(3 * width + 1);  // +1: a tint is written four values wide
    mask_width_ = mask.width;
  }
  const std::ptrdiff_t stride =
      frame.stride != 0 ? frame.stride : 3 * static_cast<std::ptrdiff_t>(frame.width);
  int tinted = -1;  // the mask row that row_ shows
  for (int y = 0; y < frame.height; ++y) {
    const int mask_y = scaled(y, mask.height, frame.height);
    if (mask_y != tinted) tint_row(mask.ids.data() + static_cast<std::ptrdiff_t>(mask_y) * mask.width);
    tinted = mask_y;
    blend_row(row_.data(), keep_, 3 * frame.width, frame.data + y * stride);
  }
}

void Overlay::tint_row(const std::uint8_t* ids) {
  std::uint16_t* out = row_.data();
  for (const int column : columns_) {
    std::memcpy(out, tints_[ids[column]].data(), sizeof(Tint));
    out += 3;
  }
}

}  // namespace fcn_edge
