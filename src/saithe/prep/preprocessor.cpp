#include "saithe/prep/preprocessor.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "saithe/core/parallel.h"
#include "saithe/prep/normalize.h"

namespace saithe {
namespace {

constexpr std::int64_t kChunkCells = 512;

void require_options(const PreprocessorOptions& options) {
  if (!(options.target_sum > 0) || !std::isfinite(options.target_sum)) {
    fail(ErrorKind::InvalidArgument, "--target-sum: {} is not above 0", options.target_sum);
  }
  if (!(options.max_value >= 0)) {
    fail(ErrorKind::InvalidArgument, "--max-value: {} is not 0 (off) or more", options.max_value);
  }
}

/// The genes of `query` that `wanted` names, and the name that is matched twice, if any.
struct ColumnMatch {
  std::vector<GeneIndex> model_gene;
  std::int64_t n_matched = 0;
  std::string twice;
};

ColumnMatch match_column(const std::vector<std::string>& wanted,
                         const std::vector<std::string>& query) {
  ColumnMatch match;
  match.model_gene.assign(query.size(), -1);
  std::unordered_map<std::string_view, GeneIndex> index;
  for (std::size_t g = 0; g < wanted.size(); ++g) {
    index.emplace(wanted[g], static_cast<GeneIndex>(g));
  }
  std::vector<bool> is_matched(wanted.size());
  for (std::size_t q = 0; q < query.size(); ++q) {
    const auto found = index.find(query[q]);
    if (found == index.end()) continue;
    if (is_matched[as_size(found->second)]) match.twice = query[q];
    is_matched[as_size(found->second)] = true;
    match.model_gene[q] = found->second;
  }
  match.n_matched = std::count(is_matched.begin(), is_matched.end(), true);
  return match;
}

}  // namespace

Preprocessor::Preprocessor(PreprocessorOptions options, std::vector<std::string> gene_names,
                           std::vector<std::string> gene_ids, std::vector<double> mean,
                           std::vector<double> sd)
    : options_(options),
      gene_names_(std::move(gene_names)),
      gene_ids_(std::move(gene_ids)),
      mean_(std::move(mean)),
      sd_(std::move(sd)) {
  require_options(options_);
  SAITHE_ASSERT(mean_.size() == gene_names_.size() && sd_.size() == gene_names_.size());
  SAITHE_ASSERT(gene_ids_.empty() || gene_ids_.size() == gene_names_.size());
  derive();
}

Preprocessor Preprocessor::fit(const CsrView& counts, std::span<const CellIndex> cells,
                               std::vector<std::string> gene_names,
                               std::vector<std::string> gene_ids,
                               const PreprocessorOptions& options, const Context& context) {
  require_options(options);
  CsrMatrix values;
  if (cells.empty()) {
    values = {counts.n_rows,
              counts.n_cols,
              {counts.row_start.begin(), counts.row_start.end()},
              {counts.columns.begin(), counts.columns.end()},
              {counts.values.begin(), counts.values.end()}};
  } else {
    values = select_rows(counts, cells);
  }
  normalize_total(values, options.target_sum, context);
  log1p_in_place(values, context);
  GeneStatistics statistics = gene_statistics(values.view(), context);
  return Preprocessor(options, std::move(gene_names), std::move(gene_ids),
                      std::move(statistics.mean), std::move(statistics.sd));
}

void Preprocessor::derive() {
  shift_.assign(mean_.size(), 0.0F);
  inverse_sd_.assign(mean_.size(), options_.scale ? 0.0F : 1.0F);
  if (!options_.scale) return;
  for (std::size_t gene = 0; gene < mean_.size(); ++gene) {
    if (sd_[gene] <= 0) continue;  // z = 0 for every cell
    shift_[gene] = static_cast<float>(mean_[gene] / sd_[gene]);
    inverse_sd_[gene] = static_cast<float>(1.0 / sd_[gene]);
  }
}

Features Preprocessor::apply(const CsrView& counts, const Context& context) const {
  SAITHE_ASSERT(counts.n_cols == n_genes());
  const auto first = as_size(counts.row_start.front());
  const auto n_stored = as_size(counts.n_stored());
  Features features;
  features.shift = shift_;
  features.values.n_rows = counts.n_rows;
  features.values.n_cols = counts.n_cols;
  features.values.row_start.assign(counts.row_start.begin(), counts.row_start.end());
  for (RowPointer& start : features.values.row_start) start -= static_cast<RowPointer>(first);
  const auto columns = counts.columns.subspan(first, n_stored);
  features.values.columns.assign(columns.begin(), columns.end());
  features.values.values.resize(n_stored);
  parallel_for(context, counts.n_rows, kChunkCells, [&](std::int64_t begin, std::int64_t end) {
    for (CellIndex cell = begin; cell < end; ++cell) {
      const auto genes = counts.row_columns(cell);
      const auto values = counts.row_values(cell);
      float* out = features.values.values.data() + features.values.row_start[as_size(cell)];
      double total = 0;
      for (const float value : values) total += static_cast<double>(value);
      const double factor = total > 0 ? options_.target_sum / total : 0;
      for (std::size_t i = 0; i < values.size(); ++i) {
        const auto gene = as_size(genes[i]);
        const double log_value = std::log1p(static_cast<double>(values[i]) * factor);
        out[i] = static_cast<float>(log_value * static_cast<double>(inverse_sd_[gene]));
        if (options_.max_value > 0) {
          out[i] = std::min(out[i], static_cast<float>(options_.max_value) + shift_[gene]);
        }
      }
    }
  });
  return features;
}

Features Preprocessor::apply(const CsrView& counts, const GeneMatch& match,
                             const Context& context) const {
  Features features = apply(map_columns(counts, match.model_gene, n_genes()).view(), context);
  for (std::size_t gene = 0; gene < features.shift.size(); ++gene) {
    if (!match.is_present[gene]) features.shift[gene] = 0;
  }
  return features;
}

GeneMatch Preprocessor::match_genes(const Table& var) const {
  ColumnMatch best = match_column(gene_names_, var.index());
  GeneMatch match;
  match.matched_by = "gene names";
  const auto consider = [&](const std::vector<std::string>& wanted,
                            const std::vector<std::string>& query, const char* name) {
    ColumnMatch other = match_column(wanted, query);
    if (other.n_matched <= best.n_matched) return;
    best = std::move(other);
    match.matched_by = name;
  };
  if (!gene_ids_.empty()) {
    consider(gene_ids_, var.index(), "gene_ids of the model, gene names of the query");
    if (var.find("gene_ids") != nullptr) consider(gene_ids_, var.as_text("gene_ids"), "gene_ids");
  }
  if (var.find("gene_ids") != nullptr) {
    consider(gene_names_, var.as_text("gene_ids"),
             "gene names of the model, gene_ids of the query");
  }
  if (!best.twice.empty()) {
    fail(ErrorKind::BadFormat,
         "the gene '{}' stands twice among the query's genes (matched by {}); make gene names "
         "unique",
         best.twice, match.matched_by);
  }
  match.model_gene = std::move(best.model_gene);
  match.n_matched = best.n_matched;
  match.is_present.assign(gene_names_.size(), false);
  for (const GeneIndex gene : match.model_gene) {
    if (gene >= 0) match.is_present[as_size(gene)] = true;
  }
  return match;
}

}  // namespace saithe
