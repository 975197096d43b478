#include "saithe/embed/neighbors.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "saithe/core/parallel.h"
#include "saithe/core/random.h"
#include "saithe/core/types.h"
#include "saithe/kernels/cpu/gemm.h"

namespace saithe {
namespace {

// Up to here every pair is compared: about a second for 128 dimensions on two cores.
constexpr std::int64_t kExactPoints = 16000;
// Points whose neighbours are searched at once, and points that they are compared with at once.
constexpr std::int64_t kQueries = 64;
constexpr std::int64_t kCandidates = 4096;
// Candidates kept beyond k: float32 products order near ties wrongly, exact distances settle them.
constexpr int kSpare = 8;
// Cells of the partition that are searched around a point's own.
constexpr std::int64_t kProbes = 12;

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

float squared_norm(std::span<const float> point) {
  double sum = 0;
  for (const float x : point) sum += static_cast<double>(x) * static_cast<double>(x);
  return static_cast<float>(sum);
}

double squared_distance(std::span<const float> a, std::span<const float> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double d = static_cast<double>(a[i]) - static_cast<double>(b[i]);
    sum += d * d;
  }
  return sum;
}

/// Row-major rows chosen from points, contiguous for the product kernel.
DenseMatrix gather(DenseView points, std::span<const std::int32_t> rows) {
  DenseMatrix chosen(static_cast<std::int64_t>(rows.size()), points.n_cols);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    std::ranges::copy(points.row(rows[i]), chosen.row(static_cast<std::int64_t>(i)).begin());
  }
  return chosen;
}

/// Searches queries among candidates by |y|^2 - 2 x.y and offers what is near enough.
class BlockSearch {
 public:
  BlockSearch(DenseView points, std::span<const float> norms, int n_kept)
      : points_(points), norms_(norms), n_kept_(as_size(n_kept)), serial_(1) {}

  /// `candidate_values` holds the rows of `candidates`.
  void search(std::span<const std::int32_t> queries, std::span<const std::int32_t> candidates,
              const float* candidate_values, std::vector<BestCandidates>& best) const {
    const auto n_queries = static_cast<std::int64_t>(queries.size());
    const auto n_candidates = static_cast<std::int64_t>(candidates.size());
    const DenseMatrix query_values = gather(points_, queries);
    AlignedVector<float> products(as_size(n_queries * n_candidates));
    kernels::cpu::multiply_by_transposed(n_queries, points_.n_cols, n_candidates,
                                         query_values.data(), candidate_values, products.data(),
                                         serial_);
    for (std::int64_t q = 0; q < n_queries; ++q) {
      BestCandidates& mine = best[as_size(q)];
      const float* row = products.data() + q * n_candidates;
      float worst = mine.worst();
      for (std::int64_t c = 0; c < n_candidates; ++c) {
        const std::int32_t index = candidates[as_size(c)];
        const float score = norms_[as_size(index)] - 2.0F * row[c];
        if (score > worst || index == queries[as_size(q)]) continue;
        mine.offer({score, index});
        worst = mine.worst();
      }
    }
  }
  [[nodiscard]] std::vector<BestCandidates> empty(std::size_t n) const {
    return std::vector<BestCandidates>(n, BestCandidates(n_kept_));
  }

 private:
  DenseView points_;
  std::span<const float> norms_;
  std::size_t n_kept_;
  Context serial_;  // a block is one thread's work
};

/// Exact distances of the kept candidates, the k nearest written into row `point`.
void settle(DenseView points, std::int32_t point, const std::vector<Candidate>& candidates,
            Neighbors& neighbors) {
  std::vector<std::pair<double, std::int32_t>> exact;
  for (const Candidate& candidate : candidates) {
    exact.emplace_back(squared_distance(points.row(point), points.row(candidate.index)),
                       candidate.index);
  }
  std::sort(exact.begin(), exact.end());
  for (int i = 0; i < neighbors.k; ++i) {
    const auto at = as_size(static_cast<std::int64_t>(point) * neighbors.k + i);
    neighbors.indices[at] = exact[as_size(i)].second;
    neighbors.distances[at] = static_cast<float>(std::sqrt(exact[as_size(i)].first));
  }
}

void find_exact(DenseView points, std::span<const float> norms, Neighbors& neighbors,
                const Context& context) {
  std::vector<std::int32_t> all(as_size(points.n_rows));
  std::iota(all.begin(), all.end(), 0);
  const BlockSearch block(points, norms, neighbors.k + kSpare);
  parallel_for(context, points.n_rows, kQueries, [&](std::int64_t begin, std::int64_t end) {
    const auto queries = std::span(all).subspan(as_size(begin), as_size(end - begin));
    auto best = block.empty(queries.size());
    for (std::int64_t first = 0; first < points.n_rows; first += kCandidates) {
      const auto n = std::min(kCandidates, points.n_rows - first);
      block.search(queries, std::span(all).subspan(as_size(first), as_size(n)),
                   points.values + first * points.n_cols, best);
    }
    for (std::size_t q = 0; q < queries.size(); ++q) {
      settle(points, queries[q], best[q].all(), neighbors);
    }
  });
}

/// Points in cells around centres, found by a few rounds of k-means on a sample.
struct Partition {
  DenseMatrix centres;
  std::vector<std::vector<std::int32_t>> members;
};

std::vector<std::int32_t> nearest_centres(DenseView points, const DenseMatrix& centres,
                                          const Context& context) {
  std::vector<float> norms;
  for (std::int64_t c = 0; c < centres.n_rows(); ++c) norms.push_back(squared_norm(centres.row(c)));
  std::vector<std::int32_t> nearest(as_size(points.n_rows));
  static constexpr std::int64_t kRows = 256;
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

Partition make_partition(DenseView points, const Context& context) {
  const auto n_centres = static_cast<std::int64_t>(std::sqrt(static_cast<double>(points.n_rows)));
  std::vector<CellIndex> order(as_size(points.n_rows));
  std::iota(order.begin(), order.end(), CellIndex{0});
  Random(context.seed(), stream::kNeighbors).shuffle(std::span<CellIndex>(order));
  const auto n_sample = std::min<std::int64_t>(points.n_rows, 32 * n_centres);
  const DenseMatrix sample = select_rows(points, std::span(order).first(as_size(n_sample)));
  Partition partition;
  partition.centres = select_rows(points, std::span(order).first(as_size(n_centres)));
  for (int round = 0; round < 4; ++round) {
    const auto nearest = nearest_centres(sample.view(), partition.centres, context);
    std::vector<double> sums(as_size(n_centres * points.n_cols));
    std::vector<std::int64_t> counts(as_size(n_centres));
    for (std::int64_t r = 0; r < n_sample; ++r) {
      const auto c = as_size(nearest[as_size(r)]);
      ++counts[c];
      for (std::int64_t d = 0; d < points.n_cols; ++d) {
        sums[c * as_size(points.n_cols) + as_size(d)] += static_cast<double>(sample(r, d));
      }
    }
    for (std::int64_t c = 0; c < n_centres; ++c) {
      if (counts[as_size(c)] == 0) continue;  // an empty cell keeps its centre
      for (std::int64_t d = 0; d < points.n_cols; ++d) {
        partition.centres(c, d) = static_cast<float>(sums[as_size(c * points.n_cols + d)] /
                                                     static_cast<double>(counts[as_size(c)]));
      }
    }
  }
  partition.members.resize(as_size(n_centres));
  const auto nearest = nearest_centres(points, partition.centres, context);
  for (std::int64_t r = 0; r < points.n_rows; ++r) {
    partition.members[as_size(nearest[as_size(r)])].push_back(static_cast<std::int32_t>(r));
  }
  return partition;
}

/// The cells to search for members of cell c: the nearest by centre, at least n_needed points.
std::vector<std::int32_t> candidates_of(const Partition& partition, std::int64_t c,
                                        std::size_t n_needed) {
  std::vector<std::pair<double, std::int64_t>> order;
  for (std::int64_t other = 0; other < partition.centres.n_rows(); ++other) {
    order.emplace_back(squared_distance(partition.centres.row(c), partition.centres.row(other)),
                       other);
  }
  std::sort(order.begin(), order.end());
  std::vector<std::int32_t> candidates;
  std::int64_t n_probed = 0;
  for (const auto& [distance, other] : order) {
    if (n_probed >= kProbes && candidates.size() >= n_needed) break;
    const auto& members = partition.members[as_size(other)];
    candidates.insert(candidates.end(), members.begin(), members.end());
    if (!members.empty()) ++n_probed;
  }
  return candidates;
}

/// Neighbours within the cells around a point, then one round over the neighbours' neighbours,
/// which finds those behind a border of cells.
void find_by_partition(DenseView points, std::span<const float> norms, Neighbors& neighbors,
                       const Context& context) {
  const Partition partition = make_partition(points, context);
  const BlockSearch block(points, norms, neighbors.k + kSpare);
  parallel_for(context, partition.centres.n_rows(), 1, [&](std::int64_t c, std::int64_t) {
    const auto& members = partition.members[as_size(c)];
    if (members.empty()) return;
    const auto candidates = candidates_of(partition, c, 4 * as_size(neighbors.k + kSpare));
    for (std::size_t first = 0; first < members.size(); first += as_size(kQueries)) {
      const auto queries =
          std::span(members).subspan(first, std::min(as_size(kQueries), members.size() - first));
      auto best = block.empty(queries.size());
      for (std::size_t from = 0; from < candidates.size(); from += as_size(kCandidates)) {
        const auto some =
            std::span(candidates)
                .subspan(from, std::min(as_size(kCandidates), candidates.size() - from));
        block.search(queries, some, gather(points, some).data(), best);
      }
      for (std::size_t q = 0; q < queries.size(); ++q) {
        settle(points, queries[q], best[q].all(), neighbors);
      }
    }
  });
  const std::vector<std::int32_t> found = neighbors.indices;
  parallel_for(context, points.n_rows, kQueries, [&](std::int64_t begin, std::int64_t end) {
    std::vector<std::int32_t> candidates;
    for (std::int64_t point = begin; point < end; ++point) {
      const auto row = [&](std::int64_t p) {
        return std::span(found).subspan(as_size(p * neighbors.k), as_size(neighbors.k));
      };
      candidates.assign(row(point).begin(), row(point).end());
      for (const std::int32_t neighbor : row(point)) {
        candidates.insert(candidates.end(), row(neighbor).begin(), row(neighbor).end());
      }
      std::sort(candidates.begin(), candidates.end());
      candidates.erase(std::unique(candidates.begin(), candidates.end()), candidates.end());
      std::erase(candidates, static_cast<std::int32_t>(point));
      std::vector<Candidate> all;
      for (const std::int32_t index : candidates) all.push_back({0, index});
      settle(points, static_cast<std::int32_t>(point), all, neighbors);
    }
  });
}

}  // namespace

Neighbors find_neighbors(DenseView points, int k, const Context& context) {
  if (k < 1 || k >= points.n_rows) {
    fail(ErrorKind::InvalidArgument, "{} neighbours cannot be found among {} points", k,
         points.n_rows);
  }
  checked_cast<std::int32_t>(points.n_rows, "points");
  Neighbors neighbors;
  neighbors.n_points = points.n_rows;
  neighbors.k = k;
  const auto n = as_size(checked_multiply(points.n_rows, k, "neighbours"));
  neighbors.indices.resize(n);
  neighbors.distances.resize(n);
  std::vector<float> norms(as_size(points.n_rows));
  for (std::int64_t r = 0; r < points.n_rows; ++r) {
    norms[as_size(r)] = squared_norm(points.row(r));
    if (!std::isfinite(norms[as_size(r)])) {
      fail(ErrorKind::Numerical, "neighbours: point {} has values that are not finite", r);
    }
  }
  if (points.n_rows <= kExactPoints) {
    find_exact(points, norms, neighbors, context);
  } else {
    find_by_partition(points, norms, neighbors, context);
  }
  return neighbors;
}

}  // namespace saithe
