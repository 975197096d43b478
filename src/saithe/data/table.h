#pragma once

// A table of named columns beside the cells (obs) or the genes (var), as AnnData keeps them.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "saithe/core/context.h"
#include "saithe/core/types.h"

namespace saithe {

/// A column of numbers. Missing numbers are NaN.
struct NumberColumn {
  enum class Kind { Float32, Float64, Integer, Boolean };
  std::vector<double> values;
  Kind kind = Kind::Float64;
  /// The same whole numbers, where a double may not hold one of them (from 2^53 on; 0 where it is
  /// missing); otherwise empty.
  std::vector<std::int64_t> exact = {};
};

/// A column of repeated names: codes index levels; -1 is missing.
struct CategoryColumn {
  std::vector<std::int32_t> codes;
  std::vector<std::string> levels;
  bool is_ordered = false;
  /// What the levels are the texts of, where they are no texts themselves.
  std::optional<NumberColumn::Kind> level_kind = std::nullopt;
};

/// A column of free text; `is_missing` is empty when nothing is missing.
struct TextColumn {
  std::vector<std::string> values;
  std::vector<bool> is_missing;
};

using Column = std::variant<CategoryColumn, TextColumn, NumberColumn>;

/// The number of its entries.
std::size_t column_size(const Column& column);

/// What an entry of a column takes at most while it is read: a text, unless it is long, is there
/// twice.
inline constexpr std::int64_t kBytesOfTextEntry = 110;
inline constexpr std::int64_t kBytesOfOtherEntry = 45;

/// Reads a column, which has one entry per row; or nothing.
class ReadColumn {
 public:
  ReadColumn(std::nullptr_t = nullptr) {}  // NOLINT(google-explicit-constructor): as a function's
  template <typename Read>
  requires std::is_invocable_r_v<Column, const Read&> ReadColumn(
      Read read,  // NOLINT(google-explicit-constructor): as a function's
      std::int64_t bytes_of_entry = kBytesOfTextEntry)
      : read_(std::move(read)), bytes_of_entry_(bytes_of_entry) {}
  explicit operator bool() const { return static_cast<bool>(read_); }
  Column operator()() const { return read_(); }
  /// What an entry takes at most while it is read.
  [[nodiscard]] std::int64_t bytes_of_entry() const { return bytes_of_entry_; }

 private:
  std::function<Column()> read_;
  std::int64_t bytes_of_entry_ = 0;
};
/// Reads the names of the rows [begin, end).
using ReadNames = std::function<std::vector<std::string>(std::int64_t begin, std::int64_t end)>;

/// Named columns of equal length, and an index (barcodes or gene names).
///
/// Those of a large file stay there until they are asked for, and are kept from then on; asking
/// throws what reading throws. One thread at a time asks.
class Table {
 public:
  Table() = default;
  explicit Table(std::vector<std::string> index)
      : n_rows_(static_cast<std::int64_t>(index.size())), index_(std::move(index)) {}
  /// A table whose index is read when it is asked for.
  Table(std::int64_t n_rows, ReadNames read_names)
      : n_rows_(n_rows), read_names_(std::move(read_names)) {}

  [[nodiscard]] std::int64_t n_rows() const { return n_rows_; }
  [[nodiscard]] const std::vector<std::string>& index() const;
  /// The names of the rows [begin, end). Without index() these are read for this call alone.
  [[nodiscard]] std::vector<std::string> names(std::int64_t begin, std::int64_t end) const;
  /// The name of one row, for messages.
  [[nodiscard]] std::string name_of(std::int64_t row) const { return names(row, row + 1).front(); }
  /// All columns. Reads those that were not.
  [[nodiscard]] const std::vector<std::pair<std::string, Column>>& columns() const;

  /// What is in memory now: whether the index is, and the columns that are.
  [[nodiscard]] bool has_read_index() const { return !read_names_; }
  void visit_read_columns(
      const std::function<void(const std::string& name, const Column&)>& visit) const;
  /// All columns in their order. Those that were not read are for this call alone, one at a time.
  void visit_columns(
      const std::function<void(const std::string& name, const Column&)>& visit) const;

  /// The names of the columns, in their order; nothing is read.
  [[nodiscard]] std::vector<std::string> names_of_columns() const;
  /// Whether there is a column of that name; nothing is read.
  [[nodiscard]] bool has(std::string_view name) const { return place_of(name).has_value(); }
  /// The column of that name, or nullptr.
  [[nodiscard]] const Column* find(std::string_view name) const;
  /// Adds a column, or replaces the one of that name. Throws Error(Internal) on a wrong length.
  void set(std::string name, Column column);
  /// The same of a column that is read when it is asked for.
  void set_later(std::string name, ReadColumn read);
  /// The most that an entry takes while it is read, of the columns that were not; 0: all were.
  [[nodiscard]] std::int64_t most_bytes_of_entry() const;
  /// Other names of the rows. Throws Error(Internal) on a wrong number.
  void rename_rows(std::vector<std::string> index);
  /// The rows `rows`, in that order; levels stay as they are. Columns that were not read are read
  /// when they are asked for, from where this table has them; names too, if `rows` ascend.
  [[nodiscard]] Table select_rows(std::span<const CellIndex> rows) const;
  /// The column's entries as text; missing entries are empty. Categories and text as they stand,
  /// booleans "True"/"False", integers without a point.
  [[nodiscard]] std::vector<std::string> as_text(std::string_view name) const;
  /// "a, b, c": the names of the columns, for messages.
  [[nodiscard]] std::string column_names() const;

  std::string index_name = "_index";

 private:
  [[nodiscard]] std::optional<std::size_t> place_of(std::string_view name) const;
  [[nodiscard]] Column column_read(std::size_t place) const;
  void read_column(std::size_t place) const;
  /// The place of an empty column of that name, new or not.
  std::size_t add_place(std::string name);

  std::int64_t n_rows_ = 0;
  // What reads stays until it has.
  mutable ReadNames read_names_;
  mutable std::vector<std::string> index_;
  mutable std::vector<std::pair<std::string, Column>> columns_;
  mutable std::vector<ReadColumn> read_;  // of each column; empty where it was read
};

/// Calls visit(row, name) for each row in its order; names that were not read are read in blocks.
void visit_names(const Table& table,
                 const std::function<void(std::int64_t row, const std::string& name)>& visit);

/// A category column from names; levels are the sorted distinct names, empty names are missing.
CategoryColumn make_category_column(std::span<const std::string> names);

/// The same values as categories, which have a way to say that one is missing (AnnData 0.8 has no
/// texts with gaps).
CategoryColumn to_categories(const TextColumn& texts);

/// A category column from codes as files hold them; -1, and R's NA, are missing. Throws
/// Error(BadFormat), beginning with `where`, on a code without a level.
CategoryColumn make_category_column(std::span<const std::int64_t> codes,
                                    std::vector<std::string> levels, const std::string& where);

/// The names of categories that are numbers or booleans.
std::vector<std::string> level_names(NumberColumn levels);
/// The numbers or booleans that they are the names of; nothing if the levels are texts.
std::optional<NumberColumn> level_numbers(const CategoryColumn& column);
/// The same of categories that are whole numbers of 0 or more, one of which is 2^63 or more.
std::vector<std::string> level_names(std::span<const std::uint64_t> levels);
std::optional<std::vector<std::uint64_t>> unsigned_levels(const CategoryColumn& column);

/// Whether whole numbers that were read as these doubles must be read again as integers: one is
/// 2^53 or more. False where one cannot fit 64 bits with a sign; 2^63 may stand for 2^63 - 1.
bool need_exact_integers(std::span<const double> values);
/// Whether 64 bits with a sign hold the whole numbers of a column, beside which some may be
/// missing: they are held exactly, or no double is past it.
bool fit_signed_integers(std::span<const double> values, std::span<const std::int64_t> exact);
/// Whether whole numbers that were read as these doubles fit 64 bits without a sign only: one is
/// 2^63 or more, and none is below 0.
bool need_unsigned_integers(std::span<const double> values);
/// Warns, beginning with `where`, of a column of whole numbers that are held as doubles because
/// one does not fit 64 bits with a sign, and of categories that none of the two holds.
void warn_of_inexact_integers(const Column& column, const std::string& where,
                              const Context& context);

}  // namespace saithe
