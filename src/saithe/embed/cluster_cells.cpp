#include "saithe/embed/cluster_cells.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "saithe/core/text_io.h"
#include "saithe/core/types.h"
#include "saithe/embed/fuzzy_graph.h"
#include "saithe/embed/leiden.h"
#include "saithe/embed/neighbors.h"

namespace saithe {

double over_clustering_resolution(std::int64_t n_cells) {
  for (const auto& [below, resolution] :
       {std::pair(5000, 5.0), {20000, 10.0}, {40000, 15.0}, {100000, 20.0}, {200000, 25.0}}) {
    if (n_cells < below) return resolution;
  }
  return 30;
}

std::vector<std::int32_t> cluster_cells(DenseView points, const LeidenOptions& options,
                                        const Context& context) {
  if (!(options.resolution >= 0) || !std::isfinite(options.resolution)) {
    fail(ErrorKind::InvalidArgument,
         "--resolution: {} is not 0 (by the number of cells) or a number above",
         options.resolution);
  }
  if (options.n_neighbors < 2) {
    fail(ErrorKind::InvalidArgument, "--cluster-neighbors: {} is not 2 or more",
         options.n_neighbors);
  }
  if (points.n_rows < 2) return std::vector<std::int32_t>(as_size(points.n_rows), 0);
  const double resolution =
      options.resolution > 0 ? options.resolution : over_clustering_resolution(points.n_rows);
  if (options.n_neighbors > points.n_rows && options.n_neighbors != LeidenOptions{}.n_neighbors) {
    context.warn(
        fmt::format("--cluster-neighbors: {} are taken, as many as there are cells, not {}",
                    points.n_rows, options.n_neighbors));
  }
  const auto n_neighbors =
      static_cast<int>(std::min<std::int64_t>(options.n_neighbors, points.n_rows));
  const Neighbors neighbors = find_neighbors(points, n_neighbors - 1, context);
  const CsrMatrix graph = embed::fuzzy_graph(neighbors, n_neighbors, context);
  return leiden(graph.view(), resolution, context);
}

}  // namespace saithe
