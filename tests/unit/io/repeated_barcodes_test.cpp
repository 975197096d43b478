// Names that stand twice are found, in memory or not.

#include "saithe/io/repeated_barcodes.h"

#include <gtest/gtest.h>

namespace saithe {
namespace {

using Texts = std::vector<std::string>;

TEST(FindRepeatedNames, TheFirstIsTold) {
  const io::RepeatedNames none = io::find_repeated_names(Table(Texts{"a", "b", ""}));
  EXPECT_EQ(none.n_rows, 0);
  const io::RepeatedNames some =
      io::find_repeated_names(Table(Texts{"z", "a", "b", "b", "a", "z", "b"}));
  EXPECT_EQ(some.n_rows, 4);
  EXPECT_EQ(some.example, "b");
}

TEST(FindRepeatedNames, WhatDoesNotFitIntoMemoryIsFoundToo) {
  Texts names;
  for (int i = 0; i < 30000; ++i) names.push_back(std::to_string(i));
  for (const int i : {20000, 7, 29999, 7}) names.push_back(std::to_string(i));
  for (const std::int64_t n_in_memory : {1000, 29999, 100000}) {
    const io::RepeatedNames repeated = io::find_repeated_names(Table(names), n_in_memory);
    EXPECT_EQ(repeated.n_rows, 4) << n_in_memory;
    EXPECT_EQ(repeated.example, "20000");
  }
}

TEST(FindRepeatedNames, AnyNumberIsCounted) {
  Texts names;
  for (int copy = 0; copy < 3; ++copy) {
    for (int i = 0; i < 6000; ++i) names.push_back(std::to_string(i));
  }
  const io::RepeatedNames repeated = io::find_repeated_names(Table(names), 1000);
  EXPECT_EQ(repeated.n_rows, 12000);
  EXPECT_FALSE(repeated.example.empty());
}

TEST(WarnOfRepeatedBarcodes, SaysHowMany) {
  std::vector<std::string> warnings;
  Context context(1);
  context.on_warning = [&](const std::string& text) { warnings.push_back(text); };
  io::warn_of_repeated_barcodes(Table(Texts{"a", "b", "c"}), "f", context);
  EXPECT_TRUE(warnings.empty());
  io::warn_of_repeated_barcodes(Table(Texts{"a", "b", "a", "b"}), "f", context);
  io::warn_of_repeated_barcodes(Table(Texts{"a", "a"}), "f", context);
  EXPECT_EQ(warnings,
            (Texts{"f: 2 cells have the barcode of an earlier one ('a'); all cells are kept",
                   "f: 1 cell has the barcode of an earlier one ('a'); all cells are kept"}));
}

}  // namespace
}  // namespace saithe
