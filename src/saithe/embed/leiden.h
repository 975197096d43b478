#pragma once

// Clusters of a weighted graph: the Leiden algorithm on modularity with a resolution.
// Traag, Waltman, van Eck 2019, doi:10.1038/s41598-019-41695-z.

#include <cstdint>
#include <span>
#include <vector>

#include "saithe/core/context.h"
#include "saithe/matrix/csr_matrix.h"

namespace saithe {

/// An undirected link; a = b is a loop.
struct WeightedEdge {
  std::int32_t a = 0;
  std::int32_t b = 0;
  float weight = 1;
};

/// The symmetric matrix (n_nodes, n_nodes) of a list of links, each given once; links of the same
/// ends are added up, a loop counts twice on the diagonal, as degrees count it.
/// Throws Error(InvalidArgument) on an end outside the nodes or a weight that is negative or not
/// finite.
CsrMatrix graph_from_edges(std::int32_t n_nodes, std::span<const WeightedEdge> edges);

/// The cluster of each node of a symmetric matrix of weights >= 0, numbered by size, the largest 0
/// (ties by first node). Every cluster is connected; a node without links is one of its own.
/// Runs until modularity() grows no more. Same seed, same clusters, for any number of threads.
/// Throws Error(InvalidArgument) unless the matrix is as said and the resolution is finite and
/// >= 0, Error(BadFormat) on arrays that do not fit each other, Error(Cancelled).
std::vector<std::int32_t> leiden(const CsrView& graph, double resolution, const Context& context);

/// sum over clusters of L / W - resolution * (K / W)^2, with W the sum of the matrix, L that of a
/// cluster's block and K that of its rows (Reichardt, Bornholdt 2006,
/// doi:10.1103/PhysRevE.74.016110); 0 for a graph without links. Throws Error(InvalidArgument)
/// unless the matrix is as leiden() wants it and the clusters are one number in [0, n_nodes) a
/// node.
double modularity(const CsrView& graph, std::span<const std::int32_t> clusters,
                  double resolution = 1);

}  // namespace saithe
