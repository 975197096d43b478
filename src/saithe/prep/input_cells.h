#pragma once

// The cells that a training reads again and again: the values of the model's inputs, packed, and
// what it takes to turn them into features when they are asked for.

#include <span>
#include <vector>

#include "saithe/core/context.h"
#include "saithe/matrix/packed_rows.h"
#include "saithe/prep/preprocessor.h"

namespace saithe {

/// Cells in which the same inputs were measured.
struct CellsWithInputs {
  std::vector<CellIndex> cells;
  std::vector<bool> has_input;  ///< empty: all
};

/// Cells x inputs of a model. About two bytes a stored count: a tenth of what features take, with
/// the genes that are no inputs left out.
class InputCells {
 public:
  /// Reads all rows of `values` (cells x genes of the reference, of the preprocessor's kind) once.
  /// At most about `max_memory` bytes of rows stay in memory. `measured` tells which genes each
  /// row has.
  InputCells(const RowSource& values, const Preprocessor& preprocessor, const Context& context,
             const MeasuredGenes& measured = {}, std::int64_t max_memory = PackedRows::kNoLimit);

  [[nodiscard]] CellIndex n_cells() const { return inputs_.n_rows(); }
  [[nodiscard]] GeneIndex n_genes() const { return inputs_.n_cols(); }
  [[nodiscard]] const PackedRows& inputs() const { return inputs_; }
  [[nodiscard]] const Preprocessor& preprocessor() const { return preprocessor_; }
  [[nodiscard]] const MeasuredGenes& measured() const { return measured_; }
  /// What the first layer subtracts (Features::shift).
  [[nodiscard]] const std::vector<float>& shift() const { return preprocessor_.shift(); }
  /// Of each cell, over all genes of the reference.
  [[nodiscard]] double total(CellIndex cell) const { return totals_[as_size(cell)]; }
  /// What the total is scaled to.
  [[nodiscard]] double target(CellIndex cell) const {
    return target_sums_[measured_.source_of(cell)];
  }
  /// Counts that 99 % of these cells have at least, were all genes of the reference measured in
  /// them; 0 of logarithms, and of no cells.
  [[nodiscard]] double shallow_counts(std::span<const CellIndex> cells) const;
  /// Whether the cell has a value above 0 on an input.
  [[nodiscard]] bool has_counts(CellIndex cell) const { return has_counts_[as_size(cell)]; }

  /// At most how many features of a cell are stored: inputs that were not measured are filled in.
  [[nodiscard]] std::int64_t most_features(CellIndex cell) const {
    return measured_.is_complete() ? inputs_.most_stored(cell) : n_genes();
  }
  /// The features of cells, rows in their order; inputs that were not measured have their means.
  [[nodiscard]] CsrMatrix features(std::span<const CellIndex> cells, const Context& context) const;
  /// The same without the inputs that were not measured.
  [[nodiscard]] CsrMatrix measured_features(std::span<const CellIndex> cells,
                                            const Context& context) const;
  /// The cells by the inputs that were measured in them; those of a group keep their order.
  [[nodiscard]] std::vector<CellsWithInputs> by_inputs(std::span<const CellIndex> cells) const;
  /// The end of the block from position `begin` of `cells` on whose features may lie in memory:
  /// `most_cells`, fewer where they have many values (most_block_values()), one at least.
  [[nodiscard]] std::size_t block_end(std::span<const CellIndex> cells, std::size_t begin,
                                      std::size_t most_cells, const Context& context) const;
  /// The rows of inputs() of these cells as features, without the inputs that were not measured.
  [[nodiscard]] CsrMatrix finish(CsrMatrix rows, std::span<const CellIndex> cells,
                                 const Context& context) const;
  /// Rows that lack the inputs that were not measured in these cells, completed by their means.
  [[nodiscard]] CsrMatrix add_missing(CsrMatrix features, std::span<const CellIndex> cells) const;

 private:
  Preprocessor preprocessor_;
  MeasuredGenes measured_;
  std::vector<double> target_sums_;  // of the sources
  PackedRows inputs_;
  std::vector<double> totals_;
  std::vector<bool> has_counts_;
};

/// The features of cells as rows, made when they are read; borrows the cells.
class FeatureRows final : public RowSource {
 public:
  explicit FeatureRows(const InputCells& cells) : cells_(cells) {}
  [[nodiscard]] CellIndex n_rows() const override { return cells_.n_cells(); }
  [[nodiscard]] GeneIndex n_cols() const override { return cells_.n_genes(); }
  [[nodiscard]] CsrMatrix read(std::span<const CellIndex> rows,
                               const Context& context) const override {
    return cells_.features(rows, context);
  }
  [[nodiscard]] std::int64_t most_stored(CellIndex row) const override {
    return cells_.most_features(row);
  }

 private:
  const InputCells& cells_;
};

}  // namespace saithe
