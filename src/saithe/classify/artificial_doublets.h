#pragma once

// Two cells in one droplet, made of cells of known types: what a model must have seen to tell that
// a cell is two types at once. As Scrublet (Wolock, Lopez, Klein 2019,
// doi:10.1016/j.cels.2018.11.005) makes them: the sum of the counts of two cells drawn at random.

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "saithe/core/context.h"
#include "saithe/data/label_set.h"
#include "saithe/prep/input_cells.h"

namespace saithe {

using CellPair = std::pair<CellIndex, CellIndex>;

/// One pair for every four of `cells`, at most 5 000: a cell drawn at random, and one of another
/// type. Empty if all are of one type. `draw` tells one set of pairs from another.
std::vector<CellPair> draw_doublets(std::span<const CellIndex> cells,
                                    std::span<const LabelIndex> labels, std::uint64_t draw,
                                    const Context& context);

/// The features (pairs, inputs) of the summed counts of each pair, for unscaled features: ln(1 +
/// the mean of both normalised values, weighed by the cells' totals). Of logarithms, whose totals
/// are not known, both weigh the same.
CsrMatrix doublet_features(const InputCells& inputs, std::span<const CellPair> pairs,
                           const Context& context);

}  // namespace saithe
