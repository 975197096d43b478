#pragma once

// The three steps of the Leiden algorithm: moving nodes, refining communities, aggregating them.
// Private to embed/. Traag, Waltman, van Eck 2019, doi:10.1038/s41598-019-41695-z, algorithm A.2.

#include <cstdint>
#include <span>
#include <vector>

#include "saithe/core/context.h"
#include "saithe/core/random.h"
#include "saithe/matrix/csr_matrix.h"

namespace saithe::embed {

/// A weighted undirected graph whose nodes are cells, or sets of cells after aggregation.
///
/// Loops are left out of the links, for they go wherever their node goes; `strength` has them.
struct CommunityGraph {
  std::vector<RowPointer> row_start = {0};
  std::vector<std::int32_t> others;  ///< the other end of each link
  std::vector<double> weights;       ///< of each link, above 0
  std::vector<double> strength;      ///< of each node: the sum of its row, loops included

  [[nodiscard]] std::size_t n_nodes() const { return strength.size(); }
};

/// What is maximised, for links between a node and a community: weight - penalty * K_v * K_C, the
/// gain in modularity times half the total strength.
struct Objective {
  double resolution = 1;
  double penalty = 0;  ///< resolution / the sum of all strengths
  double theta = 0;    ///< how far a merge may be from the best, in units of weight

  /// A gain below this is rounding, for a node of that strength.
  [[nodiscard]] double rounding(double strength) const {
    return 1e-11 * (1 + resolution) * strength;
  }
};

/// The graph of a symmetric matrix; links of weight 0 are none.
CommunityGraph community_graph(const CsrView& matrix);

/// Modularity with a resolution, and merges as near the best as the paper's theta of 0.01 allows,
/// in units of the mean weight of a link.
Objective modularity_objective(const CommunityGraph& graph, double resolution);

/// Moves nodes, beginning in a random order, to the neighbouring or an empty community of largest
/// gain, until no node whose neighbours moved gains by a move. `community` holds ids below
/// n_nodes. Returns the number of moves. Throws Error(Cancelled).
std::int64_t move_nodes(const CommunityGraph& graph, const Objective& objective,
                        std::span<std::int32_t> community, const Random& order,
                        const Context& context);

/// Splits each community into well-connected parts: beginning with single nodes, a node that is
/// alone joins a part with a probability that grows with the gain. Returns the part of each node,
/// numbered from 0 by first appearance.
std::vector<std::int32_t> refine_communities(const CommunityGraph& graph,
                                             const Objective& objective,
                                             std::span<const std::int32_t> community,
                                             const Random& order, const Random& merges);

/// The graph whose nodes are the parts; n_parts of them.
CommunityGraph aggregate(const CommunityGraph& graph, std::span<const std::int32_t> part,
                         std::int32_t n_parts);

/// Renumbers ids below their count from 0 by first appearance; returns how many there are.
std::int32_t renumber(std::span<std::int32_t> ids);

}  // namespace saithe::embed
