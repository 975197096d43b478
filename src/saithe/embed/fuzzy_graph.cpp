#include "saithe/embed/fuzzy_graph.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "saithe/core/parallel.h"

namespace saithe::embed {
namespace {

constexpr std::int64_t kChunkPoints = 1024;
constexpr double kTolerance = 1e-5;
// A local scale is at least this share of the mean distance.
constexpr double kSmallestScale = 1e-3;

/// The distance to the nearest point elsewhere, and the scale of the distances beyond it.
struct LocalMetric {
  double nearest = 0;
  double scale = 1;
};

double weight_at(double distance, const LocalMetric& metric) {
  const double beyond = distance - metric.nearest;
  return beyond <= 0 || metric.scale <= 0 ? 1.0 : std::exp(-beyond / metric.scale);
}

/// Chooses the scale so that the weights add up to log2(n_neighbors).
LocalMetric local_metric(std::span<const float> distances, int n_neighbors, double mean_of_all) {
  LocalMetric metric;
  const auto nearest =
      std::find_if(distances.begin(), distances.end(), [](float d) { return d > 0; });
  if (nearest != distances.end()) metric.nearest = static_cast<double>(*nearest);
  const double target = std::log2(static_cast<double>(n_neighbors));
  double low = 0;
  double high = std::numeric_limits<double>::infinity();
  for (int i = 0; i < 64; ++i) {
    double sum = 0;
    for (const float distance : distances) sum += weight_at(static_cast<double>(distance), metric);
    if (std::abs(sum - target) < kTolerance) break;
    if (sum > target) {
      high = metric.scale;
      metric.scale = (low + high) / 2;
    } else {
      low = metric.scale;
      metric.scale = std::isinf(high) ? metric.scale * 2 : (low + high) / 2;
    }
  }
  // umap-learn's mean counts the point itself, at distance 0.
  double mean = std::accumulate(distances.begin(), distances.end(), 0.0) /
                static_cast<double>(distances.size() + 1);
  if (metric.nearest <= 0) mean = mean_of_all;
  metric.scale = std::max(metric.scale, kSmallestScale * mean);
  return metric;
}

}  // namespace

CsrMatrix fuzzy_graph(const Neighbors& neighbors, int n_neighbors, const Context& context) {
  const auto k = as_size(neighbors.k);
  const double mean_of_all =
      std::accumulate(neighbors.distances.begin(), neighbors.distances.end(), 0.0) /
      static_cast<double>(neighbors.distances.size() + as_size(neighbors.n_points));
  CsrMatrix directed;
  directed.n_rows = neighbors.n_points;
  directed.n_cols = static_cast<GeneIndex>(neighbors.n_points);
  directed.row_start.resize(as_size(neighbors.n_points) + 1);
  for (std::size_t i = 0; i < directed.row_start.size(); ++i) {
    directed.row_start[i] = static_cast<RowPointer>(i * k);
  }
  directed.columns = neighbors.indices;
  directed.values.resize(neighbors.indices.size());
  parallel_for(
      context, neighbors.n_points, kChunkPoints, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t point = begin; point < end; ++point) {
          const auto distances = std::span(neighbors.distances).subspan(as_size(point) * k, k);
          const LocalMetric metric = local_metric(distances, n_neighbors, mean_of_all);
          for (std::size_t i = 0; i < k; ++i) {
            directed.values[as_size(point) * k + i] =
                static_cast<float>(weight_at(static_cast<double>(distances[i]), metric));
          }
        }
      });
  sort_and_merge(directed, context);

  // Either direction links two points: a + b - a b.
  const CsrMatrix reversed = transpose(directed.view());
  CsrMatrix graph;
  graph.n_rows = directed.n_rows;
  graph.n_cols = directed.n_cols;
  for (CellIndex point = 0; point < directed.n_rows; ++point) {
    const auto a_columns = directed.view().row_columns(point);
    const auto a = directed.view().row_values(point);
    const auto b_columns = reversed.view().row_columns(point);
    const auto b = reversed.view().row_values(point);
    std::size_t i = 0;
    std::size_t j = 0;
    while (i < a.size() || j < b.size()) {
      const bool has_a = j == b.size() || (i < a.size() && a_columns[i] <= b_columns[j]);
      const bool has_b = i == a.size() || (j < b.size() && b_columns[j] <= a_columns[i]);
      const float weight_a = has_a ? a[i] : 0.0F;
      const float weight_b = has_b ? b[j] : 0.0F;
      graph.columns.push_back(has_a ? a_columns[i] : b_columns[j]);
      graph.values.push_back(weight_a + weight_b - weight_a * weight_b);
      if (has_a) ++i;
      if (has_b) ++j;
    }
    graph.row_start.push_back(static_cast<RowPointer>(graph.columns.size()));
  }
  return graph;
}

std::vector<std::int32_t> connected_components(const CsrView& graph, std::int32_t& n_components) {
  std::vector<std::int32_t> component(as_size(graph.n_rows), -1);
  n_components = 0;
  std::vector<CellIndex> stack;
  for (CellIndex start = 0; start < graph.n_rows; ++start) {
    if (component[as_size(start)] >= 0) continue;
    stack.push_back(start);
    component[as_size(start)] = n_components;
    while (!stack.empty()) {
      const CellIndex point = stack.back();
      stack.pop_back();
      for (const GeneIndex other : graph.row_columns(point)) {
        if (component[as_size(other)] >= 0) continue;
        component[as_size(other)] = n_components;
        stack.push_back(other);
      }
    }
    ++n_components;
  }
  return component;
}

}  // namespace saithe::embed
