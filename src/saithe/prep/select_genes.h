#pragma once

// Which genes tell cells apart: those that vary more than their mean explains.

#include <span>
#include <vector>

#include "saithe/core/context.h"
#include "saithe/matrix/row_source.h"

namespace saithe {

/// Variance of each gene (columns of `values`, all rows), standardised by what its mean makes one
/// expect. The expectation is a quadratic of log10(variance) on log10(mean) over the genes that
/// vary; standardised values are cut at sqrt(cells) before their variance is taken. 0 for a gene
/// that does not vary. For counts this is the "seurat_v3" flavour of Scanpy's
/// highly_variable_genes (Stuart et al. 2019, doi:10.1016/j.cell.2019.05.031) with a quadratic
/// where that has a local regression. With `n_measured`, each gene's statistics are over so many
/// cells; those without it store nothing.
std::vector<double> standardized_variance(const RowSelection& values, const Context& context,
                                          std::span<const std::int64_t> n_measured = {});

/// The `n` genes of largest standardised variance among those that at least `min_cells` rows
/// express, ascending by index; all of these if there are no more. Ties go to the first gene.
std::vector<GeneIndex> select_variable_genes(const RowSelection& values, int n, int min_cells,
                                             const Context& context,
                                             std::span<const std::int64_t> n_measured = {});

}  // namespace saithe
