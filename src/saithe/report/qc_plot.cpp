#include "saithe/report/plots.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "saithe/core/random.h"
#include "saithe/report/axes.h"
#include "saithe/report/shown_text.h"
#include "saithe/report/violin.h"

namespace saithe {
namespace {

constexpr double kPanelWidth = 168;
constexpr double kPlotHeight = 200;
constexpr double kPlotWidth = 104;
constexpr double kHalfWidth = 44;         ///< of a violin at its thickest
constexpr std::size_t kMaxPoints = 1500;  ///< shown; more only blacken the violin
/// Of the numbers that spread the points; no result depends on it.
constexpr std::uint64_t kPointSeed = 1;

struct Threshold {
  double value = 0;
  std::string text;
};

struct Panel {
  std::string title;
  std::string unit;
  Color color;
  Violin violin;
  std::vector<double> points;  ///< a seeded sample of the values
  std::vector<Threshold> thresholds;
  int n_decimals = 0;
};

/// At most kMaxPoints of the values, the same for the same number of values.
std::vector<double> sample(const std::vector<double>& values) {
  std::vector<double> chosen;
  const Random random(kPointSeed, 0);
  for (std::size_t i = 0; i < std::min(values.size(), kMaxPoints); ++i) {
    const bool takes_all = values.size() <= kMaxPoints;
    chosen.push_back(
        values[takes_all ? i : static_cast<std::size_t>(random.below(i, values.size()))]);
  }
  std::erase_if(chosen, [](double value) { return !std::isfinite(value); });
  return chosen;
}

double density_at(const Violin& violin, double value) {
  if (violin.at.size() < 2) return 1;
  const double step = violin.at[1] - violin.at[0];
  const double position =
      std::clamp((value - violin.low) / step, 0.0, static_cast<double>(violin.at.size() - 1));
  return violin.density[static_cast<std::size_t>(position)];
}

void draw_shape(Figure::Canvas& canvas, const Panel& panel, double middle, const Scale& y) {
  const Violin& violin = panel.violin;
  if (violin.at.size() < 2) {
    canvas.line({middle - kHalfWidth, y(violin.low)}, {middle + kHalfWidth, y(violin.low)},
                {.color = panel.color, .width = 2});
    return;
  }
  std::vector<Point> outline;
  for (std::size_t i = 0; i < violin.at.size(); ++i) {
    outline.push_back({middle - kHalfWidth * violin.density[i], y(violin.at[i])});
  }
  for (std::size_t i = violin.at.size(); i-- > 0;) {
    outline.push_back({middle + kHalfWidth * violin.density[i], y(violin.at[i])});
  }
  Color pale = panel.color;
  pale.alpha = 0.30;
  canvas.polygon(outline, pale);
  outline.push_back(outline.front());
  canvas.line(outline, {.color = panel.color, .width = 1.1});
}

void draw_points(Figure::Canvas& canvas, const Panel& panel, const Rect& plot, double middle,
                 const Scale& y) {
  const Random random(kPointSeed, 1);
  Dots dots;
  Color dark = panel.color;
  dark.alpha = 0.45;
  dots.palette = {dark};
  dots.radius = 0.6;
  for (std::size_t i = 0; i < panel.points.size(); ++i) {
    const double reach = 0.88 * kHalfWidth * density_at(panel.violin, panel.points[i]);
    const double offset = (2 * random.uniform(i) - 1) * reach;
    dots.centers.push_back({middle + offset, y(panel.points[i])});
    dots.colors.push_back(0);
  }
  canvas.dots(plot, dots);
}

void draw_quartiles(Figure::Canvas& canvas, const Violin& violin, double middle, const Scale& y) {
  canvas.line({middle, y(violin.lower_quartile)}, {middle, y(violin.upper_quartile)},
              {.color = kInk, .width = 4.5});
  canvas.circle({middle, y(violin.median)}, 3, kWhite);
  canvas.ring({middle, y(violin.median)}, 3, {.color = kInk, .width = 1.1});
}

void draw_panel(Figure::Canvas& canvas, const Panel& panel, const Rect& plot) {
  canvas.text({plot.x + plot.width / 2, 14}, panel.title,
              {.size = 10, .is_bold = true, .align = Align::Middle});
  if (panel.violin.at.empty()) {
    draw_nothing(canvas, plot, "no cells");
    return;
  }
  double low = std::min(0.0, panel.violin.low);
  double high = panel.violin.high;
  for (const Threshold& threshold : panel.thresholds) high = std::max(high, threshold.value);
  if (high <= low) high = low + 1;
  const auto ticks = round_ticks(low, high, 5);
  const Scale y{ticks.front(), ticks.back(), plot.bottom(), plot.y};
  const double middle = plot.x + plot.width / 2;
  draw_y_axis(canvas, plot, y, ticks, panel.unit);
  draw_shape(canvas, panel, middle, y);
  draw_points(canvas, panel, plot, middle, y);
  draw_quartiles(canvas, panel.violin, middle, y);
  for (const Threshold& threshold : panel.thresholds) {
    const Color red{0.75, 0.15, 0.0, 1};
    const double at = y(threshold.value);
    canvas.line({plot.x, at}, {plot.right(), at}, {.color = red, .width = 1.1, .dashes = {4, 3}});
    // Above the line unless that leaves the panel.
    canvas.text({plot.right() + 2, at + (at - 7 < plot.y ? 7 : -7)}, threshold.text,
                {.size = 7.5, .color = red, .align = Align::End});
  }
  const auto number = [&](double value) {
    return panel.n_decimals == 0 ? format_count(std::llround(value))
                                 : fmt::format("{:.{}f}", value, panel.n_decimals);
  };
  canvas.text({middle, plot.bottom() + 12}, "median " + number(panel.violin.median),
              {.size = 8.5, .align = Align::Middle});
  canvas.text({middle, plot.bottom() + 24},
              fmt::format("quartiles {} to {}", number(panel.violin.lower_quartile),
                          number(panel.violin.upper_quartile)),
              {.size = 8, .color = kMutedInk, .align = Align::Middle});
}

template <typename T>
Panel make_panel(const std::vector<T>& values, std::string title, std::string unit, Color color,
                 int n_decimals) {
  const std::vector<double> numbers(values.begin(), values.end());
  return {std::move(title), std::move(unit), color, violin_of(numbers), sample(numbers), {},
          n_decimals};
}

}  // namespace

Figure plot_qc(const QcMetrics& metrics, const QcOptions& thresholds) {
  const auto palette = category_palette(3);
  std::vector<Panel> panels = {
      make_panel(metrics.n_genes_by_counts, "Genes per cell", "Genes with counts", palette[0], 0),
      make_panel(metrics.total_counts, "Counts per cell", "Counts", palette[2], 0),
      make_panel(metrics.pct_counts_mt, "Mitochondrial counts", "% of the cell's counts",
                 palette[1], 2)};
  if (thresholds.min_genes > 0) {
    panels[0].thresholds.push_back(
        {static_cast<double>(thresholds.min_genes), "min " + format_count(thresholds.min_genes)});
  }
  if (thresholds.max_genes > 0) {
    panels[0].thresholds.push_back(
        {static_cast<double>(thresholds.max_genes), "below " + format_count(thresholds.max_genes)});
  }
  if (thresholds.max_percent_mt > 0) {
    panels[2].thresholds.push_back(
        {thresholds.max_percent_mt, fmt::format("below {:g} %", thresholds.max_percent_mt)});
  }
  auto draw = [panels](Figure::Canvas& canvas) {
    for (std::size_t i = 0; i < panels.size(); ++i) {
      draw_panel(canvas, panels[i],
                 {static_cast<double>(i) * kPanelWidth + 58, 28, kPlotWidth, kPlotHeight});
    }
  };
  const bool has_thresholds =
      thresholds.min_genes > 0 || thresholds.max_genes > 0 || thresholds.max_percent_mt > 0;
  return {"qc",
          3 * kPanelWidth + 6,
          28 + kPlotHeight + 36,
          draw,
          "Quality of the cells",
          fmt::format("Distribution over the cells of the number of genes with counts, of all "
                      "counts, and of the share of mitochondrial counts. The bar spans the "
                      "quartiles, the white dot is the median, small dots are {}.{}",
                      metrics.total_counts.size() > kMaxPoints
                          ? fmt::format("{} cells drawn at random", format_count(kMaxPoints))
                          : "single cells",
                      has_thresholds ? " Dashed lines are the thresholds of the filters." : "")};
}

}  // namespace saithe
