#pragma once

// What a drawing is made of: shapes and text in points, y downwards. Hides the renderer, so that
// the plots know nothing of Cairo. Private to report/ and the project's own drawings.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "saithe/report/figure.h"

struct _cairo;  // the renderer's own name for its state

namespace saithe {

inline constexpr Color kInk{0.13, 0.13, 0.13, 1};
inline constexpr Color kMutedInk{0.40, 0.40, 0.40, 1};
inline constexpr Color kGridColor{0.90, 0.90, 0.90, 1};
inline constexpr Color kUnassignedColor{0.72, 0.72, 0.72, 1};
inline constexpr Color kWhite{1, 1, 1, 1};

struct Point {
  double x = 0;
  double y = 0;
};

struct Rect {
  double x = 0;
  double y = 0;
  double width = 0;
  double height = 0;
  [[nodiscard]] double right() const { return x + width; }
  [[nodiscard]] double bottom() const { return y + height; }
};

enum class Align { Start, Middle, End };

struct TextStyle {
  double size = 9;
  bool is_bold = false;
  Color color = kInk;
  Align align = Align::Start;  ///< of the text along its own direction
  double degrees = 0;          ///< clockwise turn about the anchor
};

struct Stroke {
  Color color = kInk;
  double width = 1;
  std::vector<double> dashes = {};
};

/// Many equal dots, drawn in their order. Coordinates in points of the canvas.
struct Dots {
  std::vector<Point> centers;
  std::vector<std::uint32_t> colors;  ///< index into `palette`, one per centre
  std::vector<Color> palette;
  double radius = 1;
};

/// Above this many, dots become an image inside the SVG: a file that a reader can still open.
inline constexpr std::size_t kMaxVectorDots = 20000;

/// A surface to draw on. Text is anchored at its vertical middle (half the height of a capital).
class Figure::Canvas {
 public:
  /// pixels_per_point: of the image that dots become when there are too many for shapes.
  Canvas(_cairo* cairo, double pixels_per_point);

  void fill(const Rect& rect, const Color& color);
  void fill_round(const Rect& rect, double radius, const Color& color);
  void outline(const Rect& rect, const Stroke& stroke);
  void outline_round(const Rect& rect, double radius, const Stroke& stroke);
  void line(std::span<const Point> points, const Stroke& stroke);
  void line(Point from, Point to, const Stroke& stroke);
  /// A line that ends in a filled head.
  void arrow(Point from, Point to, const Stroke& stroke, double head = 5);
  void polygon(std::span<const Point> points, const Color& color);
  void circle(Point center, double radius, const Color& color);
  void ring(Point center, double radius, const Stroke& stroke);
  void text(Point anchor, std::string_view text, const TextStyle& style);
  /// A bar whose colours run evenly through `stops` from bottom to top.
  void gradient_upwards(const Rect& rect, std::span<const Color> stops);
  /// Dots, cut off at the edges of `area`.
  void dots(const Rect& area, const Dots& dots);

 private:
  void set_source(const Color& color);
  void set_stroke(const Stroke& stroke);
  void trace_round(const Rect& rect, double radius);
  void dots_as_shapes(const Dots& dots);
  void dots_as_image(const Rect& area, const Dots& dots);
  _cairo* cairo_;
  double pixels_per_point_;
};

/// Width in points of `text` as the canvas writes it.
double text_width(std::string_view text, const TextStyle& style);

/// `text` with its middle replaced by "..." where it is wider than max_width.
std::string shorten_to_width(std::string_view text, const TextStyle& style, double max_width);

/// Pixels (0xAARRGGBB, premultiplied) of anti-aliased dots: width x height, row-major, transparent
/// where there is none. Centres and radius in pixels.
std::vector<std::uint32_t> rasterize_dots(const Dots& dots, int width, int height);

/// The SVG with the ids of its elements renamed PREFIX-1, PREFIX-2 ... in the order of appearance:
/// several can stand in one page, and the bytes do not depend on what was drawn before.
std::string rename_svg_ids(std::string_view svg, std::string_view prefix);

/// White or ink, whichever reads better on `background` (contrast as in WCAG 2).
Color readable_ink(const Color& background);

}  // namespace saithe
