#pragma once

// Counts -> log-expression: normalise to a total, then the natural logarithm of 1 + x.
// Follows Scanpy's normalize_total and log1p.

#include <span>
#include <vector>

#include "saithe/core/context.h"
#include "saithe/matrix/csr_matrix.h"
#include "saithe/matrix/row_source.h"

namespace saithe {

/// The sum of each cell's counts, in double.
std::vector<double> total_counts(const CsrView& counts, const Context& context);

/// Scales each cell to `target_sum` counts, in place. A cell without counts stays empty.
void normalize_total(CsrMatrix& counts, double target_sum, const Context& context);
/// The same with a target for each cell.
void normalize_total(CsrMatrix& counts, std::span<const double> targets, const Context& context);

/// ln(1 + x) of every stored value, in place; zeros stay zeros.
void log1p_in_place(CsrMatrix& values, const Context& context);

/// Mean and standard deviation of each gene over all cells, zeros included; over `n_measured` cells
/// of each gene, if given (those without it store nothing).
struct GeneStatistics {
  std::vector<double> mean;
  std::vector<double> sd;  ///< ddof 1; 0 with fewer than two cells
};
GeneStatistics gene_statistics(const RowSelection& values, const Context& context,
                               std::span<const std::int64_t> n_measured = {});

}  // namespace saithe
