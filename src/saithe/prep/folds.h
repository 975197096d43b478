#pragma once

// Cells dealt into folds, each of which is judged by a model that has not seen it.

#include <span>
#include <string>
#include <vector>

#include "saithe/core/context.h"
#include "saithe/core/types.h"

namespace saithe {

/// The fold (0 .. n_folds - 1) of each cell: the cells of every type in a seeded order, dealt in
/// turn, so that each fold has its share of every type; small types begin at different folds.
/// Throws Error(InvalidArgument) with fewer than two folds, or fewer cells than folds.
std::vector<int> stratified_folds(std::span<const LabelIndex> labels, LabelIndex n_types,
                                  int n_folds, const Context& context);

/// The fold of each cell, whole donors together: every donor a fold of its own up to `max_folds`
/// donors, otherwise donors in falling order of cells, each to the fold with fewest cells. Throws
/// Error(BadFormat) with fewer than two donors or a cell without a donor.
std::vector<int> donor_folds(std::span<const std::string> donors, int max_folds);

/// At most `n` of the cells, the same share of every type, in their order; a seeded draw.
/// `labels` are of all cells.
std::vector<CellIndex> draw_stratified(std::span<const CellIndex> cells,
                                       std::span<const LabelIndex> labels, std::int64_t n,
                                       const Context& context);

/// At most `n` of the cells, in their order: small types keep all theirs, of the others each is cut
/// to one number; a seeded draw.
std::vector<CellIndex> draw_evenly(std::span<const CellIndex> cells,
                                   std::span<const LabelIndex> labels, LabelIndex n_types,
                                   std::int64_t n, const Context& context);

/// 1 + the largest fold.
int count_folds(std::span<const int> folds);

/// Indices i with (folds[i] == fold) == inside.
std::vector<CellIndex> cells_of_fold(std::span<const int> folds, int fold, bool inside);

}  // namespace saithe
