#include "saithe/io/delimited_text.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <span>

#include "saithe/io/name_patterns.h"

namespace saithe::io {
namespace {

constexpr std::array kSeparators = {'\t', ',', ';', ' '};

bool is_number(std::string_view field, char separator) {
  float value = 0;
  return parse_value(field, separator, value);
}

/// The fields of a line; none if its quotes are wrong.
std::vector<std::string> split_texts(std::string_view line, char separator) {
  FieldSplitter splitter(separator);
  std::vector<std::string_view> fields;
  if (!splitter.split(line, fields)) return {};
  return {fields.begin(), fields.end()};
}

bool are_numbers_or_missing(const std::vector<std::string>& fields, std::size_t from,
                            char separator) {
  return std::all_of(fields.begin() + static_cast<std::ptrdiff_t>(from), fields.end(),
                     [&](const std::string& field) {
                       return is_number(field, separator) || is_missing_value(field);
                     });
}

/// Whether a line of that many names can stand above a line of that many fields.
bool fits(std::size_t n_names, std::size_t n_fields) {
  return n_fields >= 2 && (n_names == n_fields || n_names + 1 == n_fields);
}

/// The separator under which both lines have the same columns, best one whose row is of numbers.
std::optional<char> find_separator(std::string_view header, std::string_view row) {
  std::optional<char> best;
  std::optional<char> weak;
  std::size_t most_numbers = 0;
  std::size_t n_tabbed = 0;
  for (const char separator : kSeparators) {
    const auto names = split_texts(header, separator);
    const auto fields = split_texts(row, separator);
    if (!fits(names.size(), fields.size())) continue;
    // Commas between tabs are decimal ones.
    if (separator == '\t') {
      n_tabbed = fields.size();
    } else if (fields.size() <= n_tabbed) {
      continue;
    }
    const auto n_numbers = static_cast<std::size_t>(
        std::count_if(fields.begin() + 1, fields.end(),
                      [&](const std::string& field) { return is_number(field, separator); }));
    const bool are_values = are_numbers_or_missing(fields, 1, separator);
    if (are_values && n_numbers > 0) {
      if (names.size() > 1) return separator;
      // Between semicolons commas are decimal: of "gene;c1" above "ACTB;3,5" they cut nothing.
      if (!weak || separator == ';') weak = separator;
      continue;
    }
    if (are_values && !best) best = separator;
    if (n_numbers > most_numbers) {
      best = separator;
      most_numbers = n_numbers;
    }
  }
  // Numbers as others write them are no values; what reads them says so.
  for (const char separator : {'\t', ',', ';'}) {
    const auto names = split_texts(header, separator);
    const auto fields = split_texts(row, separator);
    if (!best && names.size() > 1 && fits(names.size(), fields.size()) &&
        std::all_of(fields.begin() + 1, fields.end(), has_comma_in_number)) {
      return separator;
    }
  }
  if (weak) return weak;
  if (best) return best;
  // A number before texts: the count of a gene and a cell, below three names.
  for (const char separator : {'\t', ',', ';'}) {
    const auto names = split_texts(header, separator);
    const auto fields = split_texts(row, separator);
    const bool is_count = fields.size() == 3 && is_number(fields[0], separator);
    if (is_count && names.size() == 3 && !is_number(names[0], separator)) return separator;
  }
  // Words below names: a table, of which can be said what it lacks.
  for (const char separator : {'\t', ',', ';'}) {
    const auto names = split_texts(header, separator);
    if (names.size() >= 3 && fits(names.size(), split_texts(row, separator).size())) {
      return separator;
    }
  }
  return std::nullopt;
}

/// The names of columns in a comment, cut at the table's separator or at blanks.
std::optional<std::vector<std::string>> names_in_comment(std::string_view comment, char separator,
                                                         std::size_t n_fields) {
  comment.remove_prefix(comment.find_first_not_of('#') == std::string_view::npos
                            ? comment.size()
                            : comment.find_first_not_of('#'));
  for (const char cut : {separator, ' '}) {
    auto names = split_texts(cut == ' ' ? comment : trim_blanks(comment), cut);
    if (fits(names.size(), n_fields)) return names;
  }
  return std::nullopt;
}

/// Takes the corner off names that have one for each of n fields.
void split_corner(TableStart& start, std::size_t n_fields) {
  start.lacks_corner = start.names.size() != n_fields;
  if (start.lacks_corner) return;
  start.corner = start.names.front();
  start.names.erase(start.names.begin());
}

/// The start of a table without a header of its own: `row` is of numbers, right under `comment`.
std::optional<TableStart> start_below_comment(std::string_view comment, std::string_view row) {
  const auto separator = find_separator(row, row);
  if (!separator) return std::nullopt;
  const auto fields = split_texts(row, *separator);
  if (!are_numbers_or_missing(fields, 1, *separator)) return std::nullopt;
  auto names = names_in_comment(comment, *separator, fields.size());
  if (!names) return std::nullopt;
  TableStart start{*separator, {}, std::move(*names), std::string(row), 0};
  split_corner(start, fields.size());
  return start;
}

// What featureCounts writes between the genes and the counts: some are numbers, or lists of them.
constexpr std::array<std::string_view, 5> kFeatureCounts = {"Chr", "Start", "End", "Strand",
                                                            "Length"};

bool names_feature_counts(const std::vector<std::string>& names) {
  return names.size() > kFeatureCounts.size() &&
         std::ranges::equal(kFeatureCounts, std::span(names).first(kFeatureCounts.size()));
}

/// The columns up to the last of text before the values. Measures may stand between those of text,
/// if values follow at all.
std::size_t count_texts(const std::vector<std::string>& names,
                        const std::vector<std::string>& fields, char separator) {
  const auto is_text = [&](std::size_t i) {
    return !are_numbers_or_missing({fields[i + 1]}, 0, separator);
  };
  std::size_t n_texts = 0;
  while (n_texts < names.size() && is_text(n_texts)) ++n_texts;
  std::size_t n_beside = n_texts;
  std::size_t end = n_texts;
  for (; end < names.size() && (is_text(end) || names_measure(names[end])); ++end) {
    if (is_text(end)) n_beside = end + 1;
  }
  return end < names.size() ? n_beside : n_texts;
}

std::optional<TableStart> start_of(std::string_view header, std::string_view row) {
  const auto separator = find_separator(header, row);
  if (!separator) return std::nullopt;
  TableStart start{*separator, {}, split_texts(header, *separator), std::string(row), 0};
  const auto fields = split_texts(row, *separator);
  split_corner(start, fields.size());
  // Numbers above numbers are no names, unless they count the columns.
  const bool are_numbers = are_numbers_or_missing(start.names, 0, *separator);
  if (are_numbers && !start.corner.empty() && !is_counted_up(start.names)) return std::nullopt;
  start.n_texts = count_texts(start.names, fields, *separator);
  start.knows_texts = names_feature_counts(start.names);
  if (start.knows_texts) start.n_texts = kFeatureCounts.size();
  return start;
}

}  // namespace

bool FieldSplitter::split(std::string_view line, std::vector<std::string_view>& fields) {
  fields.clear();
  unescaped_.clear();
  const bool is_blank = separator_ == ' ';
  if (is_blank) line = trim_blanks(line);
  if (!is_blank && line.find('"') == std::string_view::npos) {
    split_fields(line, separator_, fields);
    return true;
  }
  std::size_t at = 0;
  for (;;) {
    if (is_blank) at = std::min(line.find_first_not_of(' ', at), line.size());
    if (at < line.size() && line[at] == '"') {
      const std::size_t begin = at + 1;
      std::size_t close = line.find('"', begin);
      bool is_escaped = false;
      while (close != std::string_view::npos && close + 1 < line.size() && line[close + 1] == '"') {
        is_escaped = true;
        close = line.find('"', close + 2);
      }
      if (close == std::string_view::npos) return false;
      std::string_view field = line.substr(begin, close - begin);
      if (is_escaped) {
        std::string& text = unescaped_.emplace_back(field);
        for (std::size_t i = text.find("\"\""); i != std::string::npos;
             i = text.find("\"\"", i + 1))
          text.erase(i, 1);
        field = text;
      }
      fields.push_back(field);
      at = close + 1;
      if (at < line.size() && line[at] != separator_) return false;
    } else {
      const std::size_t end = std::min(line.find(separator_, at), line.size());
      fields.push_back(line.substr(at, end - at));
      at = end;
    }
    if (at >= line.size()) return true;
    ++at;
  }
}

std::string_view trim_blanks(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

bool parse_value(std::string_view field, char separator, float& value) {
  if (field == "0") {  // most values of any table
    value = 0;
    return true;
  }
  double number = 0;
  const bool is_read = parse_any_number(field, separator, number);
  value = static_cast<float>(number);
  return is_read && std::isfinite(value);
}

bool parse_any_number(std::string_view field, char separator, double& number) {
  field = trim_blanks(field);
  if (parse_number(field, number)) return true;
  if (separator != ';' || std::count(field.begin(), field.end(), ',') != 1) return false;
  std::string text(field);
  std::replace(text.begin(), text.end(), ',', '.');
  return parse_number(text, number);
}

bool is_missing_value(std::string_view field) {
  static constexpr std::array kMissing = {"",     "NA",   "NaN",  "nan", "N/A",
                                          "#N/A", "null", "NULL", "None"};
  return std::find(kMissing.begin(), kMissing.end(), trim_blanks(field)) != kMissing.end();
}

bool is_infinite_value(std::string_view field) {
  double number = 0;
  return parse_number(trim_blanks(field), number) && std::isinf(number);
}

bool has_comma_in_number(std::string_view field) {
  static constexpr std::string_view kNumber = "0123456789.,'";
  field = trim_blanks(field);
  const auto digits = field.substr(!field.empty() && (field[0] == '-' || field[0] == '+') ? 1 : 0);
  return !digits.empty() && std::isdigit(static_cast<unsigned char>(digits[0])) != 0 &&
         digits.find_first_of(",'") != std::string_view::npos &&
         digits.find_first_not_of(kNumber) == std::string_view::npos;
}

bool is_text(std::string_view bytes) {
  return std::ranges::all_of(
      bytes, [](unsigned char c) { return c >= 0x20 || c == '\t' || c == '\n' || c == '\r'; });
}

void CountedNames::add(std::string_view name) {
  std::int64_t first = 0;
  if (is_first_ && parse_number(name, first) && (first == 0 || first == 1)) next_ = first;
  is_first_ = false;
  if (next_ < 0) return;
  next_ = name == std::to_string(next_) ? next_ + 1 : -1;
}

bool is_counted_up(const std::vector<std::string>& names) {
  CountedNames counted;
  for (const std::string& name : names) counted.add(name);
  return counted.are_counted();
}

std::optional<TableStart> read_start(LineReader& reader) {
  std::string comment;
  std::string header;
  std::string below;  // where a comment stands below the header
  for (std::string_view line; reader.next(line);) {
    const bool is_first = reader.line_number() == 1;
    const bool is_hint = is_first && line.starts_with("sep=");  // Excel's
    if (is_hint || trim_blanks(line).empty()) continue;
    if (!header.empty()) {
      auto start = start_of(header, line);
      if (!start && line.front() == '#') {
        if (below.empty()) below = reader.where();
        continue;
      }
      if (start) start->comment_below = std::move(below);
      return start;
    }
    if (line.front() == '#') {
      comment = line;
      continue;
    }
    header = line;
    if (comment.empty()) continue;
    if (auto start = start_below_comment(comment, header)) return start;
  }
  return std::nullopt;
}

}  // namespace saithe::io
