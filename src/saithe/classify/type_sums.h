#pragma once

// Sums of features over the cells of each type in which they were measured.

#include <span>
#include <vector>

#include "saithe/core/context.h"
#include "saithe/data/label_set.h"
#include "saithe/matrix/row_source.h"
#include "saithe/prep/input_cells.h"

namespace saithe {

/// Sums over the cells of one type; one entry for each input.
struct TypeSums {
  std::vector<double> n_cells;  ///< in which it was measured
  std::vector<double> values;
};

/// Sums over cells.
struct FeatureSumsOfTypes {
  std::vector<TypeSums> types;
  std::vector<double> squares;  ///< (inputs): over all types

  /// The variance of each input within types; 0 where no cell has it.
  [[nodiscard]] std::vector<double> variance_within_types() const;
};

/// Reads the rows of `features` (cells, inputs) that the groups name, block by block; labels[i] is
/// of row i.
FeatureSumsOfTypes sum_features(const RowSource& features, std::span<const CellsWithInputs> groups,
                                std::span<const LabelIndex> labels, LabelIndex n_types,
                                const Context& context);

}  // namespace saithe
