// Clusters and modularity against leidenalg's and igraph's (leiden/expected.json, written by
// leiden/generate.py).

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>

#include "saithe/core/text_io.h"
#include "saithe/embed/leiden.h"

namespace saithe {
namespace {

// Sums of float32 weights against sums of their decimals.
constexpr double kRounding = 1e-6;
// Less than two of leidenalg's own seeds differ where there is much to choose.
constexpr double kWorse = 0.005;
constexpr std::uint64_t kSeeds = 5;

struct Graph {
  std::string name;
  CsrMatrix matrix;
  nlohmann::json expected;
};

CsrMatrix matrix_of(const nlohmann::json& graph) {
  std::vector<WeightedEdge> edges;
  for (const auto& link : graph.at("links")) {
    const float weight = link.size() > 2 ? link[2].get<float>() : 1.0F;
    edges.push_back({link[0].get<std::int32_t>(), link[1].get<std::int32_t>(), weight});
  }
  return graph_from_edges(graph.at("n_nodes").get<std::int32_t>(), edges);
}

nlohmann::json expected_file() {
  return nlohmann::json::parse(read_file(SAITHE_TEST_FILES "/leiden/expected.json", 1 << 20));
}

std::vector<Graph> graphs() {
  std::vector<Graph> all;
  const nlohmann::json file = expected_file();
  for (const auto& [name, graph] : file.at("graphs").items()) {
    all.push_back({name, matrix_of(graph), graph});
  }
  return all;
}

double mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double pairs(double n) {
  return n * (n - 1) / 2;
}

/// The adjusted Rand index (Hubert, Arabie 1985, doi:10.1007/BF01908075).
double adjusted_rand(const std::vector<std::int32_t>& a, const std::vector<std::int32_t>& b) {
  const auto n_a = as_size(*std::max_element(a.begin(), a.end()) + 1);
  const auto n_b = as_size(*std::max_element(b.begin(), b.end()) + 1);
  std::vector<double> both(n_a * n_b);
  std::vector<double> of_a(n_a);
  std::vector<double> of_b(n_b);
  for (std::size_t i = 0; i < a.size(); ++i) {
    ++both[as_size(a[i]) * n_b + as_size(b[i])];
    ++of_a[as_size(a[i])];
    ++of_b[as_size(b[i])];
  }
  const auto sum = [](const std::vector<double>& sizes) {
    return std::accumulate(sizes.begin(), sizes.end(), 0.0,
                           [](double total, double n) { return total + pairs(n); });
  };
  const double by_chance = sum(of_a) * sum(of_b) / pairs(static_cast<double>(a.size()));
  return (sum(both) - by_chance) / ((sum(of_a) + sum(of_b)) / 2 - by_chance);
}

TEST(LeidenParity, SameModularityOfTheSameClusters) {
  for (const Graph& graph : graphs()) {
    for (const auto& run : graph.expected.at("runs")) {
      const auto clusters = run.at("membership").get<std::vector<std::int32_t>>();
      EXPECT_NEAR(modularity(graph.matrix.view(), clusters, run.at("resolution").get<double>()),
                  run.at("modularity")[0].get<double>(), kRounding)
          << graph.name;
    }
  }
}

TEST(LeidenParity, SameModularityWithLoops) {
  const auto expected = expected_file().at("loops");
  const CsrMatrix graph = matrix_of(expected);
  for (const auto& run : expected.at("runs")) {
    EXPECT_NEAR(modularity(graph.view(), run.at("membership").get<std::vector<std::int32_t>>(),
                           run.at("resolution").get<double>()),
                run.at("modularity")[0].get<double>(), kRounding);
  }
}

TEST(LeidenParity, ClustersAreAsGood) {
  for (const Graph& graph : graphs()) {
    for (const auto& run : graph.expected.at("runs")) {
      const auto resolution = run.at("resolution").get<double>();
      std::vector<double> reached;
      for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
        const auto clusters = leiden(graph.matrix.view(), resolution, Context(1, seed));
        reached.push_back(modularity(graph.matrix.view(), clusters, resolution));
      }
      const double theirs = mean(run.at("modularity").get<std::vector<double>>());
      EXPECT_GE(mean(reached), theirs - kWorse) << graph.name << ", resolution " << resolution;
    }
  }
}

TEST(LeidenParity, FindsPlantedGroups) {
  const auto expected = expected_file().at("graphs").at("planted");
  const CsrMatrix graph = matrix_of(expected);
  const auto groups = expected.at("groups").get<std::vector<std::int32_t>>();
  for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
    EXPECT_GE(adjusted_rand(leiden(graph.view(), 1, Context(1, seed)), groups), 0.95) << seed;
  }
}

TEST(LeidenParity, KarateClubHasItsBestKnownModularity) {
  // 0.4198 is the largest there is (Brandes et al. 2008, doi:10.1109/TKDE.2007.190689).
  const CsrMatrix graph = matrix_of(expected_file().at("graphs").at("karate"));
  for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
    const auto clusters = leiden(graph.view(), 1, Context(1, seed));
    EXPECT_NEAR(modularity(graph.view(), clusters), 0.41979, 1e-5) << seed;
  }
}

}  // namespace
}  // namespace saithe
