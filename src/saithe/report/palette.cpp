#include "saithe/report/figure.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>

#include "saithe/report/color_vision.h"

namespace saithe {
namespace {

Color from_rgb(std::uint32_t rgb) {
  const auto part = [&](unsigned shift) {
    return static_cast<double>((rgb >> shift) & 0xFFU) / 255.0;
  };
  return {part(16), part(8), part(0), 1};
}

/// Okabe & Ito 2008, ordered so that neighbours in a legend differ most.
constexpr std::array<std::uint32_t, 8> kOkabeIto = {0x0072B2, 0xE69F00, 0x009E73, 0xCC79A7,
                                                    0x56B4E9, 0xD55E00, 0xF0E442, 0x000000};

/// viridis at 0, 1/32 .. 1 (Smith & van der Walt 2015, CC0); between them straight lines are within
/// 2/255 of the original.
constexpr std::array<std::uint32_t, 33> kViridis = {
    0x440154, 0x470D60, 0x48186A, 0x482374, 0x472D7B, 0x453681, 0x424086, 0x3F4989, 0x3B528B,
    0x375A8D, 0x33638D, 0x2F6A8E, 0x2C728E, 0x297A8E, 0x26818E, 0x23898E, 0x21908C, 0x1F988B,
    0x1F9F88, 0x21A685, 0x28AE80, 0x31B57B, 0x3EBC74, 0x4CC26C, 0x5DC963, 0x6ECE58, 0x82D34C,
    0x96D83F, 0xABDC32, 0xC0DF24, 0xD5E21A, 0xEAE51A, 0xFDE725};

/// How far apart two colours look, to the reader who tells them apart least.
double least_distance(const std::array<Lab, 3>& a, const std::array<Lab, 3>& b) {
  double least = std::numeric_limits<double>::max();
  for (std::size_t i = 0; i < a.size(); ++i) least = std::min(least, distance(a[i], b[i]));
  return least;
}

/// A colour as readers with normal, deuteranope and protanope vision see it.
std::array<Lab, 3> appearances(const Color& color) {
  return {to_lab(color), to_lab(as_seen_by(Vision::Deuteranope, color)),
          to_lab(as_seen_by(Vision::Protanope, color))};
}

/// Colours on a regular grid that are neither too pale on white nor too dark to have a hue.
std::vector<Color> candidates() {
  constexpr int kSteps = 12;
  std::vector<Color> colors;
  for (int r = 0; r <= kSteps; ++r) {
    for (int g = 0; g <= kSteps; ++g) {
      for (int b = 0; b <= kSteps; ++b) {
        const Color color{static_cast<double>(r) / kSteps, static_cast<double>(g) / kSteps,
                          static_cast<double>(b) / kSteps, 1};
        const double lightness = to_lab(color).l;
        if (lightness >= 20 && lightness <= 86) colors.push_back(color);
      }
    }
  }
  return colors;
}

}  // namespace

std::string hex(const Color& color) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text = "#";
  for (const double part : {color.red, color.green, color.blue}) {
    const auto byte = static_cast<unsigned>(std::lround(std::clamp(part, 0.0, 1.0) * 255));
    text += kDigits[byte >> 4U];
    text += kDigits[byte & 15U];
  }
  return text;
}

std::vector<Color> category_palette(std::size_t n) {
  std::vector<Color> palette;
  for (std::size_t i = 0; i < std::min(n, kOkabeIto.size()); ++i) {
    palette.push_back(from_rgb(kOkabeIto[i]));
  }
  if (palette.size() == n) return palette;
  // Each further colour is the candidate that is farthest from all chosen so far, so that a longer
  // palette begins with the shorter one.
  const std::vector<Color> pool = candidates();
  std::vector<std::array<Lab, 3>> seen;
  for (const Color& color : pool) seen.push_back(appearances(color));
  std::vector<double> nearest(pool.size(), std::numeric_limits<double>::max());
  const auto account_for = [&](const std::array<Lab, 3>& chosen) {
    for (std::size_t i = 0; i < pool.size(); ++i) {
      nearest[i] = std::min(nearest[i], least_distance(seen[i], chosen));
    }
  };
  account_for(appearances({1, 1, 1, 1}));           // the page
  account_for(appearances({0.72, 0.72, 0.72, 1}));  // cells without a type
  for (const Color& color : palette) account_for(appearances(color));
  while (palette.size() < n) {
    const auto best = static_cast<std::size_t>(std::max_element(nearest.begin(), nearest.end()) -
                                               nearest.begin());
    // The grid is used up far beyond any number of types that eyes can tell apart.
    palette.push_back(nearest[best] > 0 ? pool[best] : pool[palette.size() % pool.size()]);
    account_for(seen[best]);
  }
  return palette;
}

Color viridis(double value) {
  const double position = std::isnan(value) ? 0 : std::clamp(value, 0.0, 1.0) * 32;
  const auto below = std::min<std::size_t>(static_cast<std::size_t>(position), 31);
  const double share = position - static_cast<double>(below);
  const Color a = from_rgb(kViridis[below]);
  const Color b = from_rgb(kViridis[below + 1]);
  const auto mix = [&](double from, double to) { return from + (to - from) * share; };
  return {mix(a.red, b.red), mix(a.green, b.green), mix(a.blue, b.blue), 1};
}

}  // namespace saithe
