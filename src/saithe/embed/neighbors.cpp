#include "saithe/embed/neighbors.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "saithe/core/parallel.h"
#include "saithe/core/types.h"
#include "saithe/embed/partition_points.h"
#include "saithe/kernels/cpu/gemm.h"
#include "saithe/kernels/cpu/simd.h"

namespace saithe {
namespace {

// Up to here every pair is compared: about a second for 128 dimensions on two cores.
constexpr std::int64_t kExactPoints = 16000;
// Points whose neighbours are searched at once, and points that they are compared with at once.
constexpr std::size_t kQueries = 256;
constexpr std::size_t kCandidates = 1024;
// Candidates kept beyond k: float32 products order near ties wrongly, exact distances settle them.
constexpr std::size_t kSpare = 8;
// Regions of the partition that are searched around a point's own.
constexpr std::int64_t kProbes = 12;
// Rounds over the neighbours' neighbours, and the share of new ones below which no further is worth
// its time. Points of few real dimensions, as a hidden layer gives them, need one.
constexpr int kFriendRounds = 6;
constexpr double kFewNew = 0.02;

/// A neighbour on trial; smaller is nearer.
struct Candidate {
  float score = 0;
  std::int32_t index = 0;
  bool operator<(const Candidate& other) const {
    return score != other.score ? score < other.score : index < other.index;
  }
};

/// The best candidates of one point, the worst of them on top.
class BestCandidates {
 public:
  explicit BestCandidates(std::size_t capacity) : capacity_(capacity) { heap_.reserve(capacity); }
  [[nodiscard]] float worst() const {
    return heap_.size() < capacity_ ? std::numeric_limits<float>::infinity() : heap_.front().score;
  }
  void offer(const Candidate& candidate) {
    if (heap_.size() < capacity_) {
      heap_.push_back(candidate);
      std::push_heap(heap_.begin(), heap_.end());
    } else if (candidate < heap_.front()) {
      std::pop_heap(heap_.begin(), heap_.end());
      heap_.back() = candidate;
      std::push_heap(heap_.begin(), heap_.end());
    }
  }
  [[nodiscard]] const std::vector<Candidate>& all() const { return heap_; }

 private:
  std::size_t capacity_;
  std::vector<Candidate> heap_;
};

/// Exact distances of the kept candidates, the k nearest written into row `point`.
void settle(DenseView points, std::int32_t point, const std::vector<Candidate>& candidates,
            Neighbors& neighbors) {
  std::vector<std::pair<double, std::int32_t>> exact;
  for (const Candidate& candidate : candidates) {
    exact.emplace_back(
        kernels::cpu::squared_distance(points.row(point), points.row(candidate.index)),
        candidate.index);
  }
  SAITHE_ASSERT(exact.size() >= as_size(neighbors.k));
  std::partial_sort(exact.begin(), exact.begin() + neighbors.k, exact.end());
  for (int i = 0; i < neighbors.k; ++i) {
    const auto at = as_size(static_cast<std::int64_t>(point) * neighbors.k + i);
    neighbors.indices[at] = exact[as_size(i)].second;
    neighbors.distances[at] = static_cast<float>(std::sqrt(exact[as_size(i)].first));
  }
}

/// Rows chosen from points, measured from an origin, with their squared norms.
struct ShiftedRows {
  DenseMatrix values;
  std::vector<float> norms;

  ShiftedRows(DenseView points, std::span<const std::int32_t> rows, std::span<const float> origin)
      : values(static_cast<std::int64_t>(rows.size()), points.n_cols), norms(rows.size()) {
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const auto source = points.row(rows[i]);
      const auto target = values.row(static_cast<std::int64_t>(i));
      float norm = 0;
      for (std::size_t d = 0; d < source.size(); ++d) {
        target[d] = source[d] - origin[d];
        norm += target[d] * target[d];
      }
      norms[i] = norm;
    }
  }
};

/// The nearest candidates of each query by |y|^2 - 2 x.y, measured from a centre near the queries:
/// so float32 keeps the small differences of a region that lies far from 0 and from the others.
void search_block(DenseView points, std::span<const std::int32_t> queries,
                  std::span<const std::int32_t> candidates, std::span<const float> centre,
                  Neighbors& neighbors, const Context& serial) {
  const ShiftedRows x(points, queries, centre);
  std::vector<BestCandidates> best(queries.size(), BestCandidates(as_size(neighbors.k) + kSpare));
  AlignedVector<float> products(queries.size() * std::min(kCandidates, candidates.size()));
  for (std::size_t from = 0; from < candidates.size(); from += kCandidates) {
    const auto some = candidates.subspan(from, std::min(kCandidates, candidates.size() - from));
    const ShiftedRows y(points, some, centre);
    kernels::cpu::multiply_by_transposed(x.values.n_rows(), points.n_cols, y.values.n_rows(),
                                         x.values.data(), y.values.data(), products.data(), serial);
    for (std::size_t q = 0; q < queries.size(); ++q) {
      const float* row = products.data() + q * some.size();
      float worst = best[q].worst();
      for (std::size_t c = 0; c < some.size(); ++c) {
        const float score = y.norms[c] - 2.0F * row[c];
        if (score > worst || some[c] == queries[q]) continue;
        best[q].offer({score, some[c]});
        worst = best[q].worst();
      }
    }
  }
  for (std::size_t q = 0; q < queries.size(); ++q) {
    settle(points, queries[q], best[q].all(), neighbors);
  }
}

/// Neighbours among the points of the n_regions around a point.
void search_regions(DenseView points, const embed::Partition& partition, std::int64_t n_regions,
                    Neighbors& neighbors, const Context& context) {
  const Context serial(1);  // a region is one thread's work
  parallel_for(context, partition.centres.n_rows(), 1, [&](std::int64_t c, std::int64_t) {
    context.throw_if_cancelled();
    const std::span<const std::int32_t> members = partition.members[as_size(c)];
    if (members.empty()) return;
    const auto candidates =
        embed::members_near(partition, c, n_regions, 4 * (as_size(neighbors.k) + kSpare));
    for (std::size_t first = 0; first < members.size(); first += kQueries) {
      const auto queries = members.subspan(first, std::min(kQueries, members.size() - first));
      search_block(points, queries, candidates, partition.centres.row(c), neighbors, serial);
    }
  });
}

/// One round over the neighbours' neighbours, which finds those behind a border of regions.
/// Returns how many neighbours are new.
std::int64_t search_friends(DenseView points, Neighbors& neighbors, const Context& context) {
  static constexpr std::int64_t kChunkPoints = 256;
  const std::vector<std::int32_t> found = neighbors.indices;
  const auto row = [&](std::int64_t p) {
    return std::span(found).subspan(as_size(p * neighbors.k), as_size(neighbors.k));
  };
  std::vector<std::int64_t> n_new(as_size((points.n_rows + kChunkPoints - 1) / kChunkPoints));
  parallel_for(context, points.n_rows, kChunkPoints, [&](std::int64_t begin, std::int64_t end) {
    context.throw_if_cancelled();
    std::vector<std::int32_t> friends;
    std::vector<Candidate> all;
    for (std::int64_t point = begin; point < end; ++point) {
      friends.assign(row(point).begin(), row(point).end());
      for (const std::int32_t neighbor : row(point)) {
        friends.insert(friends.end(), row(neighbor).begin(), row(neighbor).end());
      }
      std::sort(friends.begin(), friends.end());
      friends.erase(std::unique(friends.begin(), friends.end()), friends.end());
      all.clear();
      for (const std::int32_t index : friends) {
        if (index != point) all.push_back({0, index});
      }
      settle(points, static_cast<std::int32_t>(point), all, neighbors);
      for (int i = 0; i < neighbors.k; ++i) {
        const auto at = as_size(point * neighbors.k + i);
        const auto old = row(point);
        const bool is_old = std::find(old.begin(), old.end(), neighbors.indices[at]) != old.end();
        n_new[as_size(begin / kChunkPoints)] += is_old ? 0 : 1;
      }
    }
  });
  return std::accumulate(n_new.begin(), n_new.end(), std::int64_t{0});
}

void require_finite(DenseView points) {
  for (std::int64_t r = 0; r < points.n_rows; ++r) {
    double norm = 0;
    for (const float x : points.row(r)) norm += static_cast<double>(x) * static_cast<double>(x);
    // A margin below the largest float, so that |y|^2 - 2 x.y stays finite as well.
    if (!(norm < 0.125 * static_cast<double>(std::numeric_limits<float>::max()))) {
      fail(ErrorKind::Numerical,
           "neighbours: point {} has values that are not finite, or too large to be squared", r);
    }
  }
}

}  // namespace

Neighbors find_neighbors(DenseView points, int k, const Context& context) {
  if (k < 1 || k >= points.n_rows) {
    fail(ErrorKind::InvalidArgument, "{} neighbours cannot be found among {} points", k,
         points.n_rows);
  }
  checked_cast<std::int32_t>(points.n_rows, "points");
  require_finite(points);
  Neighbors neighbors;
  neighbors.n_points = points.n_rows;
  neighbors.k = k;
  const auto n = as_size(checked_multiply(points.n_rows, k, "neighbours"));
  neighbors.indices.resize(n);
  neighbors.distances.resize(n);
  const embed::Partition partition = embed::partition_points(points, context);
  const bool is_exact = points.n_rows <= kExactPoints;
  search_regions(points, partition, is_exact ? points.n_rows : kProbes, neighbors, context);
  for (int round = 0; round < kFriendRounds && !is_exact; ++round) {
    const std::int64_t n_new = search_friends(points, neighbors, context);
    if (static_cast<double>(n_new) < kFewNew * static_cast<double>(n)) break;
  }
  return neighbors;
}

}  // namespace saithe
