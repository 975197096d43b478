// The steps of Leiden one by one, on graphs small enough to see through.

#include "saithe/embed/leiden_steps.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "saithe/embed/leiden.h"

namespace saithe::embed {
namespace {

CommunityGraph graph_of(std::int32_t n_nodes, const std::vector<WeightedEdge>& edges) {
  return community_graph(graph_from_edges(n_nodes, edges).view());
}

TEST(CommunityGraph, KeepsLoopsInTheStrengthOnly) {
  const CommunityGraph graph = graph_of(3, {{0, 1, 2}, {1, 1, 3}, {1, 2, 0}});
  EXPECT_EQ(graph.row_start, (std::vector<RowPointer>{0, 1, 2, 2}));
  EXPECT_EQ(graph.others, (std::vector<std::int32_t>{1, 0}));
  EXPECT_EQ(graph.weights, (std::vector<double>{2, 2}));
  EXPECT_EQ(graph.strength, (std::vector<double>{2, 8, 0}));
}

TEST(Objective, IsInUnitsOfTheMeanLink) {
  const Objective objective = modularity_objective(graph_of(3, {{0, 1, 2}, {1, 2, 4}}), 3);
  EXPECT_DOUBLE_EQ(objective.penalty, 3.0 / 12);
  EXPECT_DOUBLE_EQ(objective.theta, 0.01 * 3);
  EXPECT_EQ(modularity_objective(graph_of(3, {}), 3).penalty, 0);
}

TEST(MoveNodes, FindsTrianglesFromAnyStart) {
  const CommunityGraph graph =
      graph_of(6, {{0, 1, 1}, {1, 2, 1}, {0, 2, 1}, {2, 3, 0.1F}, {3, 4, 1}, {4, 5, 1}, {3, 5, 1}});
  const Objective objective = modularity_objective(graph, 1);
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    for (std::vector<std::int32_t> community :
         {std::vector<std::int32_t>{0, 1, 2, 3, 4, 5}, {0, 1, 0, 1, 0, 1}, {2, 2, 2, 2, 5, 5}}) {
      EXPECT_GT(move_nodes(graph, objective, community, Random(seed, 1), Context(1)), 0);
      renumber(community);
      EXPECT_EQ(community, (std::vector<std::int32_t>{0, 0, 0, 1, 1, 1})) << seed;
      EXPECT_EQ(move_nodes(graph, objective, community, Random(seed, 2), Context(1)), 0);
    }
  }
}

TEST(MoveNodes, StaysWhereNoSingleNodeGains) {
  const CommunityGraph graph = graph_of(4, {{0, 1, 1}, {1, 2, 1}, {2, 3, 1}, {3, 0, 1}});
  std::vector<std::int32_t> community = {3, 3, 3, 3};
  EXPECT_EQ(move_nodes(graph, modularity_objective(graph, 1), community, Random(1, 1), Context(1)),
            0);
  EXPECT_EQ(community, (std::vector<std::int32_t>{3, 3, 3, 3}));
}

TEST(MoveNodes, LeavesACommunityForNone) {
  // Node 2 has only a loop: beside others it costs.
  const CommunityGraph graph = graph_of(3, {{0, 1, 1}, {2, 2, 1}});
  std::vector<std::int32_t> community = {0, 0, 0};
  EXPECT_EQ(move_nodes(graph, modularity_objective(graph, 1), community, Random(1, 1), Context(1)),
            1);
  renumber(community);
  EXPECT_EQ(community, (std::vector<std::int32_t>{0, 0, 1}));
}

TEST(RefineCommunities, StaysInsideCommunitiesAndPartsWhatIsNotLinked) {
  const CommunityGraph graph = graph_of(6, {{0, 1, 1}, {1, 2, 1}, {2, 3, 1}, {3, 4, 1}, {4, 5, 1}});
  const Objective objective = modularity_objective(graph, 0.1);
  // 2 is cut off from 0 and 1, though not from 3.
  const std::vector<std::int32_t> community = {0, 0, 1, 2, 2, 1};
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    const auto part =
        refine_communities(graph, objective, community, Random(seed, 1), Random(seed, 2));
    EXPECT_EQ(part, (std::vector<std::int32_t>{0, 0, 1, 2, 2, 3})) << seed;
  }
}

/// A seed whose order has the middle of five nodes first, and the ends before their neighbours.
std::uint64_t seed_of_middle_first() {
  for (std::uint64_t seed = 0;; ++seed) {
    std::vector<std::int32_t> order = {0, 1, 2, 3, 4};
    Random(seed, 1).shuffle(std::span<std::int32_t>(order));
    const auto turn = [&](int node) { return std::find(order.begin(), order.end(), node); };
    if (order[0] == 2 && turn(0) < turn(1) && turn(4) < turn(3)) return seed;
  }
}

TEST(RefineCommunities, MergesByChanceAsTheGainsWeigh) {
  // 0 - 1 - 2 - 3 - 4 without penalty: 2 chooses a side, then the ends close both sides.
  const CommunityGraph graph = graph_of(5, {{0, 1, 1}, {1, 2, 1}, {2, 3, 1.011F}, {3, 4, 1}});
  const Objective objective = modularity_objective(graph, 0);
  const std::vector<std::int32_t> community(5, 0);
  const Random order(seed_of_middle_first(), 1);
  constexpr int kDraws = 2000;
  int n_heavier = 0;
  for (std::uint64_t draw = 0; draw < kDraws; ++draw) {
    const auto part = refine_communities(graph, objective, community, order, Random(draw, 2));
    const bool is_heavier = part == std::vector<std::int32_t>{0, 0, 1, 1, 1};
    EXPECT_TRUE(is_heavier || part == (std::vector<std::int32_t>{0, 0, 0, 1, 1}));
    n_heavier += is_heavier ? 1 : 0;
  }
  const double difference = graph.weights[4] - graph.weights[1];  // 2 - 3 and 1 - 0
  const double expected = 1 / (1 + std::exp(-difference / objective.theta));
  EXPECT_GT(expected, 0.7);
  EXPECT_LT(expected, 0.8);
  // Four standard deviations of a share of 2 000.
  EXPECT_NEAR(static_cast<double>(n_heavier) / kDraws, expected, 0.04);
}

TEST(Aggregate, AddsUpLinksBetweenPartsAndStrengths) {
  const CommunityGraph graph = graph_of(5, {{0, 1, 1}, {1, 2, 2}, {0, 2, 4}, {3, 4, 8}, {2, 2, 5}});
  const std::vector<std::int32_t> part = {0, 0, 1, 1, 2};
  const CommunityGraph coarse = aggregate(graph, part, 3);
  EXPECT_EQ(coarse.row_start, (std::vector<RowPointer>{0, 1, 3, 4}));
  EXPECT_EQ(coarse.others, (std::vector<std::int32_t>{1, 0, 2, 1}));
  EXPECT_EQ(coarse.weights, (std::vector<double>{6, 6, 8, 8}));
  EXPECT_EQ(coarse.strength, (std::vector<double>{8, 24, 8}));
}

TEST(Renumber, GoesByFirstAppearance) {
  std::vector<std::int32_t> ids = {3, 1, 3, 0, 1};
  EXPECT_EQ(renumber(ids), 3);
  EXPECT_EQ(ids, (std::vector<std::int32_t>{0, 1, 0, 2, 1}));
}

}  // namespace
}  // namespace saithe::embed
