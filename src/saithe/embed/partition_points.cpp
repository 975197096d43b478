#include "saithe/embed/partition_points.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

#include "saithe/core/parallel.h"
#include "saithe/core/random.h"
#include "saithe/core/types.h"
#include "saithe/kernels/cpu/gemm.h"
#include "saithe/kernels/cpu/simd.h"

namespace saithe::embed {
namespace {

constexpr std::int64_t kRows = 256;
constexpr std::int64_t kSamplePerRegion = 32;
constexpr int kRounds = 4;

float squared_norm(std::span<const float> point) {
  double sum = 0;
  for (const float x : point) sum += static_cast<double>(x) * static_cast<double>(x);
  return static_cast<float>(sum);
}

/// The index of the centre nearest to each point, the first of equal ones.
std::vector<std::int32_t> nearest_centres(DenseView points, const DenseMatrix& centres,
                                          const Context& context) {
  std::vector<float> norms;
  for (std::int64_t c = 0; c < centres.n_rows(); ++c) norms.push_back(squared_norm(centres.row(c)));
  std::vector<std::int32_t> nearest(as_size(points.n_rows));
  const Context serial(1);
  parallel_for(context, points.n_rows, kRows, [&](std::int64_t begin, std::int64_t end) {
    AlignedVector<float> products(as_size((end - begin) * centres.n_rows()));
    kernels::cpu::multiply_by_transposed(end - begin, points.n_cols, centres.n_rows(),
                                         points.values + begin * points.n_cols, centres.data(),
                                         products.data(), serial);
    for (std::int64_t r = begin; r < end; ++r) {
      const float* row = products.data() + (r - begin) * centres.n_rows();
      float smallest = std::numeric_limits<float>::infinity();
      for (std::size_t c = 0; c < norms.size(); ++c) {
        const float score = norms[c] - 2.0F * row[c];
        if (score >= smallest) continue;
        smallest = score;
        nearest[as_size(r)] = static_cast<std::int32_t>(c);
      }
    }
  });
  return nearest;
}

/// Moves every centre to the mean of its points; one without points stays.
void move_centres(DenseView points, const std::vector<std::int32_t>& nearest,
                  DenseMatrix& centres) {
  const auto n_dims = as_size(points.n_cols);
  std::vector<double> sums(as_size(centres.n_rows()) * n_dims);
  std::vector<std::int64_t> counts(as_size(centres.n_rows()));
  for (std::int64_t r = 0; r < points.n_rows; ++r) {
    const auto c = as_size(nearest[as_size(r)]);
    ++counts[c];
    const auto point = points.row(r);
    for (std::size_t d = 0; d < n_dims; ++d) {
      sums[c * n_dims + d] += static_cast<double>(point[d]);
    }
  }
  for (std::size_t c = 0; c < counts.size(); ++c) {
    if (counts[c] == 0) continue;
    const auto centre = centres.row(static_cast<std::int64_t>(c));
    for (std::size_t d = 0; d < n_dims; ++d) {
      centre[d] = static_cast<float>(sums[c * n_dims + d] / static_cast<double>(counts[c]));
    }
  }
}

}  // namespace

Partition partition_points(DenseView points, const Context& context) {
  const auto n_regions = static_cast<std::int64_t>(std::sqrt(static_cast<double>(points.n_rows)));
  std::vector<CellIndex> order(as_size(points.n_rows));
  std::iota(order.begin(), order.end(), CellIndex{0});
  Random(context.seed(), stream::kNeighbors).shuffle(std::span<CellIndex>(order));
  const auto n_sample = std::min(points.n_rows, kSamplePerRegion * n_regions);
  const DenseMatrix sample = select_rows(points, std::span(order).first(as_size(n_sample)));
  Partition partition;
  partition.centres = select_rows(points, std::span(order).first(as_size(n_regions)));
  for (int round = 0; round < kRounds; ++round) {
    const auto nearest = nearest_centres(sample.view(), partition.centres, context);
    move_centres(sample.view(), nearest, partition.centres);
  }
  partition.members.resize(as_size(n_regions));
  const auto nearest = nearest_centres(points, partition.centres, context);
  for (std::int64_t r = 0; r < points.n_rows; ++r) {
    partition.members[as_size(nearest[as_size(r)])].push_back(static_cast<std::int32_t>(r));
  }
  return partition;
}

std::vector<std::int32_t> members_near(const Partition& partition, std::int64_t region,
                                       std::int64_t n_regions, std::size_t n_needed) {
  std::vector<std::pair<double, std::int64_t>> order;
  for (std::int64_t other = 0; other < partition.centres.n_rows(); ++other) {
    const double distance = other == region
                                ? -1.0
                                : kernels::cpu::squared_distance(partition.centres.row(region),
                                                                 partition.centres.row(other));
    order.emplace_back(distance, other);
  }
  std::sort(order.begin(), order.end());
  std::vector<std::int32_t> near;
  std::int64_t n_taken = 0;
  for (const auto& [distance, other] : order) {
    if (n_taken >= n_regions && near.size() >= n_needed) break;
    const auto& members = partition.members[as_size(other)];
    near.insert(near.end(), members.begin(), members.end());
    if (!members.empty()) ++n_taken;
  }
  return near;
}

}  // namespace saithe::embed
