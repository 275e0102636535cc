#include "fcn_edge/overlay.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "expect_error.hpp"

namespace fcn_edge::test {
namespace {

const std::vector<ClassInfo> kClasses{
    {"road", {128, 64, 255}}, {"sky", {0, 10, 200}}, {"tree", {255, 255, 255}}};

// The definition: alpha in 256ths, frame * (1 - alpha) + colour * alpha, rounded to nearest.
std::uint8_t blended(int pixel, int colour, double alpha) {
  const double paint = std::round(256 * alpha) / 256;
  return static_cast<std::uint8_t>(std::floor(pixel * (1 - paint) + colour * paint + 0.5));
}

TEST(Overlay, EqualsTheDefinitionOverRandomSizes) {
  for (unsigned seed = 0; seed < 60; ++seed) {
    std::mt19937 random(seed);
    const auto pick = [&random](int high) { return std::uniform_int_distribution<int>(1, high)(random); };
    const int width = pick(90), height = pick(60), gap = pick(9);
    Mask mask{pick(50), pick(50), {}};
    const double alpha = (seed % 11) / 10.0;
    SCOPED_TRACE(testing::Message() << "seed " << seed << ": frame " << width << "x" << height << ", mask "
                                    << mask.width << "x" << mask.height << ", alpha " << alpha);
    for (int i = 0; i < mask.width * mask.height; ++i)
      mask.ids.push_back(static_cast<std::uint8_t>(random() % 5));
    std::vector<std::uint8_t> before(static_cast<std::size_t>((3 * width + gap) * height));
    for (auto& byte : before) byte = static_cast<std::uint8_t>(random());
    std::vector<std::uint8_t> after = before;
    Overlay(kClasses, alpha).draw(mask, {after.data(), width, height, 3 * width + gap});

    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < 3 * width + gap; ++x) {
        const auto i = static_cast<std::size_t>(y * (3 * width + gap) + x);
        if (x >= 3 * width) {
          ASSERT_EQ(after[i], before[i]) << "wrote past the row";
          continue;
        }
        const std::size_t id = mask.at(y * mask.height / height, x / 3 * mask.width / width);
        const int colour = id < kClasses.size() ? kClasses[id].rgb[static_cast<std::size_t>(2 - x % 3)] : 0;
        ASSERT_EQ(int{after[i]}, int{blended(before[i], colour, alpha)}) << "at " << y << "," << x;
      }
    }
  }
}

TEST(Overlay, RefusesAMaskOfAnotherSizeThanItSays) {
  std::vector<std::uint8_t> pixels(3 * 4 * 5);
  Overlay overlay(kClasses, 0.5);
  for (const std::size_t ids : {0, 5, 7}) {
    const Mask mask{3, 2, std::vector<std::uint8_t>(ids)};
    expect_error(
        [&] {
          overlay.draw(mask, {pixels.data(), 4, 5, 0});
        },
        ErrorCode::misuse, "the mask has " + std::to_string(ids) + " ids, 3x2 pixels need 6");
  }
}

TEST(Overlay, RefusesAStrideShorterThanARow) {
  std::vector<std::uint8_t> pixels(3 * 4 * 5);
  const Mask mask{1, 1, {0}};
  Overlay overlay(kClasses, 0.5);
  for (const std::ptrdiff_t stride : {11, 1, -12}) {
    expect_error(
        [&] {
          overlay.draw(mask, {pixels.data(), 4, 5, stride});
        },
        ErrorCode::misuse, "stride of " + std::to_string(stride) + " bytes");
  }
}

TEST(Overlay, RefusesAnAlphaOutsideItsRange) {
  expect_error([] { Overlay(kClasses, 1.5); }, ErrorCode::misuse, "alpha is 1.5");
  expect_error([] { Overlay(kClasses, std::nan("")); }, ErrorCode::misuse, "alpha is nan");
}

}  // namespace
}  // namespace fcn_edge::test
