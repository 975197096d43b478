#include "saithe/report/embedding_layout.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "saithe/core/random.h"
#include "saithe/report/shown_text.h"

namespace saithe {
namespace {

constexpr double kPlotSide = 330;
constexpr double kTop = 30;
constexpr double kLeft = 22;
constexpr double kMaxNameWidth = 480;
/// Of the shuffle that mixes the types; no result depends on it.
constexpr std::uint64_t kOrderSeed = 1;

}  // namespace

EmbeddingLayout embedding_layout(const std::vector<std::string>& type_names,
                                 std::span<const std::int64_t> counts, std::int64_t n_unassigned,
                                 const std::string& title) {
  EmbeddingLayout layout;
  layout.plot = {kLeft, kTop, kPlotSide, kPlotSide};
  for (std::size_t i = 0; i < type_names.size(); ++i) {
    layout.legend.push_back(
        {static_cast<LabelIndex>(i), type_names[i], format_count(counts[i]), {}, 0, 0});
  }
  if (n_unassigned > 0) {
    layout.legend.push_back({kNoLabel, "unassigned", format_count(n_unassigned), {}, 0, 0});
  }
  const std::size_t n = layout.legend.size();
  layout.legend_size = n > 44 ? 7.5 : 9;
  const TextStyle style{.size = layout.legend_size};
  const double row_height = layout.legend_size * 1.6;
  const auto most_rows = static_cast<std::size_t>(kPlotSide / row_height);
  const std::size_t n_columns = std::max<std::size_t>(1, (n + most_rows - 1) / most_rows);
  const std::size_t n_rows = (n + n_columns - 1) / n_columns;
  double left = layout.plot.right() + 22;
  for (std::size_t begin = 0; begin < n; begin += n_rows) {
    const std::size_t end = std::min(n, begin + n_rows);
    double name_width = 0;
    double count_width = 0;
    for (std::size_t i = begin; i < end; ++i) {
      LegendEntry& entry = layout.legend[i];
      entry.name = shorten_to_width(entry.name, style, kMaxNameWidth);
      name_width = std::max(name_width, text_width(entry.name, style));
      count_width = std::max(count_width, text_width(entry.count, style));
    }
    for (std::size_t i = begin; i < end; ++i) {
      LegendEntry& entry = layout.legend[i];
      entry.mark = {left + 4, kTop + 8 + static_cast<double>(i - begin) * row_height};
      entry.name_x = left + 13;
      entry.count_right = entry.name_x + name_width + 10 + count_width;
    }
    left += 13 + name_width + 10 + count_width + 20;
  }
  const double title_right = kLeft + text_width(title, {.size = 11, .is_bold = true}) + 10;
  layout.width = std::max(n == 0 ? layout.plot.right() + 10 : left - 8, title_right);
  layout.height = layout.plot.bottom() + 26;
  return layout;
}

double dot_radius(std::int64_t n_cells) {
  return std::clamp(70 / std::sqrt(static_cast<double>(std::max<std::int64_t>(n_cells, 1))), 0.45,
                    3.0);
}

std::vector<CellIndex> drawing_order(std::span<const LabelIndex> labels,
                                     std::span<const std::int64_t> counts) {
  std::vector<CellIndex> order(labels.size());
  std::iota(order.begin(), order.end(), 0);
  Random(kOrderSeed, 0).shuffle(std::span(order));
  const auto n_cells = static_cast<std::int64_t>(labels.size());
  const auto layer_of = [&](CellIndex cell) {
    const LabelIndex label = labels[as_size(cell)];
    if (label == kNoLabel) return 0;
    return counts[as_size(label)] * 50 < n_cells ? 2 : 1;
  };
  std::ranges::stable_sort(order, {}, layer_of);
  return order;
}

std::vector<Point> place_points(DenseView points, const Rect& plot) {
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  constexpr double kMargin = 0.03;  // of the plot, on each side
  double low[2] = {std::numeric_limits<double>::max(), std::numeric_limits<double>::max()};
  double high[2] = {std::numeric_limits<double>::lowest(), std::numeric_limits<double>::lowest()};
  const auto is_placed = [&](std::int64_t i) {
    return std::isfinite(points(i, 0)) && std::isfinite(points(i, 1));
  };
  for (std::int64_t i = 0; i < points.n_rows; ++i) {
    if (!is_placed(i)) continue;
    for (int axis = 0; axis < 2; ++axis) {
      low[axis] = std::min(low[axis], static_cast<double>(points(i, axis)));
      high[axis] = std::max(high[axis], static_cast<double>(points(i, axis)));
    }
  }
  const double reach = std::max(high[0] - low[0], high[1] - low[1]);
  const double unit = reach > 0 ? (1 - 2 * kMargin) * std::min(plot.width, plot.height) / reach : 0;
  std::vector<Point> placed(as_size(points.n_rows), {kNone, kNone});
  for (std::int64_t i = 0; i < points.n_rows; ++i) {
    if (!is_placed(i)) continue;
    const double x = static_cast<double>(points(i, 0)) - (low[0] + high[0]) / 2;
    const double y = static_cast<double>(points(i, 1)) - (low[1] + high[1]) / 2;
    placed[as_size(i)] = {plot.x + plot.width / 2 + unit * x, plot.y + plot.height / 2 - unit * y};
  }
  return placed;
}

}  // namespace saithe
