#pragma once

// Cells labelled by a model of CellTypist as CellTypist labels them (celltypist/classifier.py,
// celltypist/models.py; version 1.7.1); docs/methods.md has the formulas.
//
// z-scores are cut at 10, and genes that the query lacks are left out. The label is the type of the
// largest decision ("best match"). The probabilities of a cell are independent of each other and do
// not add up to 1. All in double, and sparse: what a cell without any count has, plus what each
// expressed gene changes. That is exact, for any sign of the mean.

#include <span>
#include <string>
#include <vector>

#include "saithe/classify/celltypist_model.h"
#include "saithe/core/context.h"
#include "saithe/matrix/csr_matrix.h"
#include "saithe/matrix/dense_matrix.h"

namespace saithe {

/// For each gene of a query the gene of the model that has its name, or -1. Of names that stand
/// more than once in the query only the first counts; the others become "NAME-1", "NAME-2", ... as
/// AnnData's var_names_make_unique() makes them.
std::vector<GeneIndex> match_celltypist_genes(const CellTypistModel& model,
                                              const std::vector<std::string>& query_genes);

/// Decisions (n_cells, n_types), row by row. `log_expression` is ln(1 + counts per 10 000 over all
/// genes of the query) of cells x query genes, and model_gene what match_celltypist_genes() gave.
/// Throws Error(Incompatible) when no gene matches, Error(InvalidArgument) when the match does not
/// belong to the two, Error(Numerical) when a decision is not finite.
std::vector<double> celltypist_decisions(const CellTypistModel& model,
                                         const CsrView& log_expression,
                                         std::span<const GeneIndex> model_gene,
                                         const Context& context);

/// The type with the largest decision of each cell; ties go to the first.
std::vector<LabelIndex> celltypist_labels(std::span<const double> decisions, LabelIndex n_types);

/// Probabilities (n_cells, n_types), each type against the rest.
DenseMatrix celltypist_probabilities(std::span<const double> decisions, LabelIndex n_types);

}  // namespace saithe
