#pragma once

// A column of a table of text that describes its rows, kept as it is written until its last row
// tells whether it is one of numbers. Private to io/.

#include <cstdint>
#include <string>
#include <string_view>

#include "saithe/data/table.h"

namespace saithe::io {

/// Takes the fields of one column, row by row.
class WrittenColumn {
 public:
  /// Texts: fields are texts whatever they look like. NumbersOrTexts: numbers where all that are
  /// there are, otherwise texts.
  enum class Holds { Texts, NumbersOrTexts };

  /// `separator`: of the table's fields.
  WrittenColumn(Holds holds, char separator) : holds_(holds), separator_(separator) {}

  void add(std::string_view field);
  /// Whether every field so far is a number or missing.
  [[nodiscard]] bool is_of_numbers() const { return holds_ == Holds::NumbersOrTexts && !has_text_; }
  [[nodiscard]] bool may_be_of_numbers() const { return holds_ == Holds::NumbersOrTexts; }
  /// What a row takes at most in memory, unless it is a long text.
  [[nodiscard]] std::int64_t bytes_of_row() const;

  /// The column: whole numbers (exactly, if all fit 64 bits with a sign), other numbers as doubles,
  /// or texts as they are written. Gives up what was added.
  Column finish() &&;

 private:
  [[nodiscard]] NumberColumn numbers() const;
  [[nodiscard]] TextColumn texts() const;

  Holds holds_;
  char separator_;
  bool has_text_ = false;
  bool are_whole_ = true;    // the numbers
  bool fit_64_bits_ = true;  // the whole ones, with a sign
  std::int64_t n_rows_ = 0;
  std::string written_;  // all fields, each with a line's end, which none holds
};

}  // namespace saithe::io
