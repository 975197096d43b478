#include "saithe/embed/leiden.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "saithe/core/random.h"
#include "saithe/embed/leiden_steps.h"

namespace saithe {
namespace {

// Modularity is known to about this; a smaller step is none.
constexpr double kSmallestStep = 1e-10;

void require_resolution(double resolution) {
  if (!(resolution >= 0) || !std::isfinite(resolution)) {
    fail(ErrorKind::InvalidArgument, "clusters: the resolution {} is not a number from 0 up",
         resolution);
  }
}

void require_weight(float weight, std::int64_t a, std::int64_t b) {
  if (!(weight >= 0) || !std::isfinite(weight)) {
    fail(ErrorKind::InvalidArgument,
         "clusters: the link of nodes {} and {} has the weight {}; weights are finite and not "
         "negative",
         a, b, weight);
  }
}

/// In ascending rows, every row j is met in the order of its own columns if the matrix is
/// symmetric: one pass and a position in each row tell.
void require_symmetric_weights(const CsrView& graph) {
  if (graph.n_rows != graph.n_cols) {
    fail(ErrorKind::InvalidArgument, "clusters: the graph is a matrix of {} x {}, not square",
         graph.n_rows, graph.n_cols);
  }
  if (graph.n_rows == 0) return;
  validate(graph, "clusters: the graph");
  std::vector<std::size_t> position(as_size(graph.n_rows));
  for (CellIndex a = 0; a < graph.n_rows; ++a) {
    const auto columns = graph.row_columns(a);
    const auto values = graph.row_values(a);
    for (std::size_t i = 0; i < columns.size(); ++i) {
      const GeneIndex b = columns[i];
      require_weight(values[i], a, b);
      const std::size_t at = position[as_size(b)]++;
      if (at >= graph.row_size(b) || graph.row_columns(b)[at] != a ||
          graph.row_values(b)[at] != values[i]) {
        fail(ErrorKind::InvalidArgument,
             "clusters: the graph is not symmetric: row {}, column {} has no equal counterpart; "
             "give every link in both rows",
             a, b);
      }
    }
  }
}

double modularity_of(const CsrView& graph, std::span<const std::int32_t> clusters,
                     double resolution) {
  std::vector<double> inside(as_size(graph.n_rows));
  std::vector<double> strength(as_size(graph.n_rows));
  double total = 0;
  for (CellIndex a = 0; a < graph.n_rows; ++a) {
    const auto columns = graph.row_columns(a);
    const auto values = graph.row_values(a);
    const auto own = as_size(clusters[as_size(a)]);
    for (std::size_t i = 0; i < columns.size(); ++i) {
      const auto weight = static_cast<double>(values[i]);
      strength[own] += weight;
      total += weight;
      if (as_size(clusters[as_size(columns[i])]) == own) inside[own] += weight;
    }
  }
  if (total <= 0) return 0;
  double sum = 0;
  for (std::size_t cluster = 0; cluster < inside.size(); ++cluster) {
    const double share = strength[cluster] / total;
    sum += inside[cluster] / total - resolution * share * share;
  }
  return sum;
}

/// One run of the algorithm from given clusters to better ones, down to single nodes and up again.
class LeidenPass {
 public:
  LeidenPass(const CsrView& graph, double resolution, const Context& context)
      : cells_(embed::community_graph(graph)),
        objective_(embed::modularity_objective(cells_, resolution)),
        context_(context) {}

  /// `clusters` are numbered from 0 without gaps.
  void improve(std::vector<std::int32_t>& clusters) {
    std::vector<std::int32_t> node_of_cell(clusters.size());
    std::iota(node_of_cell.begin(), node_of_cell.end(), 0);
    std::vector<std::int32_t> community = clusters;
    embed::CommunityGraph coarse;
    const embed::CommunityGraph* graph = &cells_;
    for (bool has_merged = true;;) {
      embed::move_nodes(*graph, objective_, community, draws(0), context_);
      const auto n_nodes = static_cast<std::int32_t>(graph->n_nodes());
      if (embed::renumber(community) == n_nodes) break;
      const auto part =
          embed::refine_communities(*graph, objective_, community, draws(1), draws(2));
      const std::int32_t n_parts = 1 + *std::max_element(part.begin(), part.end());
      // Chance can leave every node alone; twice in a row, it is not chance.
      if (n_parts == n_nodes && !has_merged) break;
      has_merged = n_parts < n_nodes;
      coarse = embed::aggregate(*graph, part, n_parts);
      graph = &coarse;
      std::vector<std::int32_t> community_of_part(as_size(n_parts));
      for (std::size_t node = 0; node < part.size(); ++node) {
        community_of_part[as_size(part[node])] = community[node];
      }
      community = std::move(community_of_part);
      for (std::int32_t& node : node_of_cell) node = part[as_size(node)];
      ++pass_;
    }
    ++pass_;
    for (std::size_t cell = 0; cell < clusters.size(); ++cell) {
      clusters[cell] = community[as_size(node_of_cell[cell])];
    }
  }

 private:
  /// The numbers of this pass; `purpose` is below 3.
  [[nodiscard]] Random draws(std::uint64_t purpose) const {
    return {context_.seed(), stream::kLeiden + 3 * pass_ + purpose};
  }

  embed::CommunityGraph cells_;
  embed::Objective objective_;
  const Context& context_;
  std::uint64_t pass_ = 0;
};

void number_by_size(std::vector<std::int32_t>& clusters) {
  const std::int32_t n_clusters = embed::renumber(clusters);
  std::vector<std::int64_t> size(as_size(n_clusters));
  for (const std::int32_t cluster : clusters) ++size[as_size(cluster)];
  std::vector<std::int32_t> order(as_size(n_clusters));
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](std::int32_t a, std::int32_t b) {
    return size[as_size(a)] > size[as_size(b)];
  });
  std::vector<std::int32_t> rank(as_size(n_clusters));
  for (std::size_t i = 0; i < order.size(); ++i) {
    rank[as_size(order[i])] = static_cast<std::int32_t>(i);
  }
  for (std::int32_t& cluster : clusters) cluster = rank[as_size(cluster)];
}

}  // namespace

CsrMatrix graph_from_edges(std::int32_t n_nodes, std::span<const WeightedEdge> edges) {
  CsrMatrix graph;
  graph.n_rows = n_nodes;
  graph.n_cols = n_nodes;
  graph.row_start.assign(as_size(n_nodes) + 1, 0);
  for (const auto& [a, b, weight] : edges) {
    if (a < 0 || a >= n_nodes || b < 0 || b >= n_nodes) {
      fail(ErrorKind::InvalidArgument,
           "clusters: a link joins nodes {} and {}; nodes are numbered from 0 to {}", a, b,
           n_nodes - 1);
    }
    require_weight(weight, a, b);
    ++graph.row_start[as_size(a) + 1];
    ++graph.row_start[as_size(b) + 1];
  }
  std::partial_sum(graph.row_start.begin(), graph.row_start.end(), graph.row_start.begin());
  graph.columns.resize(2 * edges.size());
  graph.values.resize(2 * edges.size());
  std::vector<RowPointer> next(graph.row_start.begin(), graph.row_start.end() - 1);
  for (const auto& [a, b, weight] : edges) {
    for (const auto& [from, to] : {std::pair(a, b), std::pair(b, a)}) {
      const auto at = as_size(next[as_size(from)]++);
      graph.columns[at] = to;
      graph.values[at] = weight;
    }
  }
  sort_and_merge(graph);
  return graph;
}

std::vector<std::int32_t> leiden(const CsrView& graph, double resolution, const Context& context) {
  require_resolution(resolution);
  require_symmetric_weights(graph);
  std::vector<std::int32_t> clusters(as_size(graph.n_rows));
  std::iota(clusters.begin(), clusters.end(), 0);
  LeidenPass pass(graph, resolution, context);
  double reached = modularity_of(graph, clusters, resolution);
  for (bool is_better = true; is_better;) {
    std::vector<std::int32_t> next = clusters;
    pass.improve(next);
    const double now = modularity_of(graph, next, resolution);
    is_better = now > reached + kSmallestStep;
    if (is_better) {
      clusters = std::move(next);
      reached = now;
    }
  }
  number_by_size(clusters);
  return clusters;
}

double modularity(const CsrView& graph, std::span<const std::int32_t> clusters, double resolution) {
  require_resolution(resolution);
  require_symmetric_weights(graph);
  if (clusters.size() != as_size(graph.n_rows)) {
    fail(ErrorKind::InvalidArgument, "clusters: {} nodes have {} clusters", graph.n_rows,
         clusters.size());
  }
  for (const std::int32_t cluster : clusters) {
    if (cluster < 0 || cluster >= graph.n_rows) {
      fail(ErrorKind::InvalidArgument, "clusters: the cluster {} is not between 0 and {}", cluster,
           graph.n_rows - 1);
    }
  }
  return modularity_of(graph, clusters, resolution);
}

}  // namespace saithe
