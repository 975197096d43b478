#include "saithe/report/plots.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "saithe/report/axes.h"
#include "saithe/report/confusion_layout.h"
#include "saithe/report/shown_text.h"

namespace saithe {
namespace {

constexpr double kMaxLabelWidth = 480;
constexpr std::size_t kMaxSlantedTypes = 16;

void draw_cells(Figure::Canvas& canvas, const Evaluation& evaluation,
                const ConfusionLayout& layout) {
  const auto n = as_size(evaluation.n_types());
  const double size = layout.cell;
  for (std::size_t truth = 0; truth < n; ++truth) {
    const auto support = static_cast<double>(evaluation.per_type[truth].support);
    for (std::size_t predicted = 0; predicted < n; ++predicted) {
      const Rect cell{layout.matrix.x + static_cast<double>(predicted) * size,
                      layout.matrix.y + static_cast<double>(truth) * size, size, size};
      if (support == 0) {
        canvas.fill(cell, {0.93, 0.93, 0.93, 1});
        continue;
      }
      const std::int64_t count = evaluation.confusion[truth * n + predicted];
      const Color color = viridis(static_cast<double>(count) / support);
      canvas.fill(cell, color);
      if (count == 0 || layout.number_size == 0) continue;
      const std::string number = std::to_string(count);
      TextStyle style{
          .size = layout.number_size, .color = readable_ink(color), .align = Align::Middle};
      const double width = text_width(number, style);
      style.size = std::min(style.size, style.size * (size - 2) / width);
      canvas.text({cell.x + size / 2, cell.y + size / 2}, number, style);
    }
    if (support == 0) {
      canvas.text({layout.matrix.x + layout.matrix.width / 2,
                   layout.matrix.y + (static_cast<double>(truth) + 0.5) * size},
                  "no cell of this type",
                  {.size = std::min(8.0, 0.75 * size), .color = kMutedInk, .align = Align::Middle});
    }
  }
  // Thin white lines tell equal neighbours apart; over many small cells they would only grey them.
  for (std::size_t i = 1; size >= 12 && i < n; ++i) {
    const double at = static_cast<double>(i) * size;
    const Stroke stroke{.color = {1, 1, 1, 0.55}, .width = 0.6, .dashes = {}};
    canvas.line({layout.matrix.x + at, layout.matrix.y},
                {layout.matrix.x + at, layout.matrix.bottom()}, stroke);
    canvas.line({layout.matrix.x, layout.matrix.y + at},
                {layout.matrix.right(), layout.matrix.y + at}, stroke);
  }
}

void draw_labels(Figure::Canvas& canvas, const ConfusionLayout& layout) {
  for (std::size_t i = 0; i < layout.labels.size(); ++i) {
    const double middle = (static_cast<double>(i) + 0.5) * layout.cell;
    canvas.text({layout.matrix.x - 5, layout.matrix.y + middle}, layout.labels[i],
                {.size = layout.label_size, .align = Align::End});
    canvas.text({layout.matrix.x + middle, layout.matrix.bottom() + 6}, layout.labels[i],
                {.size = layout.label_size, .align = Align::End, .degrees = layout.degrees});
  }
  canvas.text({layout.true_name_x, layout.matrix.y + layout.matrix.height / 2}, "True type",
              {.size = 9.5, .is_bold = true, .align = Align::Middle, .degrees = -90});
  canvas.text({layout.matrix.x + layout.matrix.width / 2, layout.predicted_name_y},
              "Predicted type", {.size = 9.5, .is_bold = true, .align = Align::Middle});
}

}  // namespace

ConfusionLayout confusion_layout(const std::vector<std::string>& names, const std::string& title) {
  ConfusionLayout layout;
  const auto n = names.size();
  layout.cell = std::clamp(400.0 / static_cast<double>(std::max<std::size_t>(n, 1)), 9.0, 34.0);
  layout.number_size = layout.cell >= 15 ? std::clamp(0.30 * layout.cell, 6.0, 9.0) : 0;
  layout.label_size = std::clamp(0.75 * layout.cell, 6.5, 9.0);
  // Few labels lean, which is easier to read; many stand, which needs less room for each.
  layout.degrees = n <= kMaxSlantedTypes ? -45 : -90;
  const TextStyle style{.size = layout.label_size};
  double widest = 0;
  double left_of_matrix = 0;  // what the leaning labels need there
  const double radians = -layout.degrees * std::numbers::pi / 180;
  for (std::size_t i = 0; i < n; ++i) {
    layout.labels.push_back(shorten_to_width(names[i], style, kMaxLabelWidth));
    const double width = text_width(layout.labels.back(), style);
    widest = std::max(widest, width);
    left_of_matrix = std::max(left_of_matrix, width * std::cos(radians) + layout.label_size -
                                                  (static_cast<double>(i) + 0.5) * layout.cell);
  }
  const double left = std::max(widest + 30, left_of_matrix + 6);
  const double side = layout.cell * static_cast<double>(n);
  layout.matrix = {std::ceil(left), 34, side, side};
  layout.true_name_x = layout.matrix.x - widest - 18;
  layout.predicted_name_y =
      layout.matrix.bottom() + 6 + widest * std::sin(radians) + layout.label_size + 10;
  const double bar_height = std::clamp(side, 140.0, 220.0);  // its name stands along it
  layout.color_bar = {layout.matrix.right() + 18, layout.matrix.y, 11, bar_height};
  const double title_right =
      layout.matrix.x + text_width(title, {.size = 11, .is_bold = true}) + 10;
  layout.width = std::max(layout.color_bar.x + kColorBarWidth, title_right);
  layout.height = std::max(layout.predicted_name_y + 12, layout.color_bar.bottom() + 14);
  return layout;
}

Figure plot_confusion(const Evaluation& evaluation, const std::string& name,
                      const std::string& title) {
  std::vector<std::string> names;
  for (const TypeScores& scores : evaluation.per_type) names.push_back(scores.cell_type);
  const ConfusionLayout layout = confusion_layout(names, title);
  auto draw = [evaluation, layout, title](Figure::Canvas& canvas) {
    draw_title(canvas, {layout.matrix.x, 14}, title);
    draw_cells(canvas, evaluation, layout);
    draw_labels(canvas, layout);
    draw_color_bar(canvas, layout.color_bar, "Share of the true type's cells");
  };
  return {name,
          layout.width,
          layout.height,
          draw,
          title,
          "Each row holds the cells of one true type, each column what the network calls them. The "
          "colour is the share of the row's cells, so that the diagonal shows the recall; numbers "
          "count cells, and where none stands there is no cell."};
}

}  // namespace saithe
