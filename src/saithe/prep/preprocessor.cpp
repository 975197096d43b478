#include "saithe/prep/preprocessor.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "saithe/core/parallel.h"
#include "saithe/prep/count_shares.h"
#include "saithe/prep/gene_sums.h"
#include "saithe/prep/log_table.h"
#include "saithe/prep/normalize.h"
#include "saithe/prep/select_genes.h"

namespace saithe {
namespace {

constexpr std::int64_t kChunkCells = 512;

/// The sum of a cell's counts, each times its gene's `share` (0 or 1). Sums of whole numbers below
/// 2^53 are exact, so that their order is free: several at a time.
double total_of_counts(std::span<const GeneIndex> genes, std::span<const float> counts,
                       std::span<const float> share) {
  std::array<double, 4> sums{};
  std::size_t i = 0;
  for (; i + sums.size() <= counts.size(); i += sums.size()) {
    for (std::size_t k = 0; k < sums.size(); ++k) {
      sums[k] += static_cast<double>(counts[i + k] * share[as_size(genes[i + k])]);
    }
  }
  for (; i < counts.size(); ++i) {
    sums[0] += static_cast<double>(counts[i] * share[as_size(genes[i])]);
  }
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

void require_options(const PreprocessorOptions& options) {
  if (options.n_variable_genes < 0) {
    fail(ErrorKind::InvalidArgument, "--variable-genes: {} is not 0 (all) or more",
         options.n_variable_genes);
  }
  if (!(options.target_sum > 0) || !std::isfinite(options.target_sum)) {
    fail(ErrorKind::InvalidArgument, "--target-sum: {} is not above 0", options.target_sum);
  }
  if (!(options.max_value >= 0)) {
    fail(ErrorKind::InvalidArgument, "--max-value: {} is not 0 (off) or more", options.max_value);
  }
}

/// The total over the genes that count of a cell whose logarithms are of all genes of its file,
/// what they are taken of being 10 000 together; 0 where it is not: of a part of the genes of a
/// larger file the total of all is not known.
double total_of_logarithms(std::span<const GeneIndex> genes, std::span<const float> logarithms,
                           const std::vector<bool>& is_counted) {
  double all = 0;
  double counted = 0;
  for (std::size_t i = 0; i < genes.size(); ++i) {
    const double value = std::expm1(static_cast<double>(logarithms[i]));
    all += value;
    if (is_counted[as_size(genes[i])]) counted += value;
  }
  return std::abs(all / kCp10k - 1) <= kSumTolerance ? counted : 0;
}

/// ln(1 + x) as if the cells with a total had been normalised to their targets by it; the others,
/// of 10 000 with genes that are not here, to `target_sum`.
void renormalize_logarithms(CsrMatrix& logarithms, std::span<const double> totals,
                            std::span<const double> targets, double target_sum,
                            const Context& context) {
  parallel_for(context, logarithms.n_rows, kChunkCells, [&](std::int64_t begin, std::int64_t end) {
    for (CellIndex cell = begin; cell < end; ++cell) {
      const double total = totals[as_size(cell)];
      const double factor = total > 0 ? targets[as_size(cell)] / total : target_sum / kCp10k;
      if (factor == 1) continue;
      const auto first = as_size(logarithms.row_start[as_size(cell)]);
      const auto last = as_size(logarithms.row_start[as_size(cell) + 1]);
      for (float& value : std::span(logarithms.values).subspan(first, last - first)) {
        value = static_cast<float>(std::log1p(std::expm1(static_cast<double>(value)) * factor));
      }
    }
  });
}

/// The columns `columns` of all rows, in that order.
CsrMatrix select_columns(const CsrView& matrix, std::span<const GeneIndex> columns,
                         const Context& context) {
  std::vector<GeneIndex> new_column(as_size(matrix.n_cols), -1);
  for (std::size_t i = 0; i < columns.size(); ++i) {
    new_column[as_size(columns[i])] = static_cast<GeneIndex>(i);
  }
  return map_columns(matrix, new_column, static_cast<GeneIndex>(columns.size()), context);
}

}  // namespace

Preprocessor::Preprocessor(PreprocessorOptions options, ExpressionKind kind, ReferenceGenes genes,
                           std::vector<double> mean, std::vector<double> sd)
    : options_(options),
      kind_(kind),
      reference_(std::move(genes)),
      mean_(std::move(mean)),
      sd_(std::move(sd)) {
  require_options(options_);
  SAITHE_ASSERT(mean_.size() == reference_.inputs.size() && sd_.size() == mean_.size());
  SAITHE_ASSERT(reference_.ids.empty() || reference_.ids.size() == reference_.names.size());
  SAITHE_ASSERT(reference_.count_share.empty() ||
                reference_.count_share.size() == reference_.names.size());
  derive();
}

Preprocessor Preprocessor::fit(const CsrView& values, std::span<const CellIndex> cells,
                               std::vector<std::string> gene_names,
                               std::vector<std::string> gene_ids,
                               const PreprocessorOptions& options, const Context& context,
                               ExpressionKind kind, const MeasuredGenes& measured) {
  return fit(MatrixRows(values), cells, std::move(gene_names), std::move(gene_ids), options,
             context, kind, measured);
}

Preprocessor Preprocessor::fit(const RowSource& values, std::span<const CellIndex> cells,
                               std::vector<std::string> gene_names,
                               std::vector<std::string> gene_ids,
                               const PreprocessorOptions& options, const Context& context,
                               ExpressionKind kind, const MeasuredGenes& measured) {
  require_options(options);
  if (kind == ExpressionKind::LogNormalized && options.target_sum != kCp10k) {
    fail(
        ErrorKind::InvalidArgument,
        "--target-sum: the values are log1p(CP10k) already, of 10 000 counts a cell; leave it out, "
        "or give the counts");
  }
  const RowSelection fitted(values, cells);
  ReferenceGenes genes;
  genes.names = std::move(gene_names);
  genes.ids = std::move(gene_ids);
  const MeasuredGenes fitted_genes = cells.empty() ? measured : select_cells(measured, cells);
  const auto n_measured = count_measured_cells(fitted_genes, {}, values.n_cols());
  genes.count_share = count_shares(fitted, kind, fitted_genes, context);
  if (options.n_variable_genes > 0) {
    genes.inputs = select_variable_genes(fitted, options.n_variable_genes, 0, context, n_measured);
  } else {
    genes.inputs = std::vector<GeneIndex>(genes.names.size());
    std::iota(genes.inputs.begin(), genes.inputs.end(), GeneIndex{0});
  }
  const auto shares = source_shares(genes.count_share, fitted_genes);
  const auto take_logarithms = [&](CellIndex first, CsrMatrix& block) {
    if (kind == ExpressionKind::Counts) {
      std::vector<double> targets;
      for (CellIndex row = 0; row < block.n_rows; ++row) {
        targets.push_back(options.target_sum * shares[fitted_genes.source_of(first + row)]);
      }
      normalize_total(block, targets, context);
      log1p_in_place(block, context);
    }
    block = select_columns(block.view(), genes.inputs, context);
  };
  std::vector<std::int64_t> n_measured_inputs;
  for (const GeneIndex gene : genes.inputs) {
    if (!n_measured.empty()) n_measured_inputs.push_back(n_measured[as_size(gene)]);
  }
  GeneStatistics statistics = gene_statistics(fitted, static_cast<GeneIndex>(genes.inputs.size()),
                                              take_logarithms, context, n_measured_inputs);
  return Preprocessor(options, kind, std::move(genes), std::move(statistics.mean),
                      std::move(statistics.sd));
}

void Preprocessor::derive() {
  for (const GeneIndex gene : reference_.inputs) {
    gene_names_.push_back(reference_.names[as_size(gene)]);
  }
  shift_.assign(mean_.size(), 0.0F);
  inverse_sd_.assign(mean_.size(), options_.scale ? 0.0F : 1.0F);
  if (!options_.scale) return;
  for (std::size_t gene = 0; gene < mean_.size(); ++gene) {
    if (sd_[gene] <= 0) continue;  // z = 0 for every cell
    shift_[gene] = static_cast<float>(mean_[gene] / sd_[gene]);
    inverse_sd_[gene] = static_cast<float>(1.0 / sd_[gene]);
  }
}

std::vector<double> Preprocessor::target_sums(const MeasuredGenes& measured) const {
  std::vector<double> targets = source_shares(reference_.count_share, measured);
  for (double& target : targets) target *= options_.target_sum;
  return targets;
}

Features Preprocessor::apply(const CsrView& values, const Context& context,
                             const MeasuredGenes& measured) const {
  Features features;
  features.shift = shift_;
  features.values = add_missing(measured_features(values, context, measured), {}, measured);
  return features;
}

CsrMatrix Preprocessor::measured_features(const CsrView& values, const Context& context,
                                          const MeasuredGenes& measured) const {
  SAITHE_ASSERT(values.n_cols == static_cast<GeneIndex>(reference_.names.size()));
  return normalized(values, match_reference(), kind_, target_sums(measured), measured, context)
      .features;
}

CsrMatrix Preprocessor::add_missing(CsrMatrix features, std::span<const CellIndex> cells,
                                    const MeasuredGenes& measured) const {
  if (measured.is_complete()) return features;
  // Of each source, the inputs that it lacks, with what stands for their mean.
  std::vector<std::vector<std::pair<GeneIndex, float>>> missing(measured.has_gene.size());
  for (std::size_t source = 0; source < missing.size(); ++source) {
    for (std::size_t i = 0; i < mean_.size(); ++i) {
      const float mean = options_.scale ? shift_[i] : static_cast<float>(mean_[i]);
      if (measured.has_gene[source][as_size(reference_.inputs[i])] || mean == 0) continue;
      missing[source].emplace_back(static_cast<GeneIndex>(i), mean);
    }
  }
  std::vector<bool> is_wanted(as_size(features.n_rows), cells.empty());
  for (const CellIndex cell : cells) is_wanted[as_size(cell)] = true;
  CsrMatrix filled;
  filled.n_rows = features.n_rows;
  filled.n_cols = features.n_cols;
  for (CellIndex cell = 0; cell < features.n_rows; ++cell) {
    const auto genes = features.view().row_columns(cell);
    const auto values = features.view().row_values(cell);
    std::size_t next = 0;
    const auto add_stored = [&](GeneIndex before) {
      for (; next < genes.size() && genes[next] < before; ++next) {
        filled.columns.push_back(genes[next]);
        filled.values.push_back(values[next]);
      }
    };
    if (is_wanted[as_size(cell)]) {
      for (const auto& [gene, mean] : missing[measured.source_of(cell)]) {
        add_stored(gene);
        filled.columns.push_back(gene);
        filled.values.push_back(mean);
      }
    }
    add_stored(features.n_cols);
    filled.row_start.push_back(static_cast<RowPointer>(filled.columns.size()));
  }
  return filled;
}

Features Preprocessor::apply(const CsrView& values, const GeneMatch& match, ExpressionKind kind,
                             const Context& context) const {
  Features features;
  features.shift = shift(match.is_present);
  Normalized cells =
      normalized(values, match, kind, std::vector<double>{options_.target_sum * match.count_share},
                 {}, context);
  features.values = std::move(cells.features);
  if (kind == ExpressionKind::Counts) {
    features.depths = std::move(cells.totals);
    for (double& depth : features.depths) depth /= match.count_share;
  }
  return features;
}

/// Each cell normalised to the target of its source, by its total over the genes that count.
/// Logarithms are features as they stand where the reference is of logarithms, too; else they are
/// brought to the reference's genes and target sum as their counts would be.
auto Preprocessor::normalized(const CsrView& values, const GeneMatch& match, ExpressionKind kind,
                              std::span<const double> targets, const MeasuredGenes& measured,
                              const Context& context) const -> Normalized {
  const bool renormalizes =
      kind == ExpressionKind::LogNormalized && kind_ == ExpressionKind::Counts;
  const std::vector<float> share(match.is_counted.begin(), match.is_counted.end());
  std::vector<double> totals(as_size(values.n_rows));
  std::vector<double> target_of_cell(totals.size());
  parallel_for(context, values.n_rows, kChunkCells, [&](std::int64_t begin, std::int64_t end) {
    for (CellIndex cell = begin; cell < end; ++cell) {
      double total = 0;
      const auto genes = values.row_columns(cell);
      const auto row = values.row_values(cell);
      if (renormalizes) {
        if (!reference_.count_share.empty()) {
          total = total_of_logarithms(genes, row, match.is_counted);
        }
      } else if (kind == ExpressionKind::Counts) {
        total = total_of_counts(genes, row, share);
      } else {
        for (std::size_t i = 0; i < genes.size(); ++i) {
          if (match.is_counted[as_size(genes[i])]) total += static_cast<double>(row[i]);
        }
      }
      totals[as_size(cell)] = total;
      target_of_cell[as_size(cell)] = targets[measured.source_of(cell)];
    }
  });
  CsrMatrix features = kind == ExpressionKind::Counts
                           ? map_columns(values, match.model_gene, n_genes(), context)
                           : map_logarithms(values, match.model_gene, n_genes(), context);
  if (renormalizes) {
    renormalize_logarithms(features, totals, target_of_cell, options_.target_sum, context);
  }
  finish_features(features, kind, totals, target_of_cell, context);
  return {std::move(features), std::move(totals)};
}

void Preprocessor::finish_features(CsrMatrix& inputs, std::span<const double> totals,
                                   std::span<const double> targets, const Context& context) const {
  finish_features(inputs, kind_, totals, targets, context);
}

void Preprocessor::finish_features(CsrMatrix& inputs, ExpressionKind kind,
                                   std::span<const double> totals, std::span<const double> targets,
                                   const Context& context) const {
  parallel_for(context, inputs.n_rows, kChunkCells, [&](std::int64_t begin, std::int64_t end) {
    for (CellIndex cell = begin; cell < end; ++cell) {
      const double total = totals[as_size(cell)];
      LogTable log_of(total > 0 ? targets[as_size(cell)] / total : 0);
      const auto first = as_size(inputs.row_start[as_size(cell)]);
      const auto last = as_size(inputs.row_start[as_size(cell) + 1]);
      for (std::size_t i = first; i < last; ++i) {
        const auto gene = as_size(inputs.columns[i]);
        float& value = inputs.values[i];
        const double log_value = kind == ExpressionKind::Counts
                                     ? log_of.of(static_cast<double>(value))
                                     : static_cast<double>(value);
        value = static_cast<float>(log_value * static_cast<double>(inverse_sd_[gene]));
        if (options_.max_value > 0) {
          value = std::min(value, static_cast<float>(options_.max_value) + shift_[gene]);
        }
      }
    }
  });
}

std::vector<float> Preprocessor::shift(const std::vector<bool>& is_present) const {
  std::vector<float> result = shift_;
  for (std::size_t gene = 0; gene < is_present.size(); ++gene) {
    if (is_present[gene]) continue;
    // z = 0 where the gene is scaled; where not, x - shift is to be the mean.
    result[gene] = options_.scale ? 0.0F : -static_cast<float>(mean_[gene]);
  }
  return result;
}

std::vector<double> Preprocessor::center() const {
  return options_.scale ? std::vector<double>(shift_.begin(), shift_.end()) : mean_;
}

Preprocessor Preprocessor::unscaled() const {
  PreprocessorOptions options = options_;
  options.scale = false;
  options.max_value = 0;
  return {options, kind_, reference_, mean_, sd_};
}

}  // namespace saithe
