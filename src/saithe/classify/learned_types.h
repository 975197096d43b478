#pragma once

// Held-out cells of a type that the model which judged them had never seen: where a type occurs in
// one donor alone, validation by whole donors can say nothing of it.

#include <span>
#include <string>
#include <vector>

#include "saithe/data/label_set.h"

namespace saithe {

/// For each of the cells `held_out` whether the model that judged it had cells of its type to learn
/// from: `training` less, with `fold_of_cell`, those of the cell's own fold. `labels` and
/// `fold_of_cell` are of all cells; without folds the latter is empty.
std::vector<bool> find_learned(std::span<const LabelIndex> labels,
                               std::span<const CellIndex> training,
                               std::span<const int> fold_of_cell,
                               std::span<const CellIndex> held_out);

/// The types of held-out cells that were not learned, with how many there are, as a warning; empty
/// if all were. `is_five_fold`: whether they were dealt into five folds, as the warning advises.
std::string describe_unlearned(const LabelSet& types, std::span<const LabelIndex> labels,
                               std::span<const CellIndex> held_out,
                               const std::vector<bool>& is_learned, bool is_five_fold);

}  // namespace saithe
