#pragma once

// k nearest neighbours by Euclidean distance: exact up to 16 000 points; above, found among the
// regions around a point and among its neighbours' neighbours. Reproducible.

#include <cstdint>
#include <vector>

#include "saithe/core/context.h"
#include "saithe/matrix/dense_matrix.h"

namespace saithe {

/// Row i holds the k nearest other points of point i, nearest first; ties by index.
struct Neighbors {
  std::int64_t n_points = 0;
  int k = 0;
  std::vector<std::int32_t> indices;  ///< (n_points, k)
  std::vector<float> distances;       ///< (n_points, k), ascending
};

/// The k nearest neighbours of every row of `points` (n_points, n_dims), the point itself excluded.
/// Throws Error(InvalidArgument) unless 1 <= k < n_points, Error(Numerical) on values not finite.
Neighbors find_neighbors(DenseView points, int k, const Context& context);

}  // namespace saithe
