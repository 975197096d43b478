#include "saithe/prep/augment.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "saithe/core/parallel.h"
#include "saithe/core/random.h"
#include "saithe/prep/normalize.h"

namespace saithe {
namespace {

constexpr std::int64_t kChunkCells = 256;
// Up to so many molecules are drawn one by one.
constexpr double kMaxExactCount = 64;
// Draws that a cell may use before it would meet those of the next.
constexpr std::uint64_t kDrawsPerCell = std::uint64_t{1} << 28;

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

/// ln(1 + count * factor); small counts, which are most, are computed once a cell.
class LogTable {
 public:
  explicit LogTable(double factor) : factor_(factor) { known_.fill(-1); }
  float of(double count) {
    if (count >= static_cast<double>(known_.size())) return compute(count);
    float& value = known_[static_cast<std::size_t>(count)];
    if (value < 0) value = compute(count);
    return value;
  }

 private:
  [[nodiscard]] float compute(double count) const {
    return static_cast<float>(std::log1p(count * factor_));
  }
  double factor_;
  std::array<float, 16> known_{};
};

}  // namespace

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

Augmenter::Augmenter(const CsrView& values, const Preprocessor& preprocessor,
                     const AugmentOptions& options, const Context& context,
                     const MeasuredGenes& measured)
    : options_(options),
      context_(context),
      preprocessor_(preprocessor),
      measured_(measured),
      target_sums_(preprocessor.target_sums(measured)),
      holds_counts_(preprocessor.kind() == ExpressionKind::Counts) {
  if (!(options.input_mask >= 0 && options.input_mask < 1)) {
    fail(ErrorKind::InvalidArgument, "--input-mask: {} is not in [0, 1)", options.input_mask);
  }
  if (!(options.thin_share >= 0 && options.thin_share <= 1) ||
      !(options.thin_minimum > 0 && options.thin_minimum <= 1)) {
    fail(ErrorKind::InvalidArgument,
         "--thin-share {} and --thin-minimum {}: expected shares from 0 to 1, the second above 0",
         options.thin_share, options.thin_minimum);
  }
  if (!changes_anything()) return;
  if (preprocessor.options().scale) {
    fail(ErrorKind::InvalidArgument,
         "--input-mask and --thin-share change genes that are not scaled; add --no-scale");
  }
  const GeneMatch match = preprocessor.match_reference();
  features_ = preprocessor.measured_features(values, context, measured);
  if (!holds_counts_) return;
  inputs_ = map_columns(values, match.model_gene, preprocessor.n_genes());
  totals_ = total_counts(values, context);
}

bool Augmenter::changes_anything() const {
  return options_.input_mask > 0 || (options_.thin_share > 0 && holds_counts_);
}

CsrMatrix Augmenter::features_of_epoch(std::span<const CellIndex> cells, std::uint64_t seed,
                                       int epoch) const {
  SAITHE_ASSERT(changes_anything());
  std::vector<bool> is_wanted(as_size(features_.n_rows));
  for (const CellIndex cell : cells) is_wanted[as_size(cell)] = true;
  const Random random(seed, stream::kAugment + static_cast<std::uint64_t>(epoch));
  std::vector<RowWriter> chunks(as_size((features_.n_rows + kChunkCells - 1) / kChunkCells));
  parallel_for(context_, features_.n_rows, kChunkCells, [&](std::int64_t begin, std::int64_t end) {
    RowWriter& out = chunks[as_size(begin / kChunkCells)];
    for (CellIndex cell = begin; cell < end; ++cell) {
      const std::size_t before = out.columns.size();
      if (is_wanted[as_size(cell)]) {
        CellDraws draws(random, cell);
        const CsrView view = features_.view();
        const auto genes = view.row_columns(cell);
        const auto unchanged = view.row_values(cell);
        const bool is_thinned = holds_counts_ && draws.uniform() < options_.thin_share;
        if (!is_thinned) {
          for (std::size_t i = 0; i < genes.size(); ++i) {
            out.add(genes[i], unchanged[i], options_.input_mask, draws);
          }
        } else {
          const double p = options_.thin_minimum + (1 - options_.thin_minimum) * draws.uniform();
          const auto counts = inputs_.view().row_values(cell);
          std::vector<double> kept(counts.size());
          double rest = totals_[as_size(cell)];
          double total = 0;
          for (std::size_t i = 0; i < counts.size(); ++i) {
            rest -= static_cast<double>(counts[i]);
            kept[i] = draws.binomial(static_cast<double>(counts[i]), p);
            total += kept[i];
          }
          total += draws.binomial(std::max(0.0, std::round(rest)), p);
          LogTable log_of(total > 0 ? target_sums_[measured_.source_of(cell)] / total : 0);
          for (std::size_t i = 0; i < counts.size(); ++i) {
            if (kept[i] > 0) out.add(genes[i], log_of.of(kept[i]), options_.input_mask, draws);
          }
        }
      }
      out.row_sizes.push_back(static_cast<std::int64_t>(out.columns.size() - before));
    }
  });
  CsrMatrix result;
  result.n_rows = features_.n_rows;
  result.n_cols = features_.n_cols;
  for (RowWriter& chunk : chunks) {
    for (const std::int64_t size : chunk.row_sizes) {
      result.row_start.push_back(result.row_start.back() + size);
    }
    result.columns.insert(result.columns.end(), chunk.columns.begin(), chunk.columns.end());
    result.values.insert(result.values.end(), chunk.values.begin(), chunk.values.end());
    chunk = {};
  }
  return preprocessor_.add_missing(std::move(result), cells, measured_);
}

}  // namespace saithe
