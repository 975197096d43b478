#pragma once

// UMAP: a picture of high-dimensional points that keeps neighbours together.
// McInnes, Healy, Melville 2018, arXiv:1802.03426; defaults and schedule as umap-learn 0.5.

#include "saithe/core/context.h"
#include "saithe/embed/neighbors.h"
#include "saithe/matrix/dense_matrix.h"

namespace saithe {

/// One point has no neighbours.
constexpr std::int64_t kMinUmapPoints = 2;

/// The parameters of the layout.
struct UmapOptions {
  int n_neighbors = 15;  ///< larger: more of the global shape, less detail
  double min_dist = 0.1;
  double spread = 1.0;
  int n_epochs = 0;  ///< 0: 500 up to 10 000 points, 200 above, as umap-learn
  int negative_sample_rate = 5;
  double learning_rate = 1.0;

  template <typename Visitor>
  static void describe(Visitor& visit, UmapOptions& options) {
    visit("umap-neighbors", options.n_neighbors, "UMAP: neighbours of each cell");
    visit("umap-min-dist", options.min_dist, "UMAP: smallest distance of points in the picture");
    visit("umap-spread", options.spread, "UMAP: scale of the picture");
    visit("umap-epochs", options.n_epochs, "UMAP: optimisation epochs (0: by number of cells)");
    visit("umap-negative-samples", options.negative_sample_rate,
          "UMAP: repelling samples per edge");
    visit("umap-learning-rate", options.learning_rate, "UMAP: initial step length");
  }
};

/// Throws Error(InvalidArgument) on an option out of range.
void require_umap_options(const UmapOptions& options);

/// Bytes that umap() takes for each of many points, and their own values: measured.
constexpr std::int64_t umap_bytes_of_point(const UmapOptions& options, std::int64_t n_dims) {
  return 1000 + 26 * std::int64_t{options.n_neighbors} + 6 * n_dims;
}

/// Lays out `points` (n_points, n_dims) in two dimensions: (n_points, 2). Same seed, same layout,
/// for any number of threads. With fewer points than n_neighbors + 1, all points are neighbours.
/// Throws Error(InvalidArgument) on an option out of range, Error(BadFormat) on fewer than
/// kMinUmapPoints points.
DenseMatrix umap(DenseView points, const UmapOptions& options, const Context& context);

}  // namespace saithe
