#include "fused_tail.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <random>
#include <utility>
#include <vector>

#include "expect_error.hpp"

namespace fcn_edge::test {
namespace {

struct Case {
  int stride, channels, height, width;
  int score_height() const { return (height + stride - 1) / stride; }
  int score_width() const { return (width + stride - 1) / stride; }
};

int first_largest(const std::vector<float>& values) {
  return static_cast<int>(std::max_element(values.begin(), values.end()) - values.begin());
}

// The definition, pixel by pixel and without any cleverness.
class Reference {
 public:
  Reference(const Case& c, const std::vector<float>& scores) : c_(c), scores_(scores) {}

  int operator()(int y, int x) const {
    const Tap ty = tap(y, c_.score_height());
    const Tap tx = tap(x, c_.score_width());
    const int label = winner(ty.low, tx.low);
    if (label == winner(ty.low, tx.high) && label == winner(ty.high, tx.low) &&
        label == winner(ty.high, tx.high)) {
      return label;
    }
    std::vector<float> values;
    for (int k = 0; k < c_.channels; ++k) {
      const float top = mix(at(k, ty.low, tx.low), at(k, ty.low, tx.high), tx.fraction);
      const float bottom = mix(at(k, ty.high, tx.low), at(k, ty.high, tx.high), tx.fraction);
      values.push_back(mix(top, bottom, ty.fraction));
    }
    return first_largest(values);
  }

 private:
  struct Tap {
    int low, high;
    float fraction;
  };

  Tap tap(int pixel, int points) const {
    const float source = (static_cast<float>(pixel) + 0.5F) / static_cast<float>(c_.stride) - 0.5F;
    const float held = std::clamp(source, 0.0F, static_cast<float>(points - 1));
    const int low = static_cast<int>(held);
    return {low, std::min(low + 1, points - 1), held - static_cast<float>(low)};
  }

  // volatile keeps the compiler from fusing the product into the sum.
  static float mix(float a, float b, float fraction) {
    const volatile float left = a * (1.0F - fraction);
    const volatile float right = b * fraction;
    return left + right;
  }

  float at(int k, int y, int x) const {
    return scores_[static_cast<std::size_t>((k * c_.score_height() + y) * c_.score_width() + x)];
  }

  int winner(int y, int x) const {
    std::vector<float> values;
    for (int k = 0; k < c_.channels; ++k) values.push_back(at(k, y, x));
    return first_largest(values);
  }

  Case c_;
  const std::vector<float>& scores_;
};

// Rough scores make every cell disagree, coarse ones make ties, smooth ones look like a street.
std::vector<float> make_scores(const Case& c, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> noise(0.0F, 1.0F);
  std::vector<float> scores;
  for (int k = 0; k < c.channels; ++k) {
    for (int y = 0; y < c.score_height(); ++y) {
      for (int x = 0; x < c.score_width(); ++x) {
        const float smooth = static_cast<float>((k % 3 == 0 ? y : k % 3 == 1 ? x : 3)) / 4.0F;
        const float value = seed % 3 == 0 ? noise(random) : smooth + 0.1F * noise(random);
        scores.push_back(seed % 3 == 1 ? std::round(value) : value);
      }
    }
  }
  return scores;
}

Case random_case(unsigned seed) {
  std::mt19937 random(seed);
  constexpr std::array<int, 5> kStrides{1, 4, 8, 16, 32};
  const auto pick = [&random](int low, int high) {
    return std::uniform_int_distribution<int>(low, high)(random);
  };
  return {kStrides[seed % 5], pick(1, 24), pick(1, 130), pick(1, 170)};
}

TEST(FusedTail, EqualsTheDefinitionOverRandomShapes) {
  for (unsigned seed = 0; seed < 240; ++seed) {
    const Case c = random_case(seed);
    SCOPED_TRACE(testing::Message() << "seed " << seed << ": stride " << c.stride << ", " << c.channels
                                    << " classes, " << c.height << "x" << c.width);
    const std::vector<float> scores = make_scores(c, seed);
    std::vector<std::uint8_t> mask(static_cast<std::size_t>(c.height * c.width), 99);
    FusedTail(c.stride, c.channels, c.score_height(), c.score_width(), c.height, c.width)
        .run(scores.data(), mask.data());
    const Reference reference(c, scores);
    for (int y = 0; y < c.height; ++y) {
      for (int x = 0; x < c.width; ++x) {
        ASSERT_EQ(int{mask[static_cast<std::size_t>(y * c.width + x)]}, reference(y, x))
            << "at " << y << "," << x;
      }
    }
  }
}

// Anywhere, also in cells that are cropped away; the first class that has one is named.
TEST(FusedTail, RefusesScoresThatAreNotFinite) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  for (unsigned seed = 0; seed < 150; ++seed) {
    const Case c = random_case(seed);
    std::mt19937 random(seed);
    std::vector<float> scores = make_scores(c, seed);
    const std::size_t at = std::uniform_int_distribution<std::size_t>(0, scores.size() - 1)(random);
    const float bad = std::array<float, 3>{std::nanf(""), kInfinity, -kInfinity}[seed / 5 % 3];
    const std::size_t plane = static_cast<std::size_t>(c.score_height() * c.score_width());
    SCOPED_TRACE(testing::Message() << "seed " << seed << ": stride " << c.stride << ", " << c.channels
                                    << " classes, " << c.height << "x" << c.width << ", " << bad << " at "
                                    << at);
    std::vector<std::uint8_t> mask(static_cast<std::size_t>(c.height * c.width));
    FusedTail tail(c.stride, c.channels, c.score_height(), c.score_width(), c.height, c.width);
    const float good = std::exchange(scores[at], bad);
    expect_error([&] { tail.run(scores.data(), mask.data()); }, ErrorCode::inference,
                 "not finite (NaN or infinite), first in class " + std::to_string(at / plane) + ";");
    scores[at] = good;
    EXPECT_NO_THROW(tail.run(scores.data(), mask.data()));
    scores[at] = std::numeric_limits<float>::max();  // huge is finite
    EXPECT_NO_THROW(tail.run(scores.data(), mask.data()));
  }
}

// The shortcut of the definition (agreeing cells are filled) may only differ from plain interpolation where
// float32 cannot tell two classes apart.
TEST(FusedTail, GivesAClassWhoseInterpolatedScoreIsTheLargest) {
  const Case c{8, 11, 45, 83};
  const std::vector<float> scores = make_scores(c, 2);
  std::vector<std::uint8_t> mask(static_cast<std::size_t>(c.height * c.width));
  FusedTail(c.stride, c.channels, c.score_height(), c.score_width(), c.height, c.width)
      .run(scores.data(), mask.data());
  const int h = c.score_height();
  const int w = c.score_width();
  for (int y = 0; y < c.height; ++y) {
    for (int x = 0; x < c.width; ++x) {
      const double sy = std::clamp((y + 0.5) / 8 - 0.5, 0.0, h - 1.0);
      const double sx = std::clamp((x + 0.5) / 8 - 0.5, 0.0, w - 1.0);
      const int y0 = static_cast<int>(sy), x0 = static_cast<int>(sx);
      const int y1 = std::min(y0 + 1, h - 1), x1 = std::min(x0 + 1, w - 1);
      const auto value = [&](int k) {
        const auto at = [&](int j, int i) {
          return double{scores[static_cast<std::size_t>((k * h + j) * w + i)]};
        };
        const double top = at(y0, x0) * (1 - (sx - x0)) + at(y0, x1) * (sx - x0);
        const double bottom = at(y1, x0) * (1 - (sx - x0)) + at(y1, x1) * (sx - x0);
        return top * (1 - (sy - y0)) + bottom * (sy - y0);
      };
      double largest = value(0);
      for (int k = 1; k < c.channels; ++k) largest = std::max(largest, value(k));
      ASSERT_NEAR(value(mask[static_cast<std::size_t>(y * c.width + x)]), largest, 1e-6)
          << "at " << y << "," << x;
    }
  }
}

}  // namespace
}  // namespace fcn_edge::test
