#pragma once

// What the values of a matrix are, told from the values: counts, logarithms, z-scores.

#include <array>
#include <span>
#include <string>

#include "saithe/core/options.h"
#include "saithe/data/cell_source.h"

namespace saithe {

/// What stored values look like.
enum class ValueKind {
  Counts,         ///< whole numbers of 0 or more
  LogNormalized,  ///< ln(1 + counts of 10 000), or a subset of its genes
  OtherLog,       ///< another logarithm: of counts, of another sum, to another base
  ZScored,        ///< about zero mean and unit variance, negative values among them
  Unknown
};
template <>
struct EnumNames<ValueKind> {
  static constexpr std::pair<ValueKind, const char*> values[] = {
      {ValueKind::Counts, "counts"},
      {ValueKind::LogNormalized, "log1p(CP10k)"},
      {ValueKind::OtherLog, "other log"},
      {ValueKind::ZScored, "z-scored"},
      {ValueKind::Unknown, "unknown"}};
};

/// No logarithm of a cell normalised to 10 000 is above this: ln(10 001) = 9.2104.
inline constexpr float kLargestLogNormalized = 9.2105F;

/// Looks at blocks of cells and says what they hold. docs/methods.md has the rules.
class ValueKindFinder {
 public:
  ValueKindFinder();
  /// A value that is no count, and where it stands.
  struct NoCount {
    CellIndex cell = -1;  ///< -1: there is none
    GeneIndex gene = 0;
    float value = 0;
  };

  void add(const CsrView& cells, CellIndex first_cell);
  /// Whether any value other than 0 was seen.
  [[nodiscard]] bool has_values() const { return n_values_ > 0; }
  [[nodiscard]] std::int64_t n_values() const { return n_values_; }
  /// Counts where there are no values.
  [[nodiscard]] ValueKind kind() const;
  /// Why what is taken for log1p(CP10k) may be another logarithm, where sums of cells do not bear
  /// it out: no counts are behind it, or not counts of 10 000; and of what is taken for another
  /// logarithm, why, where it is told by that. Empty if nothing speaks against it.
  [[nodiscard]] std::string doubt() const;
  /// "the values are no counts: they are other log", and where the first is that shows it, unless
  /// they are logarithms; empty of counts and where there are none.
  [[nodiscard]] std::string warning(const Table& obs, const Table& var) const;
  /// "cell 'c' (row 3) has the value -0.4 for gene 'g'; counts are whole numbers", of the first
  /// that is no count; there must be one.
  [[nodiscard]] std::string text_of_first_no_count(const Table& obs, const Table& var) const;
  [[nodiscard]] const NoCount& first_no_count() const { return first_no_count_; }
  [[nodiscard]] double total() const { return sum_; }

 private:
  [[nodiscard]] bool looks_z_scored() const;
  [[nodiscard]] bool could_be_cp10k() const;
  [[nodiscard]] bool has_one_sum() const;
  [[nodiscard]] bool has_sums_of_cp10k() const;
  [[nodiscard]] bool is_to_another_base() const;
  [[nodiscard]] bool is_of_another_sum() const;
  [[nodiscard]] bool is_surely_of_another_sum() const;
  [[nodiscard]] std::string text_of_totals() const;
  [[nodiscard]] bool have_one_depth() const;
  [[nodiscard]] int divisor_of_totals() const;
  void look_for_counts(std::span<const float> values);
  void add_total(double unit);

  /// Of what a base makes of logarithms in some of the cells, less 1: its multiples of the cell's
  /// smallest are whole if counts are behind it.
  struct Unlogged {
    double base_log = 1;
    bool is_twice = false;  ///< ln(1 + ln(1 + x))
    std::int64_t n_multiples = 0;
    std::int64_t n_whole = 0;
    double smallest_sum = 0;
    double largest_sum = 0;
    [[nodiscard]] bool is_of_counts() const;
  };

  std::int64_t n_entries_ = 0;  // cells x genes
  std::int64_t n_values_ = 0;   // other than 0
  std::int64_t n_fractions_ = 0;
  std::int64_t n_cells_ = 0;  // with values
  bool has_negative_ = false;
  bool has_infinite_ = false;
  bool are_logs_of_counts_ = true;  // ln or log2 of 1 + whole numbers
  bool are_log2_of_counts_ = true;
  float largest_ = 0;
  double sum_ = 0;
  double sum_of_squares_ = 0;
  double smallest_cell_ = 0;  // sums of exp(value) - 1
  double largest_cell_ = 0;
  std::array<Unlogged, 4> unlogged_;  // e, 2, 10, e twice
  std::int64_t n_unlogged_cells_ = 0;
  // Of these cells: how large its sum of counts may be, see add_total().
  std::int64_t n_totals_ = 0;
  std::int64_t n_whole_totals_ = 0;
  std::int64_t n_even_totals_ = 0;  // of the whole ones
  std::int64_t n_five_totals_ = 0;  // multiples of 5
  std::vector<double> whole_totals_;
  NoCount first_no_count_;
};

/// The same cells; each block that is read of them is shown to `finder`, which outlives them.
std::unique_ptr<CellSource> show_to(ValueKindFinder& finder, std::unique_ptr<CellSource> cells);

}  // namespace saithe
