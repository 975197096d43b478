#include "saithe/data/table.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <memory>
#include <set>

#include "saithe/core/text_io.h"

namespace saithe {
namespace {

// From the first a double may stand for several whole numbers; the second is past std::int64_t.
// R's NA among whole numbers, which SeuratDisk writes into an h5ad.
constexpr std::int64_t kMissingInR = std::numeric_limits<std::int32_t>::min();
constexpr double kFirstInexact = 0x1p53;
constexpr double kPast64Bits = 0x1p63;
// Names that are read at a time.
constexpr std::int64_t kBlockRows = 1 << 14;

template <typename T>
std::vector<T> pick(const std::vector<T>& values, std::span<const CellIndex> rows) {
  std::vector<T> picked;
  picked.reserve(rows.size());
  for (const CellIndex r : rows) picked.push_back(values[as_size(r)]);
  return picked;
}

Column select_column(const Column& column, std::span<const CellIndex> rows) {
  if (const auto* category = std::get_if<CategoryColumn>(&column)) {
    return CategoryColumn{pick(category->codes, rows), category->levels, category->is_ordered,
                          category->level_kind};
  }
  if (const auto* text = std::get_if<TextColumn>(&column)) {
    return TextColumn{pick(text->values, rows), text->is_missing.empty()
                                                    ? std::vector<bool>{}
                                                    : pick(text->is_missing, rows)};
  }
  const auto& number = std::get<NumberColumn>(column);
  return NumberColumn{
      pick(number.values, rows), number.kind,
      number.exact.empty() ? std::vector<std::int64_t>{} : pick(number.exact, rows)};
}

/// The names of ascending rows, read in blocks.
std::vector<std::string> pick_names(const ReadNames& read, std::span<const CellIndex> rows) {
  std::vector<std::string> picked;
  picked.reserve(rows.size());
  for (std::size_t at = 0; at < rows.size();) {
    const CellIndex begin = rows[at];
    const CellIndex limit = begin + kBlockRows;
    std::size_t last = at;
    while (last + 1 < rows.size() && rows[last + 1] < limit) ++last;
    const std::vector<std::string> names = read(begin, rows[last] + 1);
    for (; at <= last; ++at) picked.push_back(names[as_size(rows[at] - begin)]);
  }
  return picked;
}

std::string number_text(double value, NumberColumn::Kind kind) {
  if (std::isnan(value)) return "";
  switch (kind) {
    case NumberColumn::Kind::Boolean:
      return value != 0 ? "True" : "False";
    case NumberColumn::Kind::Integer:
      if (!(std::abs(value) < kPast64Bits)) return format_number(value);
      return std::to_string(static_cast<std::int64_t>(value));
    case NumberColumn::Kind::Float32:
      return format_number(static_cast<float>(value));
    case NumberColumn::Kind::Float64:
      return format_number(value);
  }
  return "";
}

}  // namespace

std::size_t column_size(const Column& column) {
  if (const auto* category = std::get_if<CategoryColumn>(&column)) return category->codes.size();
  if (const auto* text = std::get_if<TextColumn>(&column)) return text->values.size();
  return std::get<NumberColumn>(column).values.size();
}

const std::vector<std::string>& Table::index() const {
  if (read_names_) {
    index_ = read_names_(0, n_rows_);
    SAITHE_ASSERT(std::ssize(index_) == n_rows_);
    read_names_ = nullptr;
  }
  return index_;
}

std::vector<std::string> Table::names(std::int64_t begin, std::int64_t end) const {
  SAITHE_ASSERT(0 <= begin && begin <= end && end <= n_rows_);
  if (read_names_) return read_names_(begin, end);
  return {index_.begin() + begin, index_.begin() + end};
}

std::optional<std::size_t> Table::place_of(std::string_view name) const {
  const auto found = std::find_if(columns_.begin(), columns_.end(),
                                  [&](const auto& column) { return column.first == name; });
  if (found == columns_.end()) return std::nullopt;
  return static_cast<std::size_t>(found - columns_.begin());
}

Column Table::column_read(std::size_t place) const {
  Column column = read_[place]();
  SAITHE_ASSERT(column_size(column) == as_size(n_rows_));
  return column;
}

void Table::read_column(std::size_t place) const {
  if (!read_[place]) return;
  columns_[place].second = column_read(place);
  read_[place] = nullptr;
}

const std::vector<std::pair<std::string, Column>>& Table::columns() const {
  for (std::size_t place = 0; place < columns_.size(); ++place) read_column(place);
  return columns_;
}

void Table::visit_read_columns(
    const std::function<void(const std::string& name, const Column&)>& visit) const {
  for (std::size_t place = 0; place < columns_.size(); ++place) {
    if (!read_[place]) visit(columns_[place].first, columns_[place].second);
  }
}

void Table::visit_columns(
    const std::function<void(const std::string& name, const Column&)>& visit) const {
  for (std::size_t place = 0; place < columns_.size(); ++place) {
    const auto& [name, column] = columns_[place];
    if (read_[place]) {
      visit(name, column_read(place));
    } else {
      visit(name, column);
    }
  }
}

const Column* Table::find(std::string_view name) const {
  const auto place = place_of(name);
  if (!place) return nullptr;
  read_column(*place);
  return &columns_[*place].second;
}

void Table::set(std::string name, Column column) {
  SAITHE_ASSERT(column_size(column) == as_size(n_rows_));
  columns_[add_place(std::move(name))].second = std::move(column);
}

void Table::set_later(std::string name, ReadColumn read) {
  read_[add_place(std::move(name))] = std::move(read);
}

std::int64_t Table::most_bytes_of_entry() const {
  std::int64_t most = 0;
  for (const ReadColumn& read : read_) {
    if (read) most = std::max(most, read.bytes_of_entry());
  }
  return most;
}

std::size_t Table::add_place(std::string name) {
  const auto existing = place_of(name);
  if (!existing) {
    columns_.emplace_back(std::move(name), Column());
    read_.emplace_back();
    return columns_.size() - 1;
  }
  columns_[*existing].second = Column();
  read_[*existing] = nullptr;
  return *existing;
}

void Table::rename_rows(std::vector<std::string> index) {
  SAITHE_ASSERT(std::ssize(index) == n_rows_);
  index_ = std::move(index);
  read_names_ = nullptr;
}

Table Table::select_rows(std::span<const CellIndex> rows) const {
  std::shared_ptr<const std::vector<CellIndex>> kept;  // of what reads later
  Table selected;
  if (read_names_ && std::is_sorted(rows.begin(), rows.end())) {
    kept = std::make_shared<const std::vector<CellIndex>>(rows.begin(), rows.end());
    selected = Table(std::ssize(rows), [read = read_names_, kept](auto begin, auto end) {
      return pick_names(read, std::span(*kept).subspan(as_size(begin), as_size(end - begin)));
    });
  } else {
    selected = Table(pick(index(), rows));
  }
  selected.index_name = index_name;
  for (std::size_t place = 0; place < columns_.size(); ++place) {
    const auto& [name, column] = columns_[place];
    if (!read_[place]) {
      selected.set(name, select_column(column, rows));
      continue;
    }
    if (!kept) kept = std::make_shared<const std::vector<CellIndex>>(rows.begin(), rows.end());
    selected.set_later(name, {[read = read_[place], kept] { return select_column(read(), *kept); },
                              read_[place].bytes_of_entry()});
  }
  return selected;
}

std::vector<std::string> Table::as_text(std::string_view name) const {
  const Column* column = find(name);
  SAITHE_ASSERT(column != nullptr);
  std::vector<std::string> text(as_size(n_rows_));
  if (const auto* category = std::get_if<CategoryColumn>(column)) {
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (category->codes[i] >= 0) text[i] = category->levels[as_size(category->codes[i])];
    }
  } else if (const auto* plain = std::get_if<TextColumn>(column)) {
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (plain->is_missing.empty() || !plain->is_missing[i]) text[i] = plain->values[i];
    }
  } else {
    const auto& number = std::get<NumberColumn>(*column);
    for (std::size_t i = 0; i < text.size(); ++i) {
      const bool is_exact = !number.exact.empty() && !std::isnan(number.values[i]);
      text[i] =
          is_exact ? std::to_string(number.exact[i]) : number_text(number.values[i], number.kind);
    }
  }
  return text;
}

std::vector<std::string> Table::names_of_columns() const {
  std::vector<std::string> names;
  for (const auto& [name, column] : columns_) names.push_back(name);
  return names;
}

std::string Table::column_names() const {
  std::string names;
  for (const auto& [name, column] : columns_) names += (names.empty() ? "" : ", ") + name;
  return names;
}

void visit_names(const Table& table,
                 const std::function<void(std::int64_t row, const std::string& name)>& visit) {
  for (std::int64_t begin = 0; begin < table.n_rows(); begin += kBlockRows) {
    std::int64_t row = begin;
    const std::int64_t end = std::min(table.n_rows(), begin + kBlockRows);
    for (const std::string& name : table.names(begin, end)) visit(row++, name);
  }
}

CategoryColumn make_category_column(std::span<const std::string> names) {
  CategoryColumn column;
  std::set<std::string> distinct(names.begin(), names.end());
  distinct.erase("");
  column.levels.assign(distinct.begin(), distinct.end());
  column.codes.reserve(names.size());
  for (const std::string& name : names) {
    if (name.empty()) {
      column.codes.push_back(-1);
      continue;
    }
    const auto level = std::lower_bound(column.levels.begin(), column.levels.end(), name);
    column.codes.push_back(static_cast<std::int32_t>(level - column.levels.begin()));
  }
  return column;
}

CategoryColumn to_categories(const TextColumn& texts) {
  const auto is_missing = [&](std::size_t i) {
    return !texts.is_missing.empty() && texts.is_missing[i];
  };
  std::set<std::string_view> distinct;
  for (std::size_t i = 0; i < texts.values.size(); ++i) {
    if (!is_missing(i)) distinct.insert(texts.values[i]);
  }
  CategoryColumn column;
  column.levels = std::vector<std::string>(distinct.begin(), distinct.end());
  for (std::size_t i = 0; i < texts.values.size(); ++i) {
    const auto level =
        std::lower_bound(column.levels.begin(), column.levels.end(), texts.values[i]);
    column.codes.push_back(
        is_missing(i) ? -1 : static_cast<std::int32_t>(level - column.levels.begin()));
  }
  return column;
}

CategoryColumn make_category_column(std::span<const std::int64_t> codes,
                                    std::vector<std::string> levels, const std::string& where) {
  CategoryColumn column;
  column.levels = std::move(levels);
  column.codes.reserve(codes.size());
  for (std::int64_t code : codes) {
    if (code == kMissingInR) code = -1;
    if (code < -1 || code >= static_cast<std::int64_t>(column.levels.size())) {
      fail(ErrorKind::BadFormat,
           "{}: has the code {} for {} categories; they are numbered from 0, and -1 is none. Write "
           "the column again.",
           where, code, column.levels.size());
    }
    column.codes.push_back(static_cast<std::int32_t>(code));
  }
  return column;
}

std::vector<std::string> level_names(NumberColumn levels) {
  Table table(std::vector<std::string>(levels.values.size()));
  table.set("level", std::move(levels));
  return table.as_text("level");
}

std::optional<NumberColumn> level_numbers(const CategoryColumn& column) {
  if (!column.level_kind) return std::nullopt;
  NumberColumn numbers{{}, *column.level_kind};
  for (const std::string& level : column.levels) {
    double value = 0;
    std::int64_t whole = 0;
    if (numbers.kind == NumberColumn::Kind::Boolean) {
      if (level != "True" && level != "False") return std::nullopt;
      value = level == "True" ? 1 : 0;
    } else if (numbers.kind == NumberColumn::Kind::Integer) {
      if (!parse_number(level, whole)) return std::nullopt;
      value = static_cast<double>(whole);
    } else if (!parse_number(level, value)) {
      return std::nullopt;
    }
    numbers.values.push_back(value);
    numbers.exact.push_back(whole);
  }
  if (!need_exact_integers(numbers.values)) numbers.exact.clear();
  return numbers;
}

std::vector<std::string> level_names(std::span<const std::uint64_t> levels) {
  std::vector<std::string> names;
  for (const std::uint64_t level : levels) names.push_back(std::to_string(level));
  return names;
}

std::optional<std::vector<std::uint64_t>> unsigned_levels(const CategoryColumn& column) {
  if (column.level_kind != NumberColumn::Kind::Integer) return std::nullopt;
  std::vector<std::uint64_t> levels;
  bool is_needed = false;
  for (const std::string& text : column.levels) {
    std::uint64_t level = 0;
    const char* last = text.data() + text.size();
    const auto [end, error] = std::from_chars(text.data(), last, level);
    if (error != std::errc() || end != last) return std::nullopt;
    is_needed = is_needed || static_cast<double>(level) >= kPast64Bits;
    levels.push_back(level);
  }
  if (!is_needed) return std::nullopt;
  return levels;
}

bool need_unsigned_integers(std::span<const double> values) {
  return std::ranges::none_of(values, [](double value) { return value < 0; }) &&
         std::ranges::any_of(values, [](double value) { return value >= kPast64Bits; });
}

bool need_exact_integers(std::span<const double> values) {
  bool are_inexact = false;
  for (const double value : values) {
    if (value > kPast64Bits || value < -kPast64Bits) return false;
    are_inexact = are_inexact || std::abs(value) >= kFirstInexact;
  }
  return are_inexact;
}

bool fit_signed_integers(std::span<const double> values, std::span<const std::int64_t> exact) {
  return !exact.empty() || std::ranges::none_of(values, [](double value) {
    return value >= kPast64Bits || value < -kPast64Bits;
  });
}

void warn_of_inexact_integers(const Column& column, const std::string& where,
                              const Context& context) {
  const auto* numbers = std::get_if<NumberColumn>(&column);
  if (numbers == nullptr || numbers->kind != NumberColumn::Kind::Integer) return;
  if (fit_signed_integers(numbers->values, numbers->exact)) return;
  context.warn(fmt::format(
      "{}: has whole numbers of 2^63 or more; the column is read as 64-bit floating-point numbers, "
      "which are rounded from 2^53 on",
      where));
}

}  // namespace saithe
