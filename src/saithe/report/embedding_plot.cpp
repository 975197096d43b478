#include "saithe/report/plots.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>

#include "saithe/core/error.h"
#include "saithe/core/random.h"
#include "saithe/report/axes.h"
#include "saithe/report/embedding_layout.h"
#include "saithe/report/shown_text.h"

namespace saithe {
namespace {

/// Points are drawn in this many rounds, each type by type: mixed to the eye, and a small file.
constexpr std::size_t kRounds = 24;
/// Steps of the colour bar that points are rounded to, likewise.
constexpr std::size_t kValueColors = 64;
/// Of the shuffle of equal values; no result depends on it.
constexpr std::uint64_t kOrderSeed = 2;

/// Two arrows in the corner instead of ticks: only distances mean something in such a layout.
void draw_directions(Figure::Canvas& canvas, const Rect& plot) {
  const Point corner{plot.x - 6, plot.bottom() + 6};
  const Stroke stroke{.color = kMutedInk, .width = 1, .dashes = {}};
  canvas.arrow(corner, {corner.x + 46, corner.y}, stroke);
  canvas.arrow(corner, {corner.x, corner.y - 46}, stroke);
  const TextStyle style{.size = 8, .color = kMutedInk};
  canvas.text({corner.x + 2, corner.y + 9}, "UMAP 1", style);
  TextStyle upright = style;
  upright.degrees = -90;
  canvas.text({corner.x - 8, corner.y - 2}, "UMAP 2", upright);
}

void draw_legend(Figure::Canvas& canvas, const EmbeddingLayout& layout,
                 const std::vector<Color>& palette) {
  const TextStyle style{.size = layout.legend_size};
  TextStyle count_style = style;
  count_style.color = kMutedInk;
  count_style.align = Align::End;
  for (const LegendEntry& entry : layout.legend) {
    const Color color = entry.label == kNoLabel ? kUnassignedColor : palette[as_size(entry.label)];
    canvas.circle(entry.mark, 0.38 * layout.legend_size, color);
    canvas.text({entry.name_x, entry.mark.y}, entry.name, style);
    canvas.text({entry.count_right, entry.mark.y}, entry.count, count_style);
  }
}

/// Dots of the labelled points, in the order of drawing.
Dots labelled_dots(const std::vector<Point>& placed, std::span<const LabelIndex> labels,
                   std::span<const std::int64_t> counts, const std::vector<Color>& palette) {
  std::vector<CellIndex> order = drawing_order(labels, counts);
  std::erase_if(order, [&](CellIndex cell) { return std::isnan(placed[as_size(cell)].x); });
  const std::size_t round = (order.size() + kRounds - 1) / kRounds;
  const auto n_types = static_cast<std::int64_t>(counts.size());
  const auto n_cells = static_cast<std::int64_t>(labels.size());
  const auto draws_last = [&](LabelIndex label) {
    return label != kNoLabel && counts[as_size(label)] * 50 < n_cells;
  };
  for (std::size_t begin = 0; begin < order.size(); begin += round) {
    const auto first = order.begin() + static_cast<std::ptrdiff_t>(begin);
    const auto last =
        order.begin() + static_cast<std::ptrdiff_t>(std::min(order.size(), begin + round));
    std::stable_sort(first, last, [&](CellIndex a, CellIndex b) {
      const LabelIndex label_a = labels[as_size(a)];
      const LabelIndex label_b = labels[as_size(b)];
      if (draws_last(label_a) != draws_last(label_b)) return draws_last(label_b);
      return label_a < label_b;
    });
  }
  Dots dots;
  dots.palette = palette;
  dots.palette.push_back(kUnassignedColor);
  dots.radius = dot_radius(static_cast<std::int64_t>(placed.size()));
  for (const CellIndex cell : order) {
    const LabelIndex label = labels[as_size(cell)];
    dots.centers.push_back(placed[as_size(cell)]);
    dots.colors.push_back(static_cast<std::uint32_t>(label == kNoLabel ? n_types : label));
  }
  return dots;
}

/// Dots coloured by value; the lowest last, because they are what one looks for.
Dots valued_dots(const std::vector<Point>& placed, std::span<const float> values) {
  Dots dots;
  dots.radius = dot_radius(static_cast<std::int64_t>(placed.size()));
  for (std::size_t i = 0; i < kValueColors; ++i) {
    dots.palette.push_back(viridis(static_cast<double>(i) / (kValueColors - 1)));
  }
  dots.palette.push_back(kUnassignedColor);
  const auto color_of = [&](CellIndex cell) {
    const auto value = static_cast<double>(values[as_size(cell)]);
    if (std::isnan(value)) return kValueColors;
    return static_cast<std::size_t>(std::lround(std::clamp(value, 0.0, 1.0) * (kValueColors - 1)));
  };
  std::vector<CellIndex> order(placed.size());
  std::iota(order.begin(), order.end(), 0);
  Random(kOrderSeed, 0).shuffle(std::span(order));
  std::ranges::stable_sort(order, std::greater<>(), color_of);
  for (const CellIndex cell : order) {
    if (std::isnan(placed[as_size(cell)].x)) continue;
    dots.centers.push_back(placed[as_size(cell)]);
    dots.colors.push_back(static_cast<std::uint32_t>(color_of(cell)));
  }
  return dots;
}

}  // namespace

Figure plot_embedding(DenseView points, std::span<const LabelIndex> labels,
                      const std::vector<std::string>& type_names, const std::string& name,
                      const std::string& title) {
  SAITHE_ASSERT(points.n_cols == 2 && as_size(points.n_rows) == labels.size());
  std::vector<std::int64_t> counts(type_names.size(), 0);
  std::int64_t n_unassigned = 0;
  for (const LabelIndex label : labels)
    ++(label == kNoLabel ? n_unassigned : counts[as_size(label)]);
  const EmbeddingLayout layout = embedding_layout(type_names, counts, n_unassigned, title);
  const auto palette = category_palette(type_names.size());
  const auto dots = std::make_shared<const Dots>(
      labelled_dots(place_points(points, layout.plot), labels, counts, palette));
  auto draw = [dots, layout, palette, title](Figure::Canvas& canvas) {
    draw_title(canvas, {layout.plot.x, 14}, title);
    canvas.dots(layout.plot, *dots);
    if (dots->centers.empty()) draw_nothing(canvas, layout.plot, "no cells");
    draw_directions(canvas, layout.plot);
    draw_legend(canvas, layout, palette);
  };
  return {name,
          layout.width,
          layout.height,
          draw,
          title,
          fmt::format("Each of the {} dots is a cell; cells with similar activations of the last "
                      "hidden layer lie together. Colours are types, with their number of cells.",
                      format_count(points.n_rows))};
}

Figure plot_embedding(DenseView points, std::span<const float> values,
                      const std::string& value_name, const std::string& name,
                      const std::string& title) {
  SAITHE_ASSERT(points.n_cols == 2 && as_size(points.n_rows) == values.size());
  const EmbeddingLayout layout = embedding_layout({}, {}, 0, title);
  const auto dots =
      std::make_shared<const Dots>(valued_dots(place_points(points, layout.plot), values));
  const Rect bar{layout.plot.right() + 22, layout.plot.y + 8, 11, 160};
  auto draw = [dots, layout, bar, value_name, title](Figure::Canvas& canvas) {
    draw_title(canvas, {layout.plot.x, 14}, title);
    canvas.dots(layout.plot, *dots);
    if (dots->centers.empty()) draw_nothing(canvas, layout.plot, "no cells");
    draw_directions(canvas, layout.plot);
    draw_color_bar(canvas, bar, value_name);
  };
  return {name,
          std::max(layout.width, bar.x + kColorBarWidth),
          layout.height,
          draw,
          title,
          fmt::format("The same layout as that of the labels, coloured by {}; cells with low "
                      "values are drawn on top.",
                      value_name)};
}

}  // namespace saithe
