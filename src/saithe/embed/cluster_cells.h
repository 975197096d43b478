#pragma once

// Cells -> clusters: neighbours, the graph of UMAP, Leiden; as scanpy.pp.neighbors and
// scanpy.tl.leiden.

#include <cstdint>
#include <vector>

#include "saithe/core/context.h"
#include "saithe/matrix/dense_matrix.h"

namespace saithe {

/// How fine the clusters are. The defaults are CellTypist's for its majority vote: clusters so
/// small that a cell type has several.
struct LeidenOptions {
  double resolution = 0;  ///< larger: more clusters; 0: over_clustering_resolution()
  int n_neighbors = 10;   ///< counts the cell itself, as Scanpy does

  template <typename Visitor>
  static void describe(Visitor& visit, LeidenOptions& options) {
    visit("resolution", options.resolution,
          "Leiden: larger makes smaller clusters (0: by number of cells)");
    visit("cluster-neighbors", options.n_neighbors, "Leiden: neighbours of each cell");
  }
};

/// 5, 10, 15, 20, 25, 30 for fewer than 5 000, 20 000, 40 000, 100 000, 200 000 and more cells
/// (Dominguez Conde et al. 2022, doi:10.1126/science.abl5197; CellTypist 1.7).
double over_clustering_resolution(std::int64_t n_cells);

/// Bytes that cluster_cells() takes for each of many cells, and their own values, twice: measured.
constexpr std::int64_t cluster_bytes_of_cell(const LeidenOptions& options, std::int64_t n_dims) {
  return 130 + 80 * std::int64_t{options.n_neighbors} + 8 * n_dims;
}

/// The cluster of each row of `points` (n_cells, n_dims), numbered by size, the largest 0. With
/// fewer cells than n_neighbors + 1, all are neighbours. Same seed, same clusters, for any number
/// of threads. Throws Error(InvalidArgument) on an option out of range, Error(Numerical) on values
/// not finite, Error(Cancelled).
std::vector<std::int32_t> cluster_cells(DenseView points, const LeidenOptions& options,
                                        const Context& context);

}  // namespace saithe
