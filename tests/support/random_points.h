#pragma once

// Points for the tests of embeddings.

#include <cmath>
#include <cstdint>

#include "saithe/core/random.h"
#include "saithe/matrix/dense_matrix.h"

namespace saithe::testing {

/// Normal clouds around centres that lie `apart` from each other; point i is of cloud i % n_clouds.
inline DenseMatrix clouds(std::int64_t n_points, std::int64_t n_dims, std::int64_t n_clouds,
                          double apart, std::uint64_t seed = 1) {
  const Random random(seed, 1);
  DenseMatrix points(n_points, n_dims);
  for (std::int64_t i = 0; i < n_points; ++i) {
    for (std::int64_t d = 0; d < n_dims; ++d) {
      const double centre = i % n_clouds == d % n_clouds ? apart : 0.0;
      points(i, d) =
          static_cast<float>(centre + random.normal(static_cast<std::uint64_t>(i * n_dims + d)));
    }
  }
  return points;
}

/// Euclidean distance of two rows.
inline double distance_of(DenseView points, std::int64_t a, std::int64_t b) {
  double sum = 0;
  for (std::int64_t d = 0; d < points.n_cols; ++d) {
    const double difference = static_cast<double>(points(a, d)) - static_cast<double>(points(b, d));
    sum += difference * difference;
  }
  return std::sqrt(sum);
}

}  // namespace saithe::testing
