#include "saithe/data/large_counts.h"

#include <algorithm>
#include <atomic>
#include <cmath>

#include "saithe/core/parallel.h"
#include "saithe/core/text_io.h"
#include "saithe/data/watched_cells.h"

namespace saithe {
namespace {

constexpr std::int64_t kChunkValues = std::int64_t{1} << 16;

/// A loop without a way out, which takes several values at a time.
bool has_large(std::span<const float> values) {
  std::int32_t n_large = 0;
  for (const float value : values) n_large += value >= kFirstRoundedCount ? 1 : 0;
  return n_large > 0;
}

class CellsWithLargeCounts final : public WatchedCells {
 public:
  using WatchedCells::WatchedCells;

 private:
  void look_at(const CsrView& block, CellIndex first_cell, const Context& context) override {
    if (has_warned_) return;
    std::atomic<bool> is_found = false;
    parallel_for(context, std::ssize(block.values), kChunkValues,
                 [&](std::int64_t begin, std::int64_t end) {
                   const auto part = block.values.subspan(as_size(begin), as_size(end - begin));
                   if (has_large(part)) is_found = true;
                 });
    if (!is_found) return;
    for (CellIndex r = 0; r < block.n_rows; ++r) {
      const auto values = block.row_values(r);
      const auto large = std::ranges::find_if(
          values, [](float value) { return value >= kFirstRoundedCount && std::isfinite(value); });
      if (large == values.end()) continue;
      const auto gene = block.row_columns(r)[as_size(large - values.begin())];
      has_warned_ = true;
      context.warn(fmt::format(
          "{}: cell '{}' (row {}) has about {:.9g} for gene '{}': values are held as float32, in "
          "which whole numbers above 2^24 = 16777216 are rounded",
          name(), obs().name_of(first_cell + r), first_cell + r, *large,
          var().index()[as_size(gene)]));
      return;
    }
  }

  bool has_warned_ = false;
};

}  // namespace

std::unique_ptr<CellSource> warn_of_large_counts(std::unique_ptr<CellSource> cells) {
  return std::make_unique<CellsWithLargeCounts>(std::move(cells));
}

}  // namespace saithe
