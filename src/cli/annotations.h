#pragma once

// What saithe writes into an h5ad: the same names in every command.

#include <span>
#include <string>

#include "kept_predictions.h"
#include "result_names.h"
#include "saithe/classify/model.h"
#include "saithe/classify/predict.h"
#include "saithe/io/write_h5ad.h"

namespace saithe::cli {

/// obs names.label (a category of the types that occur) and its confidence; the colours, type
/// names, parameters and version in uns.
void add_predicted_types(Annotations& annotations, const Model& model,
                         std::span<const LabelIndex> labels, std::span<const float> confidence,
                         const ResultNames& names = {});

/// The same of what predict keeps, which must outlive the annotations; and obs LABEL_best (never
/// unassigned by novelty), _runner_up, its confidence, and _novelty.
void add_predictions(Annotations& annotations, const Model& model, const KeptPredictions& kept,
                     const ResultNames& names);

/// The names of what has been added so far, in uns: by them a later run knows what is saithe's.
void add_list_of_added(Annotations& annotations, const ResultNames& names = {});

/// With --overwrite, what an earlier run gave and this one does not (a vote, terms) goes with the
/// labels that it belonged to.
void add_names_of_earlier_run(Annotations& annotations, const ResultNames& names);

/// "unassigned" for kNoLabel.
std::string type_name(const Model& model, LabelIndex label);

}  // namespace saithe::cli
