#pragma once

// Where the parts of a scatter plot lie, and the order in which its points are drawn. Private to
// report/.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "saithe/core/types.h"
#include "saithe/matrix/dense_matrix.h"
#include "saithe/report/canvas.h"

namespace saithe {

struct LegendEntry {
  LabelIndex label = kNoLabel;
  std::string name;   ///< as shown
  std::string count;  ///< "1,144"
  Point mark;         ///< centre of the coloured dot
  double name_x = 0;
  double count_right = 0;
};

struct EmbeddingLayout {
  Rect plot;
  std::vector<LegendEntry> legend;
  double legend_size = 0;  ///< font size
  double width = 0;
  double height = 0;
};

/// Plot and legend of types with `counts` cells each; `n_unassigned` > 0 adds an entry for these.
/// The legend takes as many columns as it needs, each as wide as its longest name.
EmbeddingLayout embedding_layout(const std::vector<std::string>& type_names,
                                 std::span<const std::int64_t> counts, std::int64_t n_unassigned,
                                 const std::string& title);

/// Radius in points of the dots of n cells: smaller the more there are.
double dot_radius(std::int64_t n_cells);

/// Cells in the order of drawing: unassigned cells first, then types mixed, then the cells of types
/// below a fiftieth of all, so that they are seen. Depends on the labels alone.
std::vector<CellIndex> drawing_order(std::span<const LabelIndex> labels,
                                     std::span<const std::int64_t> counts);

/// Centres of points (n, 2) in `plot`, both axes with the same unit. Points that are not finite are
/// at NaN.
std::vector<Point> place_points(DenseView points, const Rect& plot);

}  // namespace saithe
