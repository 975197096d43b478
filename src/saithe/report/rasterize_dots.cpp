#include "saithe/report/canvas.h"

#include <algorithm>
#include <cmath>

namespace saithe {
namespace {

/// Places of a dot within a pixel that are told apart, along each axis.
constexpr int kSubpixels = 4;
constexpr int kSamples = 8;  // per axis, of a pixel's coverage

/// Coverage (0 to 255) of the pixels that a dot touches, for one place within the pixel.
struct Stamp {
  int first = 0;  ///< of the pixels, relative to the centre's pixel
  int size = 0;
  std::vector<std::uint32_t> coverage;
};

Stamp make_stamp(double radius, int sub_x, int sub_y) {
  const double center_x = (sub_x + 0.5) / kSubpixels;
  const double center_y = (sub_y + 0.5) / kSubpixels;
  Stamp stamp;
  stamp.first = -static_cast<int>(std::ceil(radius));
  stamp.size = 2 * static_cast<int>(std::ceil(radius)) + 1;
  for (int row = 0; row < stamp.size; ++row) {
    for (int column = 0; column < stamp.size; ++column) {
      int n_inside = 0;
      for (int sample = 0; sample < kSamples * kSamples; ++sample) {
        const double x = stamp.first + column + (sample % kSamples + 0.5) / kSamples - center_x;
        const double y = stamp.first + row + (sample / kSamples + 0.5) / kSamples - center_y;
        n_inside += x * x + y * y <= radius * radius ? 1 : 0;
      }
      stamp.coverage.push_back(static_cast<std::uint32_t>(n_inside * 255 / (kSamples * kSamples)));
    }
  }
  return stamp;
}

/// `over` with its alpha scaled by coverage / 255, laid over `under`; both premultiplied.
std::uint32_t blend(std::uint32_t over, std::uint32_t coverage, std::uint32_t under) {
  const std::uint32_t rest = 255 - (over >> 24U) * coverage / 255;
  std::uint32_t mixed = 0;
  for (unsigned shift = 0; shift < 32; shift += 8) {
    const std::uint32_t part =
        (((over >> shift) & 0xFFU) * coverage + ((under >> shift) & 0xFFU) * rest + 127) / 255;
    mixed |= std::min(part, 255U) << shift;
  }
  return mixed;
}

std::uint32_t premultiplied(const Color& color) {
  const auto byte = [&](double part) {
    return static_cast<std::uint32_t>(std::lround(std::clamp(part, 0.0, 1.0) * 255));
  };
  return byte(color.alpha) << 24U | byte(color.red * color.alpha) << 16U |
         byte(color.green * color.alpha) << 8U | byte(color.blue * color.alpha);
}

}  // namespace

std::vector<std::uint32_t> rasterize_dots(const Dots& dots, int width, int height) {
  std::vector<Stamp> stamps;
  for (int place = 0; place < kSubpixels * kSubpixels; ++place) {
    stamps.push_back(make_stamp(dots.radius, place % kSubpixels, place / kSubpixels));
  }
  std::vector<std::uint32_t> palette;
  for (const Color& color : dots.palette) palette.push_back(premultiplied(color));
  std::vector<std::uint32_t> pixels(static_cast<std::size_t>(width) *
                                    static_cast<std::size_t>(height));
  for (std::size_t i = 0; i < dots.centers.size(); ++i) {
    const Point& center = dots.centers[i];
    const double floor_x = std::floor(center.x);
    const double floor_y = std::floor(center.y);
    if (!(floor_x > -1000 && floor_x < width + 1000.0 && floor_y > -1000 &&
          floor_y < height + 1000.0)) {
      continue;
    }
    const int sub_x = static_cast<int>((center.x - floor_x) * kSubpixels);
    const int sub_y = static_cast<int>((center.y - floor_y) * kSubpixels);
    const Stamp& stamp = stamps[static_cast<std::size_t>(sub_y * kSubpixels + sub_x)];
    const int left = static_cast<int>(floor_x) + stamp.first;
    const int top = static_cast<int>(floor_y) + stamp.first;
    for (int row = std::max(0, -top); row < std::min(stamp.size, height - top); ++row) {
      for (int column = std::max(0, -left); column < std::min(stamp.size, width - left); ++column) {
        const std::uint32_t coverage =
            stamp.coverage[static_cast<std::size_t>(row * stamp.size + column)];
        if (coverage == 0) continue;
        std::uint32_t& pixel =
            pixels[static_cast<std::size_t>(top + row) * static_cast<std::size_t>(width) +
                   static_cast<std::size_t>(left + column)];
        pixel = blend(palette[dots.colors[i]], coverage, pixel);
      }
    }
  }
  return pixels;
}

}  // namespace saithe
