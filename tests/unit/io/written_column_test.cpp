#include "saithe/io/written_column.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace saithe::io {
namespace {

using Texts = std::vector<std::string>;
using Holds = WrittenColumn::Holds;

Column column_of(const Texts& fields, Holds holds = Holds::NumbersOrTexts, char separator = ',') {
  WrittenColumn written(holds, separator);
  for (const std::string& field : fields) written.add(field);
  return std::move(written).finish();
}

NumberColumn numbers_of(const Texts& fields, char separator = ',') {
  return std::get<NumberColumn>(column_of(fields, Holds::NumbersOrTexts, separator));
}

TextColumn texts_of(const Texts& fields, Holds holds = Holds::NumbersOrTexts) {
  return std::get<TextColumn>(column_of(fields, holds));
}

TEST(WrittenColumn, WholeNumbersAreExact) {
  const NumberColumn donors = numbers_of({"100000001", " 100000002", "-3", "+4"});
  EXPECT_EQ(donors.kind, NumberColumn::Kind::Integer);
  EXPECT_EQ(donors.values, (std::vector<double>{100000001, 100000002, -3, 4}));
  EXPECT_TRUE(donors.exact.empty());
  const NumberColumn large = numbers_of({"9007199254740993", "NA", "9223372036854775807"});
  EXPECT_EQ(large.kind, NumberColumn::Kind::Integer);
  EXPECT_EQ(large.exact, (std::vector<std::int64_t>{9007199254740993, 0, 9223372036854775807}));
  EXPECT_TRUE(std::isnan(large.values[1]));
}

// The writers warn of them, and write doubles.
TEST(WrittenColumn, WholeNumbersPast64BitsAreDoubles) {
  for (const char* past : {"9223372036854775808", "18446744073709551615"}) {
    const NumberColumn column = numbers_of({"1", past});
    EXPECT_EQ(column.kind, NumberColumn::Kind::Integer);
    EXPECT_TRUE(column.exact.empty());
    EXPECT_FALSE(fit_signed_integers(column.values, column.exact));
  }
}

TEST(WrittenColumn, OtherNumbersAreDoubles) {
  const NumberColumn axis = numbers_of({"0.1257302210933933", "1e300", "", "-inf", "5"});
  EXPECT_EQ(axis.kind, NumberColumn::Kind::Float64);
  EXPECT_EQ(axis.values[0], 0.1257302210933933);
  EXPECT_EQ(axis.values[1], 1e300);
  EXPECT_TRUE(std::isnan(axis.values[2]));
  EXPECT_EQ(axis.values[3], -std::numeric_limits<double>::infinity());
  EXPECT_EQ(numbers_of({"0,25", "1"}, ';').values, (std::vector<double>{0.25, 1}));
  const NumberColumn none = numbers_of({"NA", ""});
  EXPECT_EQ(none.kind, NumberColumn::Kind::Float64);
  EXPECT_TRUE(std::isnan(none.values[0]) && std::isnan(none.values[1]));
}

TEST(WrittenColumn, ATextAmongNumbersMakesTextsOfAll) {
  const TextColumn donors = texts_of({"1", "1.50", " 2", "D1", "NA", "3"});
  EXPECT_EQ(donors.values, (Texts{"1", "1.50", " 2", "D1", "", "3"}));
  EXPECT_EQ(donors.is_missing, (std::vector<bool>{false, false, false, false, true, false}));
  EXPECT_EQ(texts_of({"D1", "1"}).values, (Texts{"D1", "1"}));
  EXPECT_TRUE(texts_of({"D1", "1"}).is_missing.empty());
  // 007 and 7 are two donors.
  EXPECT_EQ(texts_of({"7", "007"}).values, (Texts{"7", "007"}));
  EXPECT_EQ(numbers_of({"0", "0.5"}).values, (std::vector<double>{0, 0.5}));
}

TEST(WrittenColumn, TextsStayAsTheyAre) {
  const TextColumn texts = texts_of({"1", "", "NA"}, Holds::Texts);
  EXPECT_EQ(texts.values, (Texts{"1", "", "NA"}));
  EXPECT_TRUE(texts.is_missing.empty());
}

TEST(WrittenColumn, CountsWhatItTakes) {
  WrittenColumn written(Holds::NumbersOrTexts, ',');
  written.add("1");
  EXPECT_TRUE(written.is_of_numbers());
  const std::int64_t of_number = written.bytes_of_row();
  written.add("D1");
  EXPECT_FALSE(written.is_of_numbers());
  EXPECT_TRUE(written.may_be_of_numbers());
  EXPECT_GT(written.bytes_of_row(), of_number);
}

}  // namespace
}  // namespace saithe::io
