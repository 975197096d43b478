#include "saithe/data/binary_counts.h"

#include <algorithm>

#include "saithe/core/text_io.h"

namespace saithe {
namespace {

// So many ones are no chance.
constexpr std::int64_t kFewestOnes = 100;

class CellsWithBinaryCounts final : public CellSource {
 public:
  explicit CellsWithBinaryCounts(std::unique_ptr<CellSource> cells)
      : cells_(std::move(cells)), is_decided_(cells_->holds_booleans()) {}
  [[nodiscard]] const std::string& name() const override { return cells_->name(); }
  [[nodiscard]] const Table& obs() const override { return cells_->obs(); }
  [[nodiscard]] const Table& var() const override { return cells_->var(); }
  [[nodiscard]] bool holds_booleans() const override { return cells_->holds_booleans(); }
  [[nodiscard]] const MeasuredGenes& measured_genes() const override {
    return cells_->measured_genes();
  }
  [[nodiscard]] CsrMatrix read_cells(CellIndex begin, CellIndex end,
                                     const Context& context) override {
    CsrMatrix block = cells_->read_cells(begin, end, context);
    if (!is_decided_) look_at(block.view(), begin, context);
    return block;
  }
  [[nodiscard]] std::int64_t most_stored(CellIndex begin, CellIndex end) const override {
    return cells_->most_stored(begin, end);
  }

 private:
  void look_at(const CsrView& block, CellIndex begin, const Context& context) {
    const CellIndex end = begin + block.n_rows;
    if (begin > seen_end_ || end <= seen_end_) return;
    for (CellIndex r = seen_end_ - begin; r < block.n_rows; ++r) {
      for (const float value : block.row_values(r)) {
        if (value != 0 && value != 1) {  // of most files the first few values
          is_decided_ = true;
          return;
        }
        n_ones_ += value == 1 ? 1 : 0;
      }
    }
    seen_end_ = end;
    if (seen_end_ < n_cells()) return;
    is_decided_ = true;
    if (n_ones_ < kFewestOnes) return;
    context.warn(
        fmt::format("{}: holds no count above 1: such counts say which genes a cell expresses, not "
                    "how much",
                    name()));
  }

  std::unique_ptr<CellSource> cells_;
  bool is_decided_;  // one thread at a time reads cells
  CellIndex seen_end_ = 0;
  std::int64_t n_ones_ = 0;
};

}  // namespace

std::unique_ptr<CellSource> warn_of_binary_counts(std::unique_ptr<CellSource> cells) {
  return std::make_unique<CellsWithBinaryCounts>(std::move(cells));
}

}  // namespace saithe
