#pragma once

// What predict, evaluate and embed say of the cells that a model was given.

#include "saithe/classify/predict.h"
#include "session.h"

namespace saithe::cli {

/// How many genes of the model were found, and what the values were taken for.
void say_match(const Model& model, const Predictions& predictions, Session& session);

/// How many cells predict leaves without a type.
void say_unassigned(CellIndex n_unassigned, CellIndex n_cells, Session& session);

}  // namespace saithe::cli
