#pragma once

// The pixels of a figure, as anyone who opens its PNG sees them.

#include <cairo.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "saithe/core/error.h"
#include "saithe/report/canvas.h"

namespace saithe::testing {

/// A decoded PNG; two pixels make a point unless told.
class Picture {
 public:
  explicit Picture(const std::string& png, double pixels_per_point = 2)
      : pixels_per_point_(pixels_per_point) {
    Source source{&png, 0};
    cairo_surface_t* surface = cairo_image_surface_create_from_png_stream(&read, &source);
    if (cairo_surface_status(surface) != CAIRO_STATUS_SUCCESS) {
      cairo_surface_destroy(surface);
      fail(ErrorKind::Internal, "these bytes are no PNG");
    }
    width_ = cairo_image_surface_get_width(surface);
    height_ = cairo_image_surface_get_height(surface);
    const int stride = cairo_image_surface_get_stride(surface);
    const unsigned char* bytes = cairo_image_surface_get_data(surface);
    pixels_.resize(static_cast<std::size_t>(width_) * static_cast<std::size_t>(height_));
    for (int y = 0; y < height_; ++y) {
      std::memcpy(&pixels_[static_cast<std::size_t>(y) * static_cast<std::size_t>(width_)],
                  bytes + static_cast<std::ptrdiff_t>(y) * stride,
                  static_cast<std::size_t>(width_) * 4);
    }
    cairo_surface_destroy(surface);
  }
  explicit Picture(const Figure& figure) : Picture(figure.png()) {}

  [[nodiscard]] int width() const { return width_; }
  [[nodiscard]] int height() const { return height_; }
  /// "#1f77b4" at a place in points.
  [[nodiscard]] std::string color_at(double x, double y) const {
    return color_of(
        pixel(static_cast<int>(x * pixels_per_point_), static_cast<int>(y * pixels_per_point_)));
  }
  /// How many pixels of a rectangle in points have a colour.
  [[nodiscard]] std::int64_t count(const Rect& area, const std::string& color) const {
    std::int64_t n = 0;
    for (int y = first(area.y); y < first(area.bottom()); ++y) {
      for (int x = first(area.x); x < first(area.right()); ++x) {
        n += color_of(pixel(x, y)) == color ? 1 : 0;
      }
    }
    return n;
  }
  /// The same over the whole picture.
  [[nodiscard]] std::int64_t count(const std::string& color) const {
    return count({0, 0, width_ / pixels_per_point_, height_ / pixels_per_point_}, color);
  }
  /// Whether the outermost `n` pixels all around are white: nothing is cut by the edge.
  [[nodiscard]] bool has_white_margin(int n = 2) const {
    for (int y = 0; y < height_; ++y) {
      for (int x = 0; x < width_; ++x) {
        const bool is_edge = x < n || y < n || x >= width_ - n || y >= height_ - n;
        if (is_edge && color_of(pixel(x, y)) != "#ffffff") return false;
      }
    }
    return true;
  }

 private:
  struct Source {
    const std::string* bytes;
    std::size_t at;
  };
  static cairo_status_t read(void* closure, unsigned char* data, unsigned int length) {
    auto& source = *static_cast<Source*>(closure);
    if (source.at + length > source.bytes->size()) return CAIRO_STATUS_READ_ERROR;
    std::memcpy(data, source.bytes->data() + source.at, length);
    source.at += length;
    return CAIRO_STATUS_SUCCESS;
  }
  [[nodiscard]] int first(double points) const {
    return static_cast<int>(std::lround(points * pixels_per_point_));
  }
  [[nodiscard]] std::uint32_t pixel(int x, int y) const {
    return pixels_.at(static_cast<std::size_t>(y) * static_cast<std::size_t>(width_) +
                      static_cast<std::size_t>(x));
  }
  static std::string color_of(std::uint32_t pixel) {
    const auto part = [&](unsigned shift) {
      return static_cast<double>((pixel >> shift) & 0xFFU) / 255.0;
    };
    return hex({part(16), part(8), part(0), 1});
  }

  double pixels_per_point_;
  int width_ = 0;
  int height_ = 0;
  std::vector<std::uint32_t> pixels_;
};

/// Whether two colours "#rrggbb" differ by rounding alone.
inline bool look_equal(const std::string& a, const std::string& b) {
  for (const std::size_t at : {1U, 3U, 5U}) {
    const int part_a = std::stoi(a.substr(at, 2), nullptr, 16);
    const int part_b = std::stoi(b.substr(at, 2), nullptr, 16);
    if (std::abs(part_a - part_b) > 1) return false;
  }
  return true;
}

}  // namespace saithe::testing
