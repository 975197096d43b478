#include "saithe/data/binary_counts.h"

#include "saithe/core/text_io.h"
#include "saithe/data/watched_cells.h"

namespace saithe {
namespace {

// So many ones are no chance.
constexpr std::int64_t kFewestOnes = 100;

class CellsWithBinaryCounts final : public WatchedCells {
 public:
  explicit CellsWithBinaryCounts(std::unique_ptr<CellSource> cells)
      : WatchedCells(std::move(cells)), is_decided_(holds_booleans()) {}

 private:
  void look_at(const CsrView& block, CellIndex begin, const Context& context) override {
    if (is_decided_) return;
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

  bool is_decided_;
  CellIndex seen_end_ = 0;
  std::int64_t n_ones_ = 0;
};

}  // namespace

std::unique_ptr<CellSource> warn_of_binary_counts(std::unique_ptr<CellSource> cells) {
  return std::make_unique<CellsWithBinaryCounts>(std::move(cells));
}

}  // namespace saithe
