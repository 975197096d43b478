#pragma once

// Cells as another source reads them, looked at as they pass by.

#include <memory>
#include <utility>

#include "saithe/data/cell_source.h"

namespace saithe {

/// The cells of a source, unchanged; look_at() sees each block that is read, and may warn.
class WatchedCells : public CellSource {
 public:
  explicit WatchedCells(std::unique_ptr<CellSource> cells) : cells_(std::move(cells)) {}

  [[nodiscard]] const std::string& name() const final { return cells_->name(); }
  [[nodiscard]] const Table& obs() const final { return cells_->obs(); }
  [[nodiscard]] const Table& var() const final { return cells_->var(); }
  [[nodiscard]] bool holds_booleans() const final { return cells_->holds_booleans(); }
  [[nodiscard]] bool are_values_chosen() const final { return cells_->are_values_chosen(); }
  [[nodiscard]] const MeasuredGenes& measured_genes() const final {
    return cells_->measured_genes();
  }
  [[nodiscard]] CsrMatrix read_cells(CellIndex begin, CellIndex end, const Context& context) final {
    CsrMatrix block = cells_->read_cells(begin, end, context);
    look_at(block.view(), begin, context);
    return block;
  }
  [[nodiscard]] std::int64_t most_stored(CellIndex begin, CellIndex end) const final {
    return cells_->most_stored(begin, end);
  }

 private:
  /// Cells from `begin` on; one thread at a time reads them.
  virtual void look_at(const CsrView& block, CellIndex begin, const Context& context) = 0;

  std::unique_ptr<CellSource> cells_;
};

}  // namespace saithe
