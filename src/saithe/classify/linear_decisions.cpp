#include "saithe/classify/linear_decisions.h"

#include "saithe/core/parallel.h"

namespace saithe {
namespace {

constexpr std::int64_t kChunkCells = 64;

}  // namespace

LinearDecisions::LinearDecisions(const Member& member, std::span<const float> shift)
    : member_(member) {
  SAITHE_ASSERT(member.shape.hidden.empty() && member.parameters.weights.size() == 1);
  const auto& weights = member.parameters.weights.front();
  const auto& biases = member.parameters.biases.front();
  of_empty_cell_.assign(biases.begin(), biases.end());
  for (std::size_t gene = 0; gene < shift.size(); ++gene) {
    for (std::size_t type = 0; type < biases.size(); ++type) {
      of_empty_cell_[type] -= static_cast<double>(shift[gene]) *
                              static_cast<double>(weights[gene * biases.size() + type]);
    }
  }
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
        const auto value = static_cast<double>(values[i]);
        const float* of_gene = weights + as_size(genes[i]) * n_types;
        for (std::size_t type = 0; type < n_types; ++type) {
          sums[type] += value * static_cast<double>(of_gene[type]);
        }
      }
      const auto row = decisions.row(cell);
      for (std::size_t type = 0; type < n_types; ++type) row[type] = static_cast<float>(sums[type]);
    }
  });
  return decisions;
}

}  // namespace saithe
