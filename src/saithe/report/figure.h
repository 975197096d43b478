#pragma once

// A drawing surface in points with text measured by the renderer: one drawing, written as SVG or
// PNG. Hides Cairo. Same drawing, same bytes.
//
// Text is set in DejaVu Sans and becomes outlines in the SVG, so that no reader needs the font.

#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "saithe/core/context.h"

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

/// n distinct colours for categories, safe for colour-blind readers (Okabe & Ito 2008 first, then
/// those farthest apart for normal and red-green blind eyes). A longer palette begins with the
/// shorter one.
std::vector<Color> category_palette(std::size_t n);

/// viridis at 0..1 (Smith & van der Walt 2015).
Color viridis(double value);

/// A picture that draws itself on any Cairo surface.
class Figure {
 public:
  class Canvas;  ///< wraps the renderer; defined in canvas.h, private to report/
  using Draw = std::function<void(Canvas&)>;

  /// name: of the files, without ending; width and height in points; `caption` says in a sentence
  /// or two what the picture shows. Throws Error(InvalidArgument) unless the name consists of
  /// letters, digits, '_' and '-'.
  Figure(std::string name, double width, double height, Draw draw, std::string title = {},
         std::string caption = {});
  [[nodiscard]] const std::string& name() const { return name_; }  ///< file name without ending
  [[nodiscard]] const std::string& title() const { return title_; }
  [[nodiscard]] const std::string& caption() const { return caption_; }
  /// Adds a sentence to the caption.
  void extend_caption(const std::string& sentence) { caption_ += " " + sentence; }
  [[nodiscard]] double width() const { return width_; }
  [[nodiscard]] double height() const { return height_; }
  /// The ids inside begin with the name, so that the SVGs of a run can stand in one page.
  [[nodiscard]] std::string svg() const;
  [[nodiscard]] std::string png(double pixels_per_point = 2) const;
  /// Writes NAME.svg and NAME.png into a folder, which is made if it is missing. Throws
  /// Error(Output).
  void write(const std::filesystem::path& folder, bool overwrite) const;

 private:
  std::string name_;
  double width_;
  double height_;
  Draw draw_;
  std::string title_;
  std::string caption_;
};

/// Figure::write() of each, the figures shared out among the context's threads.
void write_figures(std::span<const Figure> figures, const std::filesystem::path& folder,
                   bool overwrite, const Context& context);

}  // namespace saithe
