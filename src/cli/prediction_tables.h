#pragma once

// What predict writes as tables: one row a cell, in the order of the file.

#include <functional>
#include <string>
#include <vector>

#include "kept_predictions.h"
#include "result_names.h"
#include "saithe/classify/model.h"
#include "saithe/core/text_output.h"
#include "saithe/data/cell_source.h"

namespace saithe::cli {

/// One column that is added at the right: its name and a text for each cell.
struct ExtraColumn {
  std::string name;
  std::function<std::vector<std::string>(CellIndex begin, CellIndex end)> read;
};

/// barcode, predicted, confidence (as `heads` calls them), best_label, runner_up,
/// runner_up_confidence, novelty, and the extra columns.
void put_predictions(const Model& model, const CellSource& source, const KeptPredictions& kept,
                     const TableHeads& heads, const std::vector<ExtraColumn>& extra_columns,
                     const PutText& put);

/// barcode and the probability of each type.
void put_probabilities(const Model& model, const CellSource& source, const KeptPredictions& kept,
                       const PutText& put);

}  // namespace saithe::cli
