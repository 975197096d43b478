#pragma once

// What predict, evaluate, explain and embed say of the cells that a model was given.

#include "saithe/classify/predict.h"
#include "session.h"

namespace saithe::cli {

/// How many genes of the model were found; `what` begins the lines.
void say_genes(const Model& model, const Predictions& predictions, const std::string& what,
               Session& session);
/// The same of a query, and what the values were taken for; warns as warn_of_words_as_types().
void say_match(const Model& model, const Predictions& predictions, Session& session);

/// Warns of types called by a word that stands in the place of a type. saithe learns no such types;
/// CellTypist does.
void warn_of_words_as_types(const Model& model, Session& session);

/// Throws Error(InvalidArgument) if the command line asks for a rejection that the model cannot
/// make.
void require_rejection(const OptionFlags& flags, const Model& model);

/// How many they are; warns where far more are rejected than such a rate would reject of cells like
/// the reference's, and of which types most are.
void say_unassigned(const UnassignedCells& cells, const LabelSet& types, double false_reject_rate,
                    Session& session);

/// Warns where many of a query's cells have far fewer counts than the reference's.
void warn_of_shallow_cells(const Model& model, CellIndex n_shallow, CellIndex n_cells,
                           Session& session);

}  // namespace saithe::cli
