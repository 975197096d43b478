#pragma once

// Cuts points into regions around centres, so that a neighbour search looks only at near regions.
// Private to embed/.

#include <cstdint>
#include <span>
#include <vector>

#include "saithe/core/context.h"
#include "saithe/matrix/dense_matrix.h"

namespace saithe::embed {

/// Regions of points around centres; every point is in the region of the centre nearest to it.
struct Partition {
  DenseMatrix centres;                             ///< (n_regions, n_dims)
  std::vector<std::vector<std::int32_t>> members;  ///< of each region, ascending; may be empty
};

/// About sqrt(n_points) regions by a few rounds of k-means (Lloyd 1982,
/// doi:10.1109/TIT.1982.1056489) on a sample drawn by the context's seed.
Partition partition_points(DenseView points, const Context& context);

/// The members of the regions nearest to a region by their centres, its own first: n_regions that
/// have members, and more until there are n_needed points.
std::vector<std::int32_t> members_near(const Partition& partition, std::int64_t region,
                                       std::int64_t n_regions, std::size_t n_needed);

}  // namespace saithe::embed
