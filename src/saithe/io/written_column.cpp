#include "saithe/io/written_column.h"

#include <limits>
#include <utility>

#include "saithe/core/text_io.h"
#include "saithe/io/delimited_text.h"

namespace saithe::io {
namespace {

constexpr std::int64_t kBytesOfText = 64;
// As written, and then as a double and, if that does not hold it, a whole number.
constexpr std::int64_t kBytesOfNumber = 40;

std::string_view without_sign(std::string_view number) {
  return number.substr(number.starts_with('-') || number.starts_with('+') ? 1 : 0);
}

bool is_of_digits(std::string_view number) {
  return without_sign(number).find_first_not_of("0123456789") == std::string_view::npos;
}

/// "007": a name that is made of digits, which would not be the same as a number.
bool begins_with_idle_zero(std::string_view whole) {
  return without_sign(whole).size() > 1 && without_sign(whole).front() == '0';
}

/// Calls visit(field) for each field of a column.
template <typename Visit>
void visit_fields(std::string_view written, const Visit& visit) {
  while (!written.empty()) {
    const auto end = written.find('\n');
    visit(written.substr(0, end));
    written.remove_prefix(end + 1);
  }
}

}  // namespace

std::int64_t WrittenColumn::bytes_of_row() const {
  return is_of_numbers() ? kBytesOfNumber : kBytesOfText;
}

void WrittenColumn::add(std::string_view field) {
  written_ += field;
  written_ += '\n';
  ++n_rows_;
  if (!is_of_numbers() || is_missing_value(field)) return;
  std::int64_t whole = 0;
  double number = 0;
  const std::string_view text = trim_blanks(field);
  const bool is_whole = is_of_digits(text);
  if (!parse_any_number(field, separator_, number) || (is_whole && begins_with_idle_zero(text))) {
    has_text_ = true;
    return;
  }
  are_whole_ = are_whole_ && is_whole;
  fit_64_bits_ = fit_64_bits_ && parse_number(text, whole);
}

NumberColumn WrittenColumn::numbers() const {
  NumberColumn column;
  column.values.reserve(static_cast<std::size_t>(n_rows_));
  bool is_any_there = false;
  visit_fields(written_, [&](std::string_view field) {
    double number = std::numeric_limits<double>::quiet_NaN();
    if (!is_missing_value(field)) {
      is_any_there = true;
      parse_any_number(field, separator_, number);
    }
    column.values.push_back(number);
  });
  if (!are_whole_ || !is_any_there) return column;
  column.kind = NumberColumn::Kind::Integer;
  if (!fit_64_bits_ || !need_exact_integers(column.values)) return column;
  column.exact.reserve(column.values.size());
  visit_fields(written_, [&](std::string_view field) {
    std::int64_t whole = 0;
    if (!is_missing_value(field)) parse_number(trim_blanks(field), whole);
    column.exact.push_back(whole);
  });
  return column;
}

TextColumn WrittenColumn::texts() const {
  TextColumn column;
  column.values.reserve(static_cast<std::size_t>(n_rows_));
  bool is_any_missing = false;
  visit_fields(written_, [&](std::string_view field) {
    const bool is_missing = may_be_of_numbers() && is_missing_value(field);
    column.values.emplace_back(is_missing ? std::string_view() : field);
    column.is_missing.push_back(is_missing);
    is_any_missing = is_any_missing || is_missing;
  });
  if (!is_any_missing) column.is_missing.clear();
  return column;
}

Column WrittenColumn::finish() && {
  Column column = is_of_numbers() ? Column(numbers()) : Column(texts());
  std::string().swap(written_);
  return column;
}

}  // namespace saithe::io
