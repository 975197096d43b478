#include "saithe/io/delimited_text.h"

#include <gtest/gtest.h>

#include "support/folder_for_test.h"

namespace saithe::io {
namespace {

using saithe::testing::FolderForTest;
using saithe::testing::write_bytes;
using Texts = std::vector<std::string>;

Texts split(std::string_view line, char separator) {
  FieldSplitter splitter(separator);
  std::vector<std::string_view> fields;
  if (!splitter.split(line, fields)) return {"wrong quotes"};
  return {fields.begin(), fields.end()};
}

TEST(FieldSplitter, TakesQuotesOff) {
  EXPECT_EQ(split("a,b,,c", ','), (Texts{"a", "b", "", "c"}));
  EXPECT_EQ(split("\"a,b\",c", ','), (Texts{"a,b", "c"}));
  EXPECT_EQ(split("\"say \"\"hi\"\"\",\"\"", ','), (Texts{"say \"hi\"", ""}));
  EXPECT_EQ(split("a,\"b\",", ','), (Texts{"a", "b", ""}));
  EXPECT_EQ(split("", ','), (Texts{""}));
  EXPECT_EQ(split("\"a,b", ','), (Texts{"wrong quotes"}));
  EXPECT_EQ(split("\"a\"b,c", ','), (Texts{"wrong quotes"}));
  EXPECT_EQ(split("\"a\"\"", ','), (Texts{"wrong quotes"}));
}

TEST(FieldSplitter, RunsOfBlanksAreOneSeparator) {
  EXPECT_EQ(split("  a   b c  ", ' '), (Texts{"a", "b", "c"}));
  EXPECT_EQ(split("\"a b\" 1  2", ' '), (Texts{"a b", "1", "2"}));
}

TEST(ParseValue, OfAllKinds) {
  const auto parse = [](std::string_view field, char separator) {
    float value = -99;
    return parse_value(field, separator, value) ? value : -99;
  };
  EXPECT_EQ(parse("0", ','), 0.0F);
  EXPECT_EQ(parse("12", ','), 12.0F);
  EXPECT_EQ(parse(" 3 ", ','), 3.0F);
  EXPECT_EQ(parse("1e-05", ','), 1e-05F);
  EXPECT_EQ(parse("-2.5", ','), -2.5F);
  EXPECT_EQ(parse("2,5", ';'), 2.5F);
  for (const char* none : {"", "NA", "nan", "inf", "1e300", "x", "1 2", "0x10", "2,5"}) {
    EXPECT_EQ(parse(none, ','), -99.0F) << none;
  }
}

TEST(IsMissingValue, AsProgramsWriteIt) {
  for (const char* missing : {"", " ", "NA", "NaN", "null", "#N/A"}) {
    EXPECT_TRUE(is_missing_value(missing)) << missing;
  }
  EXPECT_FALSE(is_missing_value("0"));
  EXPECT_FALSE(is_missing_value("x"));
}

TEST(ParseAnyNumber, AsADouble) {
  double number = 0;
  EXPECT_TRUE(parse_any_number(" 0.1257302210933933", ',', number));
  EXPECT_EQ(number, 0.1257302210933933);
  EXPECT_TRUE(parse_any_number("1,5", ';', number));
  EXPECT_EQ(number, 1.5);
  EXPECT_TRUE(parse_any_number("-inf", ',', number));
  EXPECT_FALSE(parse_any_number("1,5", ',', number));
  EXPECT_FALSE(parse_any_number("D1", ';', number));
  EXPECT_FALSE(parse_any_number("", ';', number));
}

std::optional<TableStart> start_of(const std::string& text) {
  const FolderForTest folder;
  write_bytes(folder / "a", text);
  LineReader reader(folder / "a");
  return read_start(reader);
}

TEST(ReadStart, FindsSeparatorAndNames) {
  struct Case {
    const char* text;
    char separator;
    const char* corner;
    Texts names;
  };
  const std::vector<Case> cases = {
      {",c1,c2\nr1,1,0\n", ',', "", {"c1", "c2"}},
      {"gene\tc1\tc2\r\nr1\t1\t0\r\n", '\t', "gene", {"c1", "c2"}},
      {"\xEF\xBB\xBFgene;c1;c2\nr1;1,5;0\n", ';', "gene", {"c1", "c2"}},
      {"c1,c2\nr1,1,0\n", ',', "", {"c1", "c2"}},                  // R leaves the corner out
      {"\"c1\" \"c2\"\n\"r 1\" 1 0\n", ' ', "", {"c1", "c2"}},     // R's write.table
      {"x\tc, 1\tc 2\nr\t1\t0\n", '\t', "x", {"c, 1", "c 2"}},     // the names hold others
      {"sep=;\ng;c1\nr1;3\n", ';', "g", {"c1"}},                   // Excel
      {"# note\n#\n# c1 c2\nr1\t1\t0\n", '\t', "", {"c1", "c2"}},  // AnnData's test file
      {"#gene\tc1\tc2\nr1\t1\t0\n", '\t', "gene", {"c1", "c2"}},
      {"# note\n\ngene,c1\nr1,NA\nr2,1\n", ',', "gene", {"c1"}},
      {",0,1\nr1,1,0\n", ',', "", {"0", "1"}},
      {"index,0,1\nr1,1,0\n", ',', "index", {"0", "1"}},
  };
  for (const Case& c : cases) {
    const auto start = start_of(c.text);
    ASSERT_TRUE(start.has_value()) << c.text;
    EXPECT_EQ(start->separator, c.separator) << c.text;
    EXPECT_EQ(start->corner, c.corner) << c.text;
    EXPECT_EQ(start->names, c.names) << c.text;
    EXPECT_EQ(start->n_texts, 0U) << c.text;
  }
  const auto texts = start_of("id,symbol,type,c1\nE1,A,x,3\n");
  ASSERT_TRUE(texts.has_value());
  EXPECT_EQ(texts->n_texts, 2U);
  EXPECT_EQ(texts->first_row, "E1,A,x,3");
  // A measure may stand between texts, if values follow.
  EXPECT_EQ(start_of("id,n_genes,note,c1\nE1,5,x,3\n")->n_texts, 2U);
  EXPECT_EQ(start_of("id,n_genes,c1,c2\nE1,5,3,4\n")->n_texts, 0U);
  EXPECT_EQ(start_of("id,c1,note,c2\nE1,5,x,3\n")->n_texts, 0U);
  EXPECT_EQ(start_of("id,n_genes,note\nE1,5,x\n")->n_texts, 0U);
}

TEST(ReadStart, WhatIsNoTable) {
  for (const char* text :
       {"", "one line of words\n", "a,b,c\n", "some words\nand more words here\n",
        "g,3,5\nr1,1,0\n", "{\"a\": 1,\n \"b\": 2}\n", ">chr1\nACGT\n", "\"open,c1\nr1,1\n"}) {
    EXPECT_FALSE(start_of(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace saithe::io
