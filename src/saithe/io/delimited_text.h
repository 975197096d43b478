#pragma once

// The beginnings and lines of tables of text: CSV, TSV and their kin as programs and people write
// them. Private to io/.

#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "saithe/core/text_io.h"

namespace saithe::io {

/// Cuts lines into fields and takes quotes off.
class FieldSplitter {
 public:
  /// With ' ' a run of blanks is one separator, and blanks at both ends are none.
  explicit FieldSplitter(char separator) : separator_(separator) {}
  /// The fields live until the next call. False if a quote is not closed on its line, or if
  /// something stands behind a closed one.
  bool split(std::string_view line, std::vector<std::string_view>& fields);
  [[nodiscard]] char separator() const { return separator_; }

 private:
  char separator_;
  std::deque<std::string> unescaped_;  // fields that held a doubled quote
};

/// Whether bytes can be those of a text: a program's file is full of others, and its "lines" may be
/// as long as it is.
bool is_text(std::string_view bytes);

/// Parses a finite number; blanks around it are ignored, and where ';' separates fields its comma
/// may be decimal. False if it is none.
bool parse_value(std::string_view field, char separator, float& value);

/// The same of any number, an infinite one too, as a double.
bool parse_any_number(std::string_view field, char separator, double& number);

/// Without the blanks around it.
std::string_view trim_blanks(std::string_view text);

/// Whether it is a number with a decimal comma or with separators of thousands: "0,5", "1,234.5".
bool has_comma_in_number(std::string_view field);

/// Whether it is one of the ways to write that a value is missing: empty, NA, NaN, null, ...
bool is_missing_value(std::string_view field);

/// Whether it is "inf" or "-inf", however it is written.
bool is_infinite_value(std::string_view field);

/// Tells of names, one after the other, whether they are "0", "1", "2", ... or "1", "2", ...:
/// numbers of rows or columns that have no names.
class CountedNames {
 public:
  void add(std::string_view name);
  [[nodiscard]] bool are_counted() const { return next_ >= 0; }

 private:
  bool is_first_ = true;
  std::int64_t next_ = -1;  // -1: they are not
};
/// The same of all names.
bool is_counted_up(const std::vector<std::string>& names);

/// How a table begins.
struct TableStart {
  char separator = '\t';
  std::string corner;              ///< above the names of the rows; R may leave it out
  std::vector<std::string> names;  ///< of all columns but that of the rows' names
  std::string first_row;           ///< the line after the header
  std::size_t n_texts = 0;         ///< columns that end with one of text before the values; those
                                   ///< of numbers among them are named like measures
  std::string comment_below = {};  ///< where a comment stands between header and rows; or empty
  bool lacks_corner = false;       ///< the header has one field less than the rows
  bool knows_texts = false;        ///< by the names of their columns; some may be numbers
};

/// Finds the separator and the names of columns by looking at the first lines of a table; nothing
/// if they are not those of a table of numbers. Lines before the header that begin with '#' are
/// comments; the last one names the columns where a line of numbers follows.
std::optional<TableStart> read_start(LineReader& reader);

}  // namespace saithe::io
