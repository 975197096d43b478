#pragma once

// A drawing surface in points with text measured by the renderer: one drawing, written as SVG or PNG.
// Hides Cairo. Same drawing, same bytes.

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace saithe {

/// A colour, components 0 to 1.
struct Color {
  double red = 0;
  double green = 0;
  double blue = 0;
  double alpha = 1;
};

/// "#1f77b4"
std::string hex(const Color& color);

/// n distinct colours for categories, safe for colour-blind readers (Okabe & Ito 2008 first).
std::vector<Color> category_palette(std::size_t n);

/// viridis at 0..1 (Smith & van der Walt 2015).
Color viridis(double value);

/// A picture that draws itself on any Cairo surface.
class Figure {
 public:
  class Canvas;  ///< wraps the renderer; defined in canvas.h, private to report/
  using Draw = std::function<void(Canvas&)>;

  Figure(std::string name, double width, double height, Draw draw);
  [[nodiscard]] const std::string& name() const { return name_; }  ///< file name without ending
  [[nodiscard]] std::string svg() const;
  [[nodiscard]] std::string png(double pixels_per_point = 2) const;
  /// Writes NAME.svg and NAME.png into a folder. Throws Error(Output).
  void write(const std::filesystem::path& folder, bool overwrite) const;

 private:
  std::string name_;
  double width_;
  double height_;
  Draw draw_;
};

}  // namespace saithe
