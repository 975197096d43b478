#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "saithe/report/axes.h"
#include "saithe/report/plots.h"
#include "saithe/report/shown_text.h"

namespace saithe {
namespace {

constexpr std::size_t kMostGenes = 40;  // more are too small to be read across a page
constexpr double kColumn = 13.5;
constexpr double kRow = 17;
constexpr double kGroupGap = 5;
constexpr double kLargestRadius = 6;
constexpr double kMaxLabelWidth = 240;
constexpr double kBarHeight = 84;
constexpr double kSizeStep = 15;
constexpr double kGroupDegrees = -40;
constexpr const char* kSizeName = "Cells expressing";

const TextStyle kTypeStyle{.size = 9};
const TextStyle kCountStyle{.size = 8, .color = kMutedInk, .align = Align::End};
const TextStyle kGeneStyle{.size = 8, .align = Align::End, .degrees = -90};
const TextStyle kGroupStyle{.size = 8.5};

/// A gene and how much it speaks for a type.
struct Candidate {
  GeneIndex gene = 0;
  double attribution = 0;
};

/// Genes side by side that speak for one type.
struct Group {
  std::string name;
  double left = 0;
  double right = 0;
  std::size_t row = 0;
};

struct DotLayout {
  std::vector<std::string> types;
  std::vector<std::string> counts;
  std::vector<std::string> genes;
  std::vector<double> column_x;  // middle of each column
  std::vector<Group> groups;
  bool leans = false;  // the names of the groups
  Rect plot;
  double count_right = 0;
  double highest = 1;
  Rect bar;
  double sizes_y = 0;
  double width = 0;
  double height = 0;
};

double row_y(const DotLayout& layout, std::size_t row) {
  return layout.plot.y + (static_cast<double>(row) + 0.5) * kRow;
}

/// Columns and groups from left to right, x from 0.
void place_columns(const MarkerTable& markers, DotLayout& layout) {
  double x = 0;
  for (std::size_t g = 0; g < markers.genes.size(); ++g) {
    const bool begins = g == 0 || markers.row_of[g] != markers.row_of[g - 1];
    if (begins && g > 0) x += kGroupGap;
    if (begins) layout.groups.push_back({"", x, x, markers.row_of[g]});
    layout.column_x.push_back(x + kColumn / 2);
    x += kColumn;
    layout.groups.back().right = x;
  }
  layout.plot.width = std::max(x, 120.0);
  for (Group& group : layout.groups) {
    group.name = layout.types[group.row];
    layout.leans |= text_width(group.name, kGroupStyle) > group.right - group.left + kGroupGap - 3;
  }
}

void shift_columns(DotLayout& layout, double by) {
  for (double& x : layout.column_x) x += by;
  for (Group& group : layout.groups) {
    group.left += by;
    group.right += by;
  }
}

DotLayout dot_layout(const MarkerTable& markers, const std::string& title) {
  DotLayout layout;
  double widest_type = 0;
  double widest_count = 0;
  double widest_gene = 0;
  for (std::size_t row = 0; row < markers.types.size(); ++row) {
    layout.types.push_back(shorten_to_width(markers.types[row], kTypeStyle, kMaxLabelWidth));
    layout.counts.push_back(format_count(markers.n_cells[row]));
    widest_type = std::max(widest_type, text_width(layout.types.back(), kTypeStyle));
    widest_count = std::max(widest_count, text_width(layout.counts.back(), kCountStyle));
  }
  for (const std::string& gene : markers.genes) {
    layout.genes.push_back(shorten_to_width(gene, kGeneStyle, kMaxLabelWidth / 2));
    widest_gene = std::max(widest_gene, text_width(layout.genes.back(), kGeneStyle));
  }
  place_columns(markers, layout);
  layout.plot.x = std::ceil(10 + widest_type + 8 + widest_count + 8);
  layout.count_right = layout.plot.x - 8;
  shift_columns(layout, layout.plot.x);
  // Names that lean reach up, and beyond the last column.
  double up = 12;
  double beyond = 0;
  const double radians = -kGroupDegrees * std::numbers::pi / 180;
  for (const Group& group : layout.groups) {
    if (!layout.leans) break;
    const double length = text_width(group.name, kGroupStyle) + 4;
    up = std::max(up, length * std::sin(radians) + 8);
    beyond = std::max(beyond, (group.left + group.right) / 2 + length * std::cos(radians) -
                                  layout.plot.x - layout.plot.width);
  }
  layout.plot.y = std::ceil(28 + up + 8);
  layout.plot.height = kRow * static_cast<double>(markers.types.size());
  const float* first = markers.mean.data();
  const float* last = first + markers.mean.n_rows() * markers.mean.n_cols();
  const float highest = first == last ? 0.0F : *std::max_element(first, last);
  layout.highest = highest > 0 ? static_cast<double>(highest) : 1;
  const double legend_x = layout.plot.right() + 16 + std::max(beyond - 6, 0.0);
  layout.bar = {legend_x, layout.plot.y, 10, kBarHeight};
  layout.sizes_y = layout.bar.bottom() + 24;
  const double legend_width = std::max(kColorBarWidth, text_width(kSizeName, {.size = 8.5}) + 10);
  layout.width = std::max(legend_x + legend_width,
                          layout.plot.x + text_width(title, {.size = 11, .is_bold = true}) + 10);
  layout.height =
      std::max(layout.plot.bottom() + 8 + widest_gene + 8, layout.sizes_y + 4 * kSizeStep + 12);
  return layout;
}

void draw_frame(Figure::Canvas& canvas, const DotLayout& layout) {
  for (const Group& group : layout.groups) {
    // The group's own row lies on grey, so that the eye finds the diagonal.
    canvas.fill({group.left, layout.plot.y + static_cast<double>(group.row) * kRow,
                 group.right - group.left, kRow},
                {0.915, 0.915, 0.915, 1});
    const double y = layout.plot.y - 5;
    canvas.line({group.left + 1.5, y}, {group.right - 1.5, y}, {.color = kInk, .width = 0.9});
    TextStyle style = kGroupStyle;
    const double middle = (group.left + group.right) / 2;
    if (layout.leans) {
      style.degrees = kGroupDegrees;
      canvas.text({middle, y - 6}, group.name, style);
    } else {
      style.align = Align::Middle;
      canvas.text({middle, y - 8}, group.name, style);
    }
  }
  for (std::size_t row = 0; row < layout.types.size(); ++row) {
    TextStyle style = kTypeStyle;
    canvas.text({10, row_y(layout, row)}, layout.types[row], style);
    canvas.text({layout.count_right, row_y(layout, row)}, layout.counts[row], kCountStyle);
  }
  for (std::size_t g = 0; g < layout.genes.size(); ++g) {
    canvas.text({layout.column_x[g], layout.plot.bottom() + 6}, layout.genes[g], kGeneStyle);
  }
}

void draw_dot(Figure::Canvas& canvas, Point center, double share, const Color& color) {
  const double radius = kLargestRadius * std::sqrt(share);
  canvas.circle(center, radius, color);
  // An edge, so that yellow on white is seen.
  canvas.ring(center, radius, {.color = {0.13, 0.13, 0.13, 0.55}, .width = 0.5});
}

void draw_legend(Figure::Canvas& canvas, const DotLayout& layout) {
  draw_color_bar(canvas, layout.bar, layout.highest, "Mean ln(1 + CP10k)");
  canvas.text({layout.bar.x, layout.sizes_y - 12}, kSizeName, {.size = 8.5});
  for (int i = 0; i < 4; ++i) {
    const double share = 0.25 * (i + 1);
    const double y = layout.sizes_y + 3 + i * kSizeStep;
    draw_dot(canvas, {layout.bar.x + kLargestRadius, y}, share, kUnassignedColor);
    canvas.text({layout.bar.x + 2 * kLargestRadius + 6, y}, fmt::format("{:.0f} %", 100 * share),
                {.size = 8, .color = kMutedInk});
  }
}

}  // namespace

MarkerTable marker_table(const Model& model, const Explanation& explanation, int n_per_type) {
  const std::size_t n_rows = explanation.types.size();
  const std::size_t n =
      std::min(as_size(std::max(n_per_type, 1)),
               std::max<std::size_t>(1, kMostGenes / std::max<std::size_t>(1, n_rows)));
  const auto n_genes = as_size(model.preprocessor.n_genes());
  std::vector<double> largest(n_genes);  // of a gene, over the types for which it speaks
  std::vector<std::size_t> owner(n_genes, n_rows);
  for (std::size_t row = 0; row < n_rows; ++row) {
    const TypeContrast& contrast = explanation.types[row].over_all;
    for (std::size_t gene = 0; gene < n_genes; ++gene) {
      if (!contrast.is_expressed[gene] || !(contrast.attribution[gene] > largest[gene])) continue;
      largest[gene] = contrast.attribution[gene];
      owner[gene] = row;
    }
  }
  MarkerTable table;
  std::vector<GeneIndex> chosen;
  for (std::size_t row = 0; row < n_rows; ++row) {
    const TypeExplanation& type = explanation.types[row];
    table.types.push_back(model.types.name(type.type));
    table.n_cells.push_back(type.n_cells);
    std::size_t n_own = 0;
    for (const GeneIndex gene :
         top_genes(type.over_all, Evidence::Expressed, static_cast<int>(n_genes))) {
      if (n_own == n) break;
      if (owner[as_size(gene)] != row) continue;
      chosen.push_back(gene);
      table.genes.push_back(model.preprocessor.gene_names()[as_size(gene)]);
      table.row_of.push_back(row);
      ++n_own;
    }
  }
  const auto n_columns = static_cast<std::int64_t>(chosen.size());
  table.mean = {static_cast<std::int64_t>(n_rows), n_columns};
  table.share = {static_cast<std::int64_t>(n_rows), n_columns};
  for (std::size_t row = 0; row < n_rows; ++row) {
    const auto at = static_cast<std::int64_t>(row);
    for (std::size_t g = 0; g < chosen.size(); ++g) {
      const LabelIndex type = explanation.types[row].type;
      table.mean.row(at)[g] = explanation.expression.mean(type, chosen[g]);
      table.share.row(at)[g] = explanation.expression.share(type, chosen[g]);
    }
  }
  return table;
}

Figure plot_markers(const MarkerTable& markers, const std::string& name, const std::string& title) {
  const DotLayout layout = dot_layout(markers, title);
  auto draw = [markers, layout, title](Figure::Canvas& canvas) {
    draw_title(canvas, {layout.plot.x, 14}, title);
    if (markers.genes.empty()) {
      draw_nothing(canvas, layout.plot, "no genes");
      return;
    }
    draw_frame(canvas, layout);
    for (std::size_t row = 0; row < markers.types.size(); ++row) {
      const auto at = static_cast<std::int64_t>(row);
      for (std::size_t g = 0; g < markers.genes.size(); ++g) {
        const auto share = static_cast<double>(markers.share.row(at)[g]);
        if (share <= 0) continue;
        const double value = static_cast<double>(markers.mean.row(at)[g]) / layout.highest;
        draw_dot(canvas, {layout.column_x[g], row_y(layout, row)}, share, viridis(value));
      }
    }
    draw_legend(canvas, layout);
  };
  return {
      name,
      layout.width,
      layout.height,
      draw,
      title,
      "Columns are the genes whose expression speaks most for each type (integrated gradients "
      "of the model), grouped by type; rows are the predicted types with their number of cells. "
      "The area of a dot is the share of the type's cells that express the gene, its colour the "
      "mean of ln(1 + x) over all cells of the type."};
}

}  // namespace saithe
