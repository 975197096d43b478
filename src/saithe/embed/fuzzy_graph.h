#pragma once

// The weighted graph that UMAP lays out: how surely is each pair of points linked? Private to
// embed/. McInnes et al. 2018, sections 3 and 4; details as umap-learn 0.5.

#include "saithe/core/context.h"
#include "saithe/embed/neighbors.h"
#include "saithe/matrix/csr_matrix.h"

namespace saithe::embed {

/// A symmetric matrix of weights in (0, 1] from neighbours, the points themselves excluded.
/// n_neighbors counts the point itself, as umap-learn does.
CsrMatrix fuzzy_graph(const Neighbors& neighbors, int n_neighbors, const Context& context);

/// The component of each point in the graph, numbered by first appearance.
std::vector<std::int32_t> connected_components(const CsrView& graph, std::int32_t& n_components);

}  // namespace saithe::embed
