#include "saithe/report/color_vision.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "saithe/report/canvas.h"

namespace saithe {
namespace {

constexpr Color kRed{1, 0, 0, 1};
constexpr Color kGreen{0, 1, 0, 1};
constexpr Color kBlue{0, 0, 1, 1};
constexpr Color kBlack{0, 0, 0, 1};

// The values of sRGB's primaries as Lindbloom's CIE calculator gives them.
TEST(ToLab, KnownColours) {
  const auto expect_lab = [](const Color& color, double l, double a, double b) {
    const Lab lab = to_lab(color);
    EXPECT_NEAR(lab.l, l, 0.05);
    EXPECT_NEAR(lab.a, a, 0.1);
    EXPECT_NEAR(lab.b, b, 0.1);
  };
  expect_lab(kWhite, 100, 0, 0);
  expect_lab(kBlack, 0, 0, 0);
  expect_lab(kRed, 53.24, 80.09, 67.20);
  expect_lab(kGreen, 87.73, -86.18, 83.18);
  expect_lab(kBlue, 32.30, 79.19, -107.86);
}

TEST(Luminance, OfWcag) {
  EXPECT_NEAR(luminance(kWhite), 1, 1e-9);
  EXPECT_EQ(luminance(kBlack), 0);
  EXPECT_NEAR(luminance(kRed), 0.2126, 1e-9);
  EXPECT_NEAR(luminance({0.5, 0.5, 0.5, 1}), 0.21404, 1e-4);
}

TEST(AsSeenBy, DichromatsKeepGreysAndMixRedWithGreen) {
  for (const double grey : {0.1, 0.5, 0.9}) {
    const Color color{grey, grey, grey, 1};
    for (const Vision vision : {Vision::Normal, Vision::Deuteranope, Vision::Protanope}) {
      const Color seen = as_seen_by(vision, color);
      EXPECT_NEAR(seen.red, grey, 0.02);
      EXPECT_NEAR(seen.green, grey, 0.02);
      EXPECT_NEAR(seen.blue, grey, 0.02);
    }
  }
  const Color olive{0.45, 0.45, 0, 1};
  for (const Vision vision : {Vision::Deuteranope, Vision::Protanope}) {
    const Color red = as_seen_by(vision, {0.8, 0.2, 0.1, 1});
    EXPECT_NEAR(red.red, red.green, 0.05) << "no red is left";
    const auto hue_apart = [&](const Color& a, const Color& b) {
      return std::hypot(to_lab(a).a - to_lab(b).a, to_lab(a).b - to_lab(b).b);
    };
    EXPECT_LT(hue_apart(as_seen_by(vision, kRed), as_seen_by(vision, olive)), 60);
    EXPECT_GT(hue_apart(as_seen_by(vision, kBlue), as_seen_by(vision, olive)), 60);
  }
}

// What a palette promises: no two of the first colours look alike to any of the three readers.
TEST(AsSeenBy, ThePaletteStaysApart) {
  const auto palette = category_palette(20);
  for (const Vision vision : {Vision::Normal, Vision::Deuteranope, Vision::Protanope}) {
    for (std::size_t i = 0; i < palette.size(); ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        const double apart = distance(to_lab(as_seen_by(vision, palette[i])),
                                      to_lab(as_seen_by(vision, palette[j])));
        EXPECT_GT(apart, i < 8 ? 17.0 : 9.0) << i << " and " << j;
      }
    }
  }
}

TEST(ReadableInk, IsTheOneWithMoreContrast) {
  EXPECT_EQ(hex(readable_ink(kWhite)), hex(kInk));
  EXPECT_EQ(hex(readable_ink(viridis(1))), hex(kInk));
  EXPECT_EQ(hex(readable_ink(viridis(0))), hex(kWhite));
  EXPECT_EQ(hex(readable_ink(kBlack)), hex(kWhite));
}

}  // namespace
}  // namespace saithe
