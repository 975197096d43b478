#pragma once

// Which cells of a reference train and which are held out.

#include <string>
#include <vector>

#include "saithe/classify/train.h"

namespace saithe {

/// The donor of each cell. Throws Error(BadFormat) if there is no such column.
std::vector<std::string> donors_of(const TrainingData& data, const TrainOptions& options);

/// As the options say; all cells train unless one share is held out. Warns of types that the
/// donors held out leave without a training cell. Throws as prep/split.h.
Split split_cells(const TrainingData& data, const TrainOptions& options, const Context& context);

}  // namespace saithe
