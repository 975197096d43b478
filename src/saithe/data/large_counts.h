#pragma once

// Counts are held as float32, which has every whole number up to 2^24 only.

#include <memory>

#include "saithe/data/cell_source.h"

namespace saithe {

/// From here on a float32 may stand for several whole numbers.
inline constexpr float kFirstRoundedCount = 16777216.0F;

/// The same cells. When a block is read that has a value from kFirstRoundedCount on, a warning
/// names its cell and gene: once, however often cells are read.
std::unique_ptr<CellSource> warn_of_large_counts(std::unique_ptr<CellSource> cells);

}  // namespace saithe
