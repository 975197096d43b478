#pragma once

// What a cell is compared with when a model's choice is explained.

#include <cstdint>
#include <string>
#include <vector>

#include "saithe/core/context.h"
#include "saithe/data/cell_source.h"
#include "saithe/prep/preprocessor.h"

namespace saithe {

/// Where integration starts: an average over these cells (Erion et al. 2021,
/// doi:10.1038/s42256-021-00343-w) or the mean of the training cells. What the network sees of a
/// background is values + offset.
struct Background {
  CsrMatrix values;                ///< (backgrounds, genes of the model)
  std::vector<float> offset;       ///< per gene of the model
  std::vector<double> expression;  ///< mean ln(1 + x) per gene of the model
  std::string name;                ///< "the mean of the training cells", or the source's
};

/// The mean of the training cells, which every model has.
Background mean_background(const Preprocessor& preprocessor);

/// At most `n_cells` cells of the source (0: all), evenly spaced, those without counts left out.
/// Throws Error(Incompatible) if no gene of the model is there; Error(BadFormat) on values that are
/// no expression or if no cell has counts; Error(Cancelled).
Background cell_background(const Preprocessor& preprocessor, CellSource& source,
                           std::int64_t n_cells, const Context& context,
                           const GeneMatchOptions& genes = {});

}  // namespace saithe
