#pragma once

#include <array>
#include <fcn_edge/frame.hpp>

namespace fcn_edge::app {

using ClassShares = std::array<double, 256>;

/// The share of a mask's pixels that each class id has.
inline ClassShares class_shares(const Mask& mask) {
  std::array<std::uint32_t, 256> pixels{};
  for (const std::uint8_t id : mask.ids) ++pixels[id];
  ClassShares shares{};
  for (std::size_t id = 0; id < shares.size(); ++id) {
    shares[id] =
        mask.ids.empty() ? 0 : static_cast<double>(pixels[id]) / static_cast<double>(mask.ids.size());
  }
  return shares;
}

}  // namespace fcn_edge::app
