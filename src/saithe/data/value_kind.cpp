#include "saithe/data/value_kind.h"

#include <algorithm>
#include <cmath>

#include "saithe/core/text_io.h"
#include "saithe/data/watched_cells.h"

namespace saithe {
namespace {

// ln(1 + counts of a million) reaches 13.8, log2 of it 19.9.
constexpr float kLargestLog = 20;
// Values are float32, sums of thousands of them a little off.
constexpr double kSumTolerance = 0.01;
// Sums of cells that were scaled to one sum differ by rounding alone.
constexpr double kSameSum = 1e-3;
constexpr double kCp10k = 10'000;
// A logarithm of float32 gives back a count below this to within kWhole.
constexpr double kExactCount = 1000;
constexpr double kWhole = 1e-3;
// Bases are told apart by so many cells, and by multiples in this range: at 1 any is whole, and
// large ones are so by chance.
constexpr std::int64_t kUnloggedCells = 512;
constexpr double kLeastMultiple = 1.01;
constexpr double kLargestMultiple = 20;
constexpr double kWholeMultiple = 2e-3;
constexpr std::int64_t kFewestMultiples = 10;
// A cell whose smallest count is 2 has half multiples.
constexpr double kShareOfWhole = 0.5;
// A count of 1 is 10 000 / (the cell's sum of counts), so that sum is known to within kWholeTotal
// below kLargestTotal. One in 25 is whole by chance, half are where a cell's smallest count is 2.
constexpr double kLargestTotal = 50'000;
constexpr double kWholeTotal = 0.02;
constexpr double kShareOfWholeTotals = 0.25;
// No more than by chance, in cells of whose multiples so many are whole: these are counts,
// scaled to another sum.
constexpr double kShareByChance = 0.1;
constexpr double kShareOfCounts = 0.9;
// Sums of counts that are nearly all multiples of 2 or 5, and not of one depth, are sums of so many
// times fewer counts, normalised to a divisor of 10 000.
constexpr double kShareOfMultiples = 0.9;
constexpr std::int64_t kFewestTotals = 20;
// Z-scores of a sample of cells, clipped or not, have about mean 0 and variance 1.
constexpr double kLargestMean = 0.3;
constexpr double kLeastVariance = 0.1;
constexpr double kLargestVariance = 4;

class ShownCells final : public WatchedCells {
 public:
  ShownCells(ValueKindFinder& finder, std::unique_ptr<CellSource> cells)
      : WatchedCells(std::move(cells)), finder_(&finder) {}

 private:
  void look_at(const CsrView& block, CellIndex begin, const Context& /*context*/) override {
    finder_->add(block, begin);
  }
  ValueKindFinder* finder_;
};

bool is_about_whole(double count) {
  return count > kExactCount || std::abs(count - std::round(count)) < kWhole;
}

}  // namespace

ValueKindFinder::ValueKindFinder() {
  unlogged_[1].base_log = std::log(2.0);
  unlogged_[2].base_log = std::log(10.0);
  unlogged_[3].is_twice = true;
}

bool ValueKindFinder::Unlogged::is_of_counts() const {
  return n_multiples >= kFewestMultiples &&
         static_cast<double>(n_whole) >= kShareOfWhole * static_cast<double>(n_multiples);
}

/// `unit`: exp(a cell's smallest value) - 1.
void ValueKindFinder::add_total(double unit) {
  const double total = kCp10k / unit;
  if (!(total < kLargestTotal)) return;
  ++n_totals_;
  const double whole = std::round(total);
  if (std::abs(total - whole) >= kWholeTotal) return;
  whole_totals_.push_back(whole);
  ++n_whole_totals_;
  if (std::fmod(whole, 2) == 0) ++n_even_totals_;
  if (std::fmod(whole, 5) == 0) ++n_five_totals_;
}

void ValueKindFinder::look_for_counts(std::span<const float> values) {
  if (n_unlogged_cells_ == kUnloggedCells) return;
  for (Unlogged& unlogged : unlogged_) {
    const auto of_one = [&](float value) {
      const double once = std::expm1(static_cast<double>(value) * unlogged.base_log);
      return unlogged.is_twice ? std::expm1(once) : once;
    };
    double unit = 0;
    double sum = 0;
    for (const float value : values) {
      if (value <= 0) continue;
      const double count = of_one(value);
      unit = unit == 0 ? count : std::min(unit, count);
      sum += count;
    }
    for (const float value : values) {
      const double multiple = value > 0 ? of_one(value) / unit : 0;
      if (!(multiple > kLeastMultiple && multiple < kLargestMultiple)) continue;
      ++unlogged.n_multiples;
      if (std::abs(multiple - std::round(multiple)) < kWholeMultiple) ++unlogged.n_whole;
    }
    if (&unlogged == unlogged_.data() && unit > 0) add_total(unit);
    unlogged.smallest_sum = n_unlogged_cells_ == 0 ? sum : std::min(unlogged.smallest_sum, sum);
    unlogged.largest_sum = std::max(unlogged.largest_sum, sum);
  }
  ++n_unlogged_cells_;
}

void ValueKindFinder::add(const CsrView& cells, CellIndex first_cell) {
  n_entries_ += cells.n_rows * cells.n_cols;
  for (CellIndex r = 0; r < cells.n_rows; ++r) {
    const auto values = cells.row_values(r);
    double unlogged = 0;
    bool has_values = false;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const float value = values[i];
      if (value == 0) continue;
      has_values = true;
      ++n_values_;
      const bool is_finite = std::isfinite(value);
      const bool is_whole = is_finite && value == std::floor(value);
      if ((!is_whole || value < 0) && first_no_count_.cell < 0) {
        first_no_count_ = {first_cell + r, cells.row_columns(r)[i], value};
      }
      has_infinite_ = has_infinite_ || !is_finite;
      sum_ += static_cast<double>(value);
      if (!is_finite) continue;
      has_negative_ = has_negative_ || value < 0;
      largest_ = std::max(largest_, value);
      sum_of_squares_ += static_cast<double>(value) * static_cast<double>(value);
      if (!is_whole) ++n_fractions_;
      if (n_fractions_ == 0 || value < 0 || value > kLargestLog) continue;
      are_logs_of_counts_ = are_logs_of_counts_ && is_about_whole(std::expm1(double{value}));
      are_log2_of_counts_ = are_log2_of_counts_ && is_about_whole(std::exp2(double{value}) - 1);
    }
    if (!has_values) continue;
    if (n_fractions_ > 0 && largest_ <= kLargestLog) {
      for (const float value : values) unlogged += std::expm1(static_cast<double>(value));
      look_for_counts(values);
    }
    smallest_cell_ = n_cells_ == 0 ? unlogged : std::min(smallest_cell_, unlogged);
    largest_cell_ = std::max(largest_cell_, unlogged);
    ++n_cells_;
  }
}

bool ValueKindFinder::looks_z_scored() const {
  // Sparse counts with a -1 among them have such a mean and variance, too.
  if (!has_negative_ || n_entries_ == 0 || n_fractions_ == 0) return false;
  const auto n = static_cast<double>(n_entries_);
  const double mean = sum_ / n;
  const double variance = sum_of_squares_ / n - mean * mean;
  return std::abs(mean) < kLargestMean && variance > kLeastVariance && variance < kLargestVariance;
}

bool ValueKindFinder::has_one_sum() const {
  return n_cells_ > 1 && largest_cell_ - smallest_cell_ < kSameSum * largest_cell_;
}

bool ValueKindFinder::has_sums_of_cp10k() const {
  return n_cells_ > 0 && std::abs(smallest_cell_ / kCp10k - 1) <= kSumTolerance &&
         std::abs(largest_cell_ / kCp10k - 1) <= kSumTolerance;
}

bool ValueKindFinder::is_to_another_base() const {
  if (unlogged_[0].is_of_counts()) return false;
  return std::any_of(unlogged_.begin() + 1, unlogged_.end(), [&](const Unlogged& other) {
    const bool has_one_sum = n_unlogged_cells_ > 1 &&
                             other.largest_sum - other.smallest_sum < kSameSum * other.largest_sum;
    return has_one_sum || other.is_of_counts();
  });
}

bool ValueKindFinder::is_of_another_sum() const {
  return n_totals_ >= kFewestMultiples && static_cast<double>(n_whole_totals_) <
                                              kShareOfWholeTotals * static_cast<double>(n_totals_);
}

bool ValueKindFinder::is_surely_of_another_sum() const {
  const Unlogged& natural = unlogged_[0];
  if (!natural.is_of_counts()) return false;
  if (divisor_of_totals() > 1 && !is_of_another_sum()) return true;
  return n_totals_ >= kFewestTotals &&
         static_cast<double>(natural.n_whole) >=
             kShareOfCounts * static_cast<double>(natural.n_multiples) &&
         static_cast<double>(n_whole_totals_) <= kShareByChance * static_cast<double>(n_totals_);
}

std::string ValueKindFinder::text_of_totals() const {
  return fmt::format(
      "10 000 over a cell's smallest value, unlogged, would be its sum of counts, and is a whole "
      "number in only {} of {} cells",
      n_whole_totals_, n_totals_);
}

/// Whether cells were thinned to one sum of counts. Where a cell's smallest value is not one count
/// but two or three, what is taken for its sum is a half or a third of that.
bool ValueKindFinder::have_one_depth() const {
  const double depth = *std::ranges::max_element(whole_totals_);
  const auto n = std::ranges::count_if(whole_totals_,
                                       [&](double total) { return std::fmod(depth, total) == 0; });
  return 2 * n >= n_whole_totals_;
}

/// What the sums of counts are multiples of: 2, 5, 10; 1 if of nothing.
int ValueKindFinder::divisor_of_totals() const {
  if (n_whole_totals_ < kFewestTotals || have_one_depth()) return 1;
  const double enough = kShareOfMultiples * static_cast<double>(n_whole_totals_);
  return (static_cast<double>(n_even_totals_) > enough ? 2 : 1) *
         (static_cast<double>(n_five_totals_) > enough ? 5 : 1);
}

std::string ValueKindFinder::doubt() const {
  if (kind() == ValueKind::OtherLog && could_be_cp10k() && is_surely_of_another_sum()) {
    const int divisor = divisor_of_totals();
    if (divisor == 1 || is_of_another_sum()) return text_of_totals();
    return fmt::format(
        "of 10 000 counts a cell, nearly every cell would have a multiple of {} counts; they may "
        "be "
        "of {:.0f}",
        divisor, kCp10k / divisor);
  }
  if (kind() != ValueKind::LogNormalized || has_sums_of_cp10k() ||
      unlogged_[0].n_multiples < kFewestMultiples) {
    return {};
  }
  if (!unlogged_[0].is_of_counts()) {
    return "no counts are behind it, and cells sum up to less than 10 000";
  }
  if (!is_of_another_sum()) return {};
  return text_of_totals() + " (a model of counts labels other logarithms wrongly)";
}

std::string ValueKindFinder::warning(const Table& obs, const Table& var) const {
  if (!has_values() || kind() == ValueKind::Counts) return {};
  const std::string text = "the values are no counts: they are ";
  if (kind() == ValueKind::LogNormalized) {
    return text + to_text(kind()) + (doubt().empty() ? "" : ", or another logarithm");
  }
  if (kind() == ValueKind::OtherLog) return text + to_text(kind());
  return fmt::format("{}{} ({})", text,
                     kind() == ValueKind::Unknown ? "of no known kind" : to_text(kind()),
                     text_of_first_no_count(obs, var));
}

std::string ValueKindFinder::text_of_first_no_count(const Table& obs, const Table& var) const {
  const auto& [cell, gene, value] = first_no_count_;
  SAITHE_ASSERT(cell >= 0);
  return fmt::format(
      "cell '{}' (row {}) has the value {} for gene '{}'; counts are {}",
      printable(obs.name_of(cell)), cell, format_number(value), printable(var.name_of(gene)),
      !std::isfinite(value) || value < 0 ? "finite and not negative" : "whole numbers");
}

/// Whether logarithms do not contradict 10 000 a cell by their sums and their base.
bool ValueKindFinder::could_be_cp10k() const {
  if (are_logs_of_counts_ || are_log2_of_counts_) return false;
  const double above = largest_cell_ / kCp10k - 1;
  if (largest_ > kLargestLogNormalized || above > kSumTolerance) return false;
  // A subset of the genes has sums of its own below 10 000; one sum for all cells that is another
  // number is another normalisation.
  if (has_one_sum() && std::abs(above) > kSumTolerance) return false;
  // Logarithms to the base of 10 of all genes look like natural ones of some of the genes.
  return has_sums_of_cp10k() || !is_to_another_base();
}

ValueKind ValueKindFinder::kind() const {
  if (has_infinite_) return ValueKind::Unknown;
  if (!has_negative_ && n_fractions_ == 0) return ValueKind::Counts;
  if (has_negative_) return looks_z_scored() ? ValueKind::ZScored : ValueKind::Unknown;
  // Logarithms are hardly ever whole: these are counts with something among them.
  if (2 * n_fractions_ < n_values_ || largest_ > kLargestLog) return ValueKind::Unknown;
  if (!could_be_cp10k()) return ValueKind::OtherLog;
  if (!has_sums_of_cp10k() && is_surely_of_another_sum()) return ValueKind::OtherLog;
  return ValueKind::LogNormalized;
}

std::unique_ptr<CellSource> show_to(ValueKindFinder& finder, std::unique_ptr<CellSource> cells) {
  return std::make_unique<ShownCells>(finder, std::move(cells));
}

}  // namespace saithe
