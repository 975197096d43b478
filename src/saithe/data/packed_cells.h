#pragma once

// A reference as training holds it: values packed, in memory or partly in a temporary file, with
// obs and var.

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "saithe/data/cell_source.h"
#include "saithe/matrix/packed_rows.h"

namespace saithe {

/// Cells x genes; copies share the values.
class PackedCells final : public CellSource, public RowSource {
 public:
  PackedCells() = default;
  /// Rows of obs and var belong to the rows and columns of `values`.
  PackedCells(std::string name, std::shared_ptr<const PackedRows> values, Table obs, Table var,
              MeasuredGenes measured);
  /// Packs what lies in memory.
  PackedCells(const Dataset& dataset, const Context& context);

  [[nodiscard]] const std::string& name() const override { return name_; }
  [[nodiscard]] const Table& obs() const override { return obs_; }
  [[nodiscard]] const Table& var() const override { return var_; }
  [[nodiscard]] const MeasuredGenes& measured_genes() const override { return measured_; }
  [[nodiscard]] bool are_values_chosen() const override { return are_values_chosen_; }
  /// Who packed them has looked at what their values are.
  void set_values_chosen() { are_values_chosen_ = true; }
  [[nodiscard]] CsrMatrix read_cells(CellIndex begin, CellIndex end,
                                     const Context& context) override;

  [[nodiscard]] CellIndex n_rows() const override { return n_cells(); }
  [[nodiscard]] GeneIndex n_cols() const override { return n_genes(); }
  /// Values of the cells `cells`, in that order.
  [[nodiscard]] CsrMatrix read(std::span<const CellIndex> cells,
                               const Context& context) const override;
  [[nodiscard]] std::int64_t most_stored(CellIndex begin, CellIndex end) const override;
  [[nodiscard]] std::int64_t most_stored(CellIndex row) const override {
    return values_->most_stored(row_of(row));
  }

  /// Keeps these cells, or genes, in that order; the values stay where they are.
  void select_cells(std::span<const CellIndex> cells);
  void select_genes(std::span<const GeneIndex> genes);
  /// All of it in memory.
  [[nodiscard]] Dataset unpack(const Context& context) const;

 private:
  [[nodiscard]] CellIndex row_of(CellIndex cell) const {
    return row_of_cell_.empty() ? cell : row_of_cell_[as_size(cell)];
  }

  std::string name_;
  std::shared_ptr<const PackedRows> values_;
  std::vector<CellIndex> row_of_cell_;     // empty: cells are the rows
  std::vector<GeneIndex> gene_of_column_;  // -1: left out; empty: all columns are genes
  Table obs_;
  Table var_;
  MeasuredGenes measured_;
  bool are_values_chosen_ = false;
};

}  // namespace saithe
