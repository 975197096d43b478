#pragma once

// How a training shares out the memory that it may take. Private to classify/.

#include <cstdint>
#include <string>

#include "saithe/classify/train.h"
#include "saithe/core/context.h"
#include "saithe/core/types.h"

namespace saithe {

/// Of the memory for values: half is the reference's, an eighth the inputs' of each of two models,
/// a quarter what is made of them (the linear member's features, or those of a network that never
/// change).
inline constexpr std::int64_t kReferenceShare = 2;
inline constexpr std::int64_t kInputsShare = 8;

/// The same run with what max_memory leaves for values when labels, scores, places and, if it is
/// kept, the last hidden layer of so many cells are taken from it. Results do not depend on it.
/// Throws Error(InvalidArgument), beginning with `name`, if the cells alone take more.
Context context_for_values(const Context& context, const std::string& name, CellIndex n_cells,
                           LabelIndex n_types, const TrainOptions& options);

}  // namespace saithe
