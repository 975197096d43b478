#pragma once

// Scores as the JSON that metrics.json holds and `saithe evaluate` prints. Numbers have as many
// digits as it takes to read them back exactly.

#include <string>

#include "saithe/classify/evaluate.h"

namespace saithe {

/// One object: n_cells, n_unknown_label, n_without_label, n_unassigned, accuracy, macro_f1,
/// median_f1, loss (null where there is none), nll, brier, ece, per_type {name: {precision, recall,
/// f1, support}} and confusion (rows true, columns predicted, in the order of per_type). Ends with
/// a newline.
std::string evaluation_json(const Evaluation& evaluation);

/// The same and "rejecting": {n_unassigned, accuracy, macro_f1, median_f1}, with the cells that a
/// model rejects counted as errors.
std::string evaluation_json(const Evaluation& evaluation, const Evaluation& rejecting);

/// {"train": ..., "validation": ...}: the content of metrics.json.
std::string metrics_json(const Evaluation& training, const Evaluation& validation);

}  // namespace saithe
