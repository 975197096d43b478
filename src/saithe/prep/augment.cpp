#include "saithe/prep/augment.h"

#include <algorithm>
#include <cmath>

#include "saithe/core/parallel.h"
#include "saithe/core/random.h"
#include "saithe/prep/log_table.h"

namespace saithe {
namespace {

constexpr std::int64_t kChunkCells = 256;
// Up to so many molecules are drawn one by one.
constexpr double kMaxExactCount = 64;
// Draws that a cell may use before it would meet those of the next.
constexpr std::uint64_t kDrawsPerCell = std::uint64_t{1} << 28;

}  // namespace

/// The draws of one cell in one epoch.
class CellDraws {
 public:
  CellDraws(const Random& random, CellIndex cell)
      : random_(random), next_(static_cast<std::uint64_t>(cell) * kDrawsPerCell) {}
  double uniform() { return random_.uniform(next_++); }
  /// How many of `n` molecules stay, each with probability p.
  double binomial(double n, double p) {
    if (n <= kMaxExactCount) {
      double kept = 0;
      for (double i = 0; i < n; ++i) kept += uniform() < p ? 1 : 0;
      return kept;
    }
    const double z = random_.normal(next_);  // takes the numbers at 2 next and 2 next + 1
    ++next_;
    const double drawn = std::round(n * p + z * std::sqrt(n * p * (1 - p)));
    return std::clamp(drawn, 0.0, n);
  }

 private:
  const Random& random_;
  std::uint64_t next_;
};

/// Builds the rows of a chunk of cells.
struct Augmenter::RowWriter {
  std::vector<std::int64_t> row_sizes;
  std::vector<GeneIndex> columns;
  std::vector<float> values;

  void add(GeneIndex gene, float value, double mask, CellDraws& draws) {
    if (mask > 0 && draws.uniform() < mask) return;
    columns.push_back(gene);
    values.push_back(value / static_cast<float>(1 - mask));
  }
};

Augmenter::Augmenter(const InputCells& cells, const AugmentOptions& options, const Context& context)
    : options_(options),
      context_(context),
      cells_(cells),
      holds_counts_(cells.preprocessor().kind() == ExpressionKind::Counts) {
  if (!(options.input_mask >= 0 && options.input_mask < 1)) {
    fail(ErrorKind::InvalidArgument, "--input-mask: {} is not in [0, 1)", options.input_mask);
  }
  if (!(options.thin_share >= 0 && options.thin_share <= 1) ||
      !(options.thin_minimum > 0 && options.thin_minimum <= 1)) {
    fail(ErrorKind::InvalidArgument,
         "--thin-share {} and --thin-minimum {}: expected shares from 0 to 1, the second above 0",
         options.thin_share, options.thin_minimum);
  }
  if (changes_anything() && cells.preprocessor().options().scale) {
    fail(ErrorKind::InvalidArgument,
         "--input-mask and --thin-share change genes that are not scaled; add --no-scale");
  }
}

bool Augmenter::changes_anything() const {
  return options_.input_mask > 0 || (options_.thin_share > 0 && holds_counts_);
}

void Augmenter::thin(CellIndex cell, std::span<const GeneIndex> genes,
                     std::span<const float> counts, CellDraws& draws, RowWriter& out) const {
  const double p = options_.thin_minimum + (1 - options_.thin_minimum) * draws.uniform();
  std::vector<double> kept(counts.size());
  double rest = cells_.total(cell);
  double total = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    rest -= static_cast<double>(counts[i]);
    kept[i] = draws.binomial(static_cast<double>(counts[i]), p);
    total += kept[i];
  }
  total += draws.binomial(std::max(0.0, std::round(rest)), p);
  LogTable log_of(total > 0 ? cells_.target(cell) / total : 0);
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (kept[i] > 0)
      out.add(genes[i], static_cast<float>(log_of.of(kept[i])), options_.input_mask, draws);
  }
}

CsrMatrix Augmenter::features_of_epoch(std::span<const CellIndex> cells, std::uint64_t seed,
                                       int epoch) const {
  SAITHE_ASSERT(changes_anything());
  const Random random(seed, stream::kAugment + static_cast<std::uint64_t>(epoch));
  const CsrMatrix inputs = cells_.inputs().read(cells, context_);
  const CsrMatrix unchanged = cells_.finish(inputs, cells, context_);
  const auto n_cells = static_cast<std::int64_t>(cells.size());
  std::vector<RowWriter> chunks(as_size((n_cells + kChunkCells - 1) / kChunkCells));
  parallel_for(context_, n_cells, kChunkCells, [&](std::int64_t begin, std::int64_t end) {
    RowWriter& out = chunks[as_size(begin / kChunkCells)];
    for (std::int64_t row = begin; row < end; ++row) {
      const CellIndex cell = cells[as_size(row)];
      const std::size_t before = out.columns.size();
      CellDraws draws(random, cell);
      const auto genes = unchanged.view().row_columns(row);
      if (holds_counts_ && draws.uniform() < options_.thin_share) {
        thin(cell, genes, inputs.view().row_values(row), draws, out);
      } else {
        const auto values = unchanged.view().row_values(row);
        for (std::size_t i = 0; i < genes.size(); ++i) {
          out.add(genes[i], values[i], options_.input_mask, draws);
        }
      }
      out.row_sizes.push_back(static_cast<std::int64_t>(out.columns.size() - before));
    }
  });
  CsrMatrix result;
  result.n_rows = n_cells;
  result.n_cols = unchanged.n_cols;
  for (RowWriter& chunk : chunks) {
    for (const std::int64_t size : chunk.row_sizes) {
      result.row_start.push_back(result.row_start.back() + size);
    }
    result.columns.insert(result.columns.end(), chunk.columns.begin(), chunk.columns.end());
    result.values.insert(result.values.end(), chunk.values.begin(), chunk.values.end());
    chunk = {};
  }
  return cells_.add_missing(std::move(result), cells);
}

}  // namespace saithe
