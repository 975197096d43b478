#pragma once

// Counts of which none is above 1 say which genes a cell expresses, not how much.

#include <memory>

#include "saithe/data/cell_source.h"

namespace saithe {

/// The same cells. When the last of them is read, cells having been read in order, a warning says
/// so if no value is anything but 0 or 1, and ones are too many for chance: once, however often
/// cells are read. Of a source of booleans its reader says it.
std::unique_ptr<CellSource> warn_of_binary_counts(std::unique_ptr<CellSource> cells);

}  // namespace saithe
