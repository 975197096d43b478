#pragma once

// Which share of a cell's counts lies on each gene, also where no file has all genes.

#include <span>
#include <vector>

#include "saithe/data/measured_genes.h"
#include "saithe/matrix/row_source.h"
#include "saithe/prep/expression_kind.h"

namespace saithe {

/// What log1p(CP10k) of a whole cell is taken of adds up to this, within that share of it.
inline constexpr double kCp10k = 10000;
inline constexpr double kSumTolerance = 0.005;

/// Share of a cell's counts that lies on each gene. Of counts the shares add up to 1. Of
/// logarithms, which are ln(1 + counts of 10 000), they add up to the share of these 10 000 that
/// the cells have: 1 (within 0.5 % it is), or less where genes were taken away after the logarithm.
/// All 0 without values.
///
/// Where cells lack genes, the shares p are those of greatest likelihood for counts that are
/// multinomial over the genes of their source S, with probabilities p / p(S): the fixed point of
/// p_g = counts of g / sum over the sources with g of (counts of the source / p(S)), which is an
/// MM algorithm and converges (Hunter 2004, doi:10.1214/aos/1079120141).
/// `measured` has one entry for each row of the selection.
std::vector<double> count_shares(const RowSelection& values, ExpressionKind kind,
                                 const MeasuredGenes& measured, const Context& context);

/// The sum of the shares over the genes of each source; 1 where all is complete.
std::vector<double> source_shares(std::span<const double> count_share,
                                  const MeasuredGenes& measured);

}  // namespace saithe
