#pragma once

// Axes of a plot: round ticks, the mapping from values to points, grid and labels. Private to
// report/.

#include <span>
#include <string>
#include <vector>

#include "saithe/report/canvas.h"

namespace saithe {

/// Maps values from..to onto positions first..last of the canvas.
struct Scale {
  double from = 0;
  double to = 1;
  double first = 0;
  double last = 1;
  [[nodiscard]] double operator()(double value) const {
    return first + (value - from) / (to - from) * (last - first);
  }
};

/// Round values (1, 2, 2.5 or 5 times a power of ten apart) that span `low` .. `high`, with about
/// `n_wanted` steps. The first is <= low, the last >= high.
std::vector<double> round_ticks(double low, double high, int n_wanted);

/// 0, 1 .. `last` or every second, fifth ... of them: whole numbers only, at most `n_wanted` steps.
std::vector<double> whole_ticks(int last, int n_wanted);

/// The ticks as text with the decimals that tell them apart, thousands with commas.
std::vector<std::string> tick_labels(std::span<const double> ticks);

/// Bold, above the plot, at its left edge.
void draw_title(Figure::Canvas& canvas, Point anchor, const std::string& title);

/// Horizontal grid lines with labels to their left.
void draw_y_axis(Figure::Canvas& canvas, const Rect& plot, const Scale& y,
                 std::span<const double> ticks, const std::string& name);
/// Ticks and labels below the plot, and its base line.
void draw_x_axis(Figure::Canvas& canvas, const Rect& plot, const Scale& x,
                 std::span<const double> ticks, const std::string& name);

/// viridis from 0 (below) to 1 (above) with labels to its right and its name along it.
void draw_color_bar(Figure::Canvas& canvas, const Rect& bar, const std::string& name);

/// The same for values 0 (below) to `highest` (above), with round ticks.
void draw_color_bar(Figure::Canvas& canvas, const Rect& bar, double highest,
                    const std::string& name);

/// Room to the right of a colour bar's left edge.
inline constexpr double kColorBarWidth = 62;

/// A message where there is nothing to draw.
void draw_nothing(Figure::Canvas& canvas, const Rect& plot, const std::string& message);

}  // namespace saithe
