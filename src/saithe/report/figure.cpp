#include "saithe/report/figure.h"

#include <cairo-svg.h>
#include <cairo.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <numbers>
#include <utility>

#include "saithe/core/error.h"
#include "saithe/core/parallel.h"
#include "saithe/core/text_io.h"
#include "saithe/core/types.h"
#include "saithe/report/canvas.h"
#include "saithe/report/shown_text.h"

namespace saithe {
namespace {

namespace fs = std::filesystem;

/// Height of a capital letter of DejaVu Sans, as a share of the font size.
constexpr double kCapitalHeight = 0.729;
/// Of the image that many dots become inside an SVG: sharp on paper at 216 dots per inch.
constexpr double kSvgPixelsPerPoint = 3;

struct SurfaceDeleter {
  void operator()(cairo_surface_t* surface) const { cairo_surface_destroy(surface); }
};
struct CairoDeleter {
  void operator()(cairo_t* cairo) const { cairo_destroy(cairo); }
};
using Surface = std::unique_ptr<cairo_surface_t, SurfaceDeleter>;
using Cairo = std::unique_ptr<cairo_t, CairoDeleter>;

void check(cairo_status_t status, const std::string& name) {
  if (status == CAIRO_STATUS_SUCCESS) return;
  fail(ErrorKind::Internal, "figure {}: the renderer reports: {}", name,
       cairo_status_to_string(status));
}

cairo_status_t append_bytes(void* closure, const unsigned char* bytes, unsigned int length) {
  static_cast<std::string*>(closure)->append(reinterpret_cast<const char*>(bytes), length);
  return CAIRO_STATUS_SUCCESS;
}

void select_font(cairo_t* cairo, const TextStyle& style) {
  cairo_select_font_face(cairo, "DejaVu Sans", CAIRO_FONT_SLANT_NORMAL,
                         style.is_bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
  cairo_set_font_size(cairo, style.size);
  // Hinting would make widths depend on the resolution, and so the layouts of SVG and PNG differ.
  cairo_font_options_t* options = cairo_font_options_create();
  cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE);
  cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
  cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY);
  cairo_set_font_options(cairo, options);
  cairo_font_options_destroy(options);
}

double advance_of(cairo_t* cairo, const std::string& shown) {
  cairo_text_extents_t extents;
  cairo_text_extents(cairo, shown.c_str(), &extents);
  return extents.x_advance;
}

/// Short coordinates make small SVGs; a sixteenth of a point is below what eyes see.
double rounded(double value) {
  return std::round(value * 16) / 16;
}

}  // namespace

// ---- text -----------------------------------------------------------------------------------

double text_width(std::string_view text, const TextStyle& style) {
  const Surface surface(cairo_image_surface_create(CAIRO_FORMAT_A8, 1, 1));
  const Cairo cairo(cairo_create(surface.get()));
  select_font(cairo.get(), style);
  return advance_of(cairo.get(), shown_text(text));
}

std::string shorten_to_width(std::string_view text, const TextStyle& style, double max_width) {
  const std::string shown = shown_text(text);
  if (text_width(shown, style) <= max_width) return shown;
  std::vector<std::size_t> starts;  // of characters
  for (std::size_t at = 0; at < shown.size();
       at += utf8_length(std::string_view(shown).substr(at))) {
    starts.push_back(at);
  }
  starts.push_back(shown.size());
  const std::size_t n_characters = starts.size() - 1;
  const auto cut_to = [&](std::size_t n_kept) {
    const std::size_t n_tail = n_kept / 2;
    return shown.substr(0, starts[n_kept - n_tail]) + "..." +
           shown.substr(starts[n_characters - n_tail]);
  };
  std::size_t fits = 0;
  for (std::size_t too_many = n_characters; too_many - fits > 1;) {
    const std::size_t middle = (fits + too_many) / 2;
    (text_width(cut_to(middle), style) <= max_width ? fits : too_many) = middle;
  }
  return cut_to(fits);
}

// ---- canvas ---------------------------------------------------------------------------------

Figure::Canvas::Canvas(_cairo* cairo, double pixels_per_point)
    : cairo_(cairo), pixels_per_point_(pixels_per_point) {}

void Figure::Canvas::set_source(const Color& color) {
  cairo_set_source_rgba(cairo_, color.red, color.green, color.blue, color.alpha);
}

void Figure::Canvas::set_stroke(const Stroke& stroke) {
  set_source(stroke.color);
  cairo_set_line_width(cairo_, stroke.width);
  cairo_set_line_cap(cairo_, CAIRO_LINE_CAP_BUTT);
  cairo_set_line_join(cairo_, CAIRO_LINE_JOIN_ROUND);
  cairo_set_dash(cairo_, stroke.dashes.data(), static_cast<int>(stroke.dashes.size()), 0);
}

void Figure::Canvas::fill(const Rect& rect, const Color& color) {
  cairo_rectangle(cairo_, rect.x, rect.y, rect.width, rect.height);
  set_source(color);
  cairo_fill(cairo_);
}

void Figure::Canvas::outline(const Rect& rect, const Stroke& stroke) {
  cairo_rectangle(cairo_, rect.x, rect.y, rect.width, rect.height);
  set_stroke(stroke);
  cairo_stroke(cairo_);
}

void Figure::Canvas::trace_round(const Rect& rect, double radius) {
  constexpr double kQuarter = std::numbers::pi / 2;
  cairo_new_sub_path(cairo_);
  cairo_arc(cairo_, rect.right() - radius, rect.y + radius, radius, -kQuarter, 0);
  cairo_arc(cairo_, rect.right() - radius, rect.bottom() - radius, radius, 0, kQuarter);
  cairo_arc(cairo_, rect.x + radius, rect.bottom() - radius, radius, kQuarter, 2 * kQuarter);
  cairo_arc(cairo_, rect.x + radius, rect.y + radius, radius, 2 * kQuarter, 3 * kQuarter);
  cairo_close_path(cairo_);
}

void Figure::Canvas::fill_round(const Rect& rect, double radius, const Color& color) {
  trace_round(rect, radius);
  set_source(color);
  cairo_fill(cairo_);
}

void Figure::Canvas::outline_round(const Rect& rect, double radius, const Stroke& stroke) {
  trace_round(rect, radius);
  set_stroke(stroke);
  cairo_stroke(cairo_);
}

void Figure::Canvas::line(std::span<const Point> points, const Stroke& stroke) {
  if (points.size() < 2) return;
  cairo_new_path(cairo_);
  for (const Point& point : points) cairo_line_to(cairo_, point.x, point.y);
  set_stroke(stroke);
  cairo_stroke(cairo_);
}

void Figure::Canvas::line(Point from, Point to, const Stroke& stroke) {
  const Point points[] = {from, to};
  line(points, stroke);
}

void Figure::Canvas::arrow(Point from, Point to, const Stroke& stroke, double head) {
  const double length = std::hypot(to.x - from.x, to.y - from.y);
  if (length == 0) return;
  const Point along{(to.x - from.x) / length, (to.y - from.y) / length};
  const Point neck{to.x - head * along.x, to.y - head * along.y};
  line(from, neck, stroke);
  const double half = 0.42 * head;
  const Point corners[] = {to,
                           {neck.x - half * along.y, neck.y + half * along.x},
                           {neck.x + half * along.y, neck.y - half * along.x}};
  polygon(corners, stroke.color);
}

void Figure::Canvas::polygon(std::span<const Point> points, const Color& color) {
  if (points.size() < 3) return;
  cairo_new_path(cairo_);
  for (const Point& point : points) cairo_line_to(cairo_, point.x, point.y);
  cairo_close_path(cairo_);
  set_source(color);
  cairo_fill(cairo_);
}

void Figure::Canvas::circle(Point center, double radius, const Color& color) {
  cairo_new_path(cairo_);
  cairo_arc(cairo_, center.x, center.y, radius, 0, 2 * std::numbers::pi);
  set_source(color);
  cairo_fill(cairo_);
}

void Figure::Canvas::ring(Point center, double radius, const Stroke& stroke) {
  cairo_new_path(cairo_);
  cairo_arc(cairo_, center.x, center.y, radius, 0, 2 * std::numbers::pi);
  cairo_close_path(cairo_);
  set_stroke(stroke);
  cairo_stroke(cairo_);
}

void Figure::Canvas::text(Point anchor, std::string_view text, const TextStyle& style) {
  const std::string shown = shown_text(text);
  if (shown.empty()) return;
  cairo_save(cairo_);
  cairo_translate(cairo_, anchor.x, anchor.y);
  if (style.degrees != 0) cairo_rotate(cairo_, style.degrees * std::numbers::pi / 180);
  select_font(cairo_, style);
  double left = 0;
  if (style.align != Align::Start) {
    left = -advance_of(cairo_, shown) * (style.align == Align::Middle ? 0.5 : 1.0);
  }
  set_source(style.color);
  cairo_move_to(cairo_, left, kCapitalHeight * style.size / 2);
  cairo_show_text(cairo_, shown.c_str());
  cairo_new_path(cairo_);
  cairo_restore(cairo_);
}

void Figure::Canvas::gradient_upwards(const Rect& rect, std::span<const Color> stops) {
  cairo_pattern_t* pattern = cairo_pattern_create_linear(0, rect.bottom(), 0, rect.y);
  for (std::size_t i = 0; i < stops.size(); ++i) {
    const double at = static_cast<double>(i) / static_cast<double>(stops.size() - 1);
    cairo_pattern_add_color_stop_rgb(pattern, at, stops[i].red, stops[i].green, stops[i].blue);
  }
  cairo_rectangle(cairo_, rect.x, rect.y, rect.width, rect.height);
  cairo_set_source(cairo_, pattern);
  cairo_fill(cairo_);
  cairo_pattern_destroy(pattern);
}

void Figure::Canvas::dots(const Rect& area, const Dots& dots) {
  SAITHE_ASSERT(dots.centers.size() == dots.colors.size());
  if (dots.centers.empty()) return;
  cairo_save(cairo_);
  cairo_rectangle(cairo_, area.x, area.y, area.width, area.height);
  cairo_clip(cairo_);
  if (dots.centers.size() > kMaxVectorDots) {
    dots_as_image(area, dots);
  } else {
    dots_as_shapes(dots);
  }
  cairo_restore(cairo_);
}

void Figure::Canvas::dots_as_shapes(const Dots& dots) {
  cairo_set_line_width(cairo_, 2 * dots.radius);
  cairo_set_line_cap(cairo_, CAIRO_LINE_CAP_ROUND);
  cairo_set_dash(cairo_, nullptr, 0, 0);
  cairo_new_path(cairo_);
  for (std::size_t i = 0; i < dots.centers.size(); ++i) {
    const double x = rounded(dots.centers[i].x);
    const double y = rounded(dots.centers[i].y);
    cairo_move_to(cairo_, x, y);
    cairo_line_to(cairo_, x, y);  // a line without length and round ends: a dot
    // Neighbours of one colour share a path: an SVG a quarter the size.
    const bool is_last = i + 1 == dots.centers.size() || dots.colors[i + 1] != dots.colors[i];
    if (!is_last) continue;
    set_source(dots.palette[dots.colors[i]]);
    cairo_stroke(cairo_);
  }
}

void Figure::Canvas::dots_as_image(const Rect& area, const Dots& dots) {
  const int width = static_cast<int>(std::ceil(area.width * pixels_per_point_));
  const int height = static_cast<int>(std::ceil(area.height * pixels_per_point_));
  Dots in_pixels = dots;
  in_pixels.radius *= pixels_per_point_;
  for (Point& center : in_pixels.centers) {
    center = {(center.x - area.x) * pixels_per_point_, (center.y - area.y) * pixels_per_point_};
  }
  std::vector<std::uint32_t> pixels = rasterize_dots(in_pixels, width, height);
  const Surface image(
      cairo_image_surface_create_for_data(reinterpret_cast<unsigned char*>(pixels.data()),
                                          CAIRO_FORMAT_ARGB32, width, height, 4 * width));
  cairo_translate(cairo_, area.x, area.y);
  cairo_scale(cairo_, 1 / pixels_per_point_, 1 / pixels_per_point_);
  cairo_set_source_surface(cairo_, image.get(), 0, 0);
  cairo_paint(cairo_);
  // The page keeps the image until it is written, but the pixels die with this call: finishing the
  // surface makes the page take its copy.
  cairo_set_source_rgb(cairo_, 0, 0, 0);
  cairo_surface_finish(image.get());
}

// ---- figure ---------------------------------------------------------------------------------

Figure::Figure(std::string name, double width, double height, Draw draw, std::string title,
               std::string caption)
    : name_(std::move(name)),
      width_(std::ceil(width)),
      height_(std::ceil(height)),
      draw_(std::move(draw)),
      title_(std::move(title)),
      caption_(std::move(caption)) {
  const bool is_plain = !name_.empty() && std::ranges::all_of(name_, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
  });
  if (!is_plain) {
    fail(ErrorKind::InvalidArgument,
         "figure '{}': its name becomes a file name and may hold letters, digits, '_' and '-' only",
         printable(name_));
  }
  SAITHE_ASSERT(width_ > 0 && height_ > 0);
}

std::string Figure::svg() const {
  std::string bytes;
  const Surface surface(cairo_svg_surface_create_for_stream(append_bytes, &bytes, width_, height_));
  {
    const Cairo cairo(cairo_create(surface.get()));
    Canvas canvas(cairo.get(), kSvgPixelsPerPoint);
    canvas.fill({0, 0, width_, height_}, kWhite);
    draw_(canvas);
    check(cairo_status(cairo.get()), name_);
  }
  cairo_surface_finish(surface.get());
  check(cairo_surface_status(surface.get()), name_);
  std::string text = rename_svg_ids(bytes, name_);
  const std::size_t start = text.find("<svg ");
  const std::size_t end = text.find('>', start);
  SAITHE_ASSERT(start != std::string::npos && end != std::string::npos);
  text.insert(end + 1, "\n<title>" + escape_html(title_.empty() ? name_ : title_) + "</title>");
  text.insert(end, " role=\"img\"");
  return text;
}

std::string Figure::png(double pixels_per_point) const {
  const auto pixels = [&](double points) {
    return static_cast<int>(std::lround(points * pixels_per_point));
  };
  const Surface surface(
      cairo_image_surface_create(CAIRO_FORMAT_RGB24, pixels(width_), pixels(height_)));
  check(cairo_surface_status(surface.get()), name_);
  const Cairo cairo(cairo_create(surface.get()));
  cairo_scale(cairo.get(), pixels_per_point, pixels_per_point);
  Canvas canvas(cairo.get(), pixels_per_point);
  canvas.fill({0, 0, width_, height_}, kWhite);
  draw_(canvas);
  check(cairo_status(cairo.get()), name_);
  std::string bytes;
  check(cairo_surface_write_to_png_stream(surface.get(), append_bytes, &bytes), name_);
  return bytes;
}

void Figure::write(const fs::path& folder, bool overwrite) const {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) {
    fail(ErrorKind::Output, "{}: the folder cannot be made: {}", folder.string(), error.message());
  }
  write_file(folder / (name_ + ".svg"), svg(), overwrite);
  write_file(folder / (name_ + ".png"), png(), overwrite);
}

void write_figures(std::span<const Figure> figures, const fs::path& folder, bool overwrite,
                   const Context& context) {
  parallel_for(context, static_cast<std::int64_t>(figures.size()), 1,
               [&](std::int64_t number, std::int64_t) {
                 figures[as_size(number)].write(folder, overwrite);
               });
}

}  // namespace saithe
