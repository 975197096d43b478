#include "saithe/classify/linear_decisions.h"

#include <algorithm>

#include "saithe/core/parallel.h"

namespace saithe {
namespace {

constexpr std::int64_t kChunkCells = 64;

}  // namespace

LinearDecisions::LinearDecisions(const Member& member, const Preprocessor& preprocessor,
                                 std::span<const float> shift)
    : member_(member), preprocessor_(preprocessor), unexpressed_(shift.size()) {
  SAITHE_ASSERT(member.shape.hidden.empty() && member.parameters.weights.size() == 1);
  const auto& weights = member.parameters.weights.front();
  const auto& biases = member.parameters.biases.front();
  const bool is_scaled = preprocessor.options().scale;
  of_empty_cell_.assign(biases.begin(), biases.end());
  for (std::size_t gene = 0; gene < shift.size(); ++gene) {
    if (shift[gene] == 0) continue;  // of mean 0, or missing in the query
    unexpressed_[gene] =
        is_scaled ? scaled(static_cast<GeneIndex>(gene), 0) : -static_cast<double>(shift[gene]);
    for (std::size_t type = 0; type < biases.size(); ++type) {
      of_empty_cell_[type] +=
          unexpressed_[gene] * static_cast<double>(weights[gene * biases.size() + type]);
    }
  }
}

double LinearDecisions::scaled(GeneIndex gene, double value) const {
  const PreprocessorOptions& options = preprocessor_.options();
  if (!options.scale) return value + unexpressed_[as_size(gene)];
  const double sd = preprocessor_.sd()[as_size(gene)];
  if (sd == 0) return 0;
  const double z = (value - preprocessor_.mean()[as_size(gene)]) / sd;
  return options.max_value > 0 && value > 0 ? std::min(z, options.max_value) : z;
}

DenseMatrix LinearDecisions::of(const CsrView& features, const Context& context) const {
  context.throw_if_cancelled();
  const std::size_t n_types = of_empty_cell_.size();
  const float* weights = member_.parameters.weights.front().data();
  DenseMatrix decisions(features.n_rows, static_cast<std::int64_t>(n_types));
  parallel_for(context, features.n_rows, kChunkCells, [&](std::int64_t begin, std::int64_t end) {
    std::vector<double> sums;
    for (CellIndex cell = begin; cell < end; ++cell) {
      sums = of_empty_cell_;
      const auto genes = features.row_columns(cell);
      const auto values = features.row_values(cell);
      for (std::size_t i = 0; i < genes.size(); ++i) {
        const double change =
            scaled(genes[i], static_cast<double>(values[i])) - unexpressed_[as_size(genes[i])];
        const float* of_gene = weights + as_size(genes[i]) * n_types;
        for (std::size_t type = 0; type < n_types; ++type) {
          sums[type] += change * static_cast<double>(of_gene[type]);
        }
      }
      const auto row = decisions.row(cell);
      for (std::size_t type = 0; type < n_types; ++type) row[type] = static_cast<float>(sums[type]);
    }
  });
  return decisions;
}

}  // namespace saithe
