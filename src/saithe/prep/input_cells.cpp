#include "saithe/prep/input_cells.h"

#include <algorithm>

#include "saithe/prep/gene_sums.h"
#include "saithe/prep/normalize.h"

namespace saithe {

InputCells::InputCells(const RowSource& values, const Preprocessor& preprocessor,
                       const Context& context, const MeasuredGenes& measured,
                       std::int64_t max_memory)
    : preprocessor_(preprocessor),
      measured_(measured),
      target_sums_(preprocessor.target_sums(measured)),
      inputs_(preprocessor.n_genes(), max_memory) {
  const std::vector<GeneIndex> input_of = preprocessor_.match_reference().model_gene;
  SAITHE_ASSERT(values.n_cols() == static_cast<GeneIndex>(input_of.size()));
  const RowSelection rows(values, {});
  for (CellIndex begin = 0, end = 0; begin < rows.n_rows(); begin = end) {
    context.throw_if_cancelled();
    end = rows.block_end(begin, kPassBlockCells, context);
    const CsrMatrix block = rows.read(begin, end, context);
    const auto totals = total_counts(block.view(), context);
    totals_.insert(totals_.end(), totals.begin(), totals.end());
    const CsrMatrix inputs = map_columns(block.view(), input_of, n_genes(), context);
    for (CellIndex row = 0; row < inputs.n_rows; ++row) {
      has_counts_.push_back(std::ranges::any_of(inputs.view().row_values(row),
                                                [](float value) { return value > 0; }));
    }
    inputs_.append(inputs.view(), context);
  }
}

double InputCells::shallow_counts(std::span<const CellIndex> cells) const {
  static constexpr std::ptrdiff_t kHundredth = 100;
  if (preprocessor_.kind() != ExpressionKind::Counts || cells.empty()) return 0;
  std::vector<double> counts;
  for (const CellIndex cell : cells) {
    counts.push_back(total(cell) * preprocessor_.options().target_sum / target(cell));
  }
  const auto at = counts.begin() + std::ssize(counts) / kHundredth;
  std::nth_element(counts.begin(), at, counts.end());
  return *at;
}

std::size_t InputCells::block_end(std::span<const CellIndex> cells, std::size_t begin,
                                  std::size_t most_cells, const Context& context) const {
  const std::size_t most_end = std::min(begin + most_cells, cells.size());
  const std::int64_t most = most_block_values(context);
  std::int64_t n_values = 0;
  std::size_t end = begin;
  for (; end < most_end; ++end) {
    n_values += most_features(cells[end]);
    if (n_values > most && end > begin) break;
  }
  return end;
}

CsrMatrix InputCells::finish(CsrMatrix rows, std::span<const CellIndex> cells,
                             const Context& context) const {
  std::vector<double> totals;
  std::vector<double> targets;
  for (const CellIndex cell : cells) {
    totals.push_back(total(cell));
    targets.push_back(target(cell));
  }
  preprocessor_.finish_features(rows, totals, targets, context);
  return rows;
}

CsrMatrix InputCells::add_missing(CsrMatrix features, std::span<const CellIndex> cells) const {
  if (measured_.is_complete()) return features;
  return preprocessor_.add_missing(std::move(features), {}, select_cells(measured_, cells));
}

CsrMatrix InputCells::features(std::span<const CellIndex> cells, const Context& context) const {
  return add_missing(measured_features(cells, context), cells);
}

CsrMatrix InputCells::measured_features(std::span<const CellIndex> cells,
                                        const Context& context) const {
  return finish(inputs_.read(cells, context), cells, context);
}

std::vector<CellsWithInputs> InputCells::by_inputs(std::span<const CellIndex> cells) const {
  std::vector<CellsWithInputs> groups;
  if (measured_.is_complete()) {
    if (!cells.empty()) groups.push_back({{cells.begin(), cells.end()}, {}});
    return groups;
  }
  std::vector<std::vector<CellIndex>> of_source(measured_.n_sources());
  for (const CellIndex cell : cells) of_source[measured_.source_of(cell)].push_back(cell);
  for (std::size_t source = 0; source < of_source.size(); ++source) {
    if (of_source[source].empty()) continue;
    std::vector<bool> has_input;
    for (const GeneIndex gene : preprocessor_.reference().inputs) {
      has_input.push_back(measured_.has_gene[source][as_size(gene)]);
    }
    if (std::ranges::find(has_input, false) == has_input.end()) has_input.clear();
    // Sources that differ by other genes alone are one.
    const auto same = std::ranges::find(groups, has_input, &CellsWithInputs::has_input);
    if (same == groups.end()) {
      groups.push_back({std::move(of_source[source]), std::move(has_input)});
    } else {
      same->cells.insert(same->cells.end(), of_source[source].begin(), of_source[source].end());
    }
  }
  return groups;
}

}  // namespace saithe
