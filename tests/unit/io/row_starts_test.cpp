// Where rows begin, in memory or beyond it, and what is no such sequence.

#include "saithe/io/row_starts.h"

#include <gtest/gtest.h>

#include <numeric>

#include "support/folder_for_test.h"

namespace saithe {
namespace {

using io::RowStarts;
using Positions = std::vector<RowPointer>;

TEST(RowStarts, AnyRowsComeBackWithAnyMemory) {
  const Positions all = {0, 3, 3, 7, 8, 8, 20};
  for (const std::int64_t max_bytes : {0, 16, 40, 1000}) {
    RowStarts starts("x", max_bytes);
    starts.append(std::span(all).first(1));
    starts.append(std::span(all).subspan(1, 4));
    starts.append(std::span(all).subspan(5));
    EXPECT_EQ(starts.n_rows(), 6);
    EXPECT_EQ(starts.n_entries(), 20);
    EXPECT_EQ(starts.most_of_a_row(), 12);
    for (std::int64_t begin = 0; begin <= 6; ++begin) {
      EXPECT_EQ(starts.at(begin), all[as_size(begin)]);
      for (std::int64_t end = begin; end <= 6; ++end) {
        EXPECT_EQ(starts.read(begin, end), Positions(all.begin() + begin, all.begin() + end + 1));
      }
    }
  }
}

TEST(RowStarts, AreReadBlockByBlock) {
  constexpr std::int64_t kRows = 2500000;
  std::int64_t n_blocks = 0;
  const RowStarts starts("x", kRows, Context(1),
                         [&](std::int64_t first, std::span<RowPointer> block) {
                           ++n_blocks;
                           std::iota(block.begin(), block.end(), first);
                         });
  EXPECT_EQ(n_blocks, 3);
  EXPECT_EQ(starts.n_rows(), kRows);
  EXPECT_EQ(starts.n_entries(), kRows);
  EXPECT_EQ(starts.most_of_a_row(), 1);
}

TEST(RowStarts, WhatDoesNotRiseIsNamedByItsEntry) {
  const auto append = [](const Positions& first, const Positions& next) {
    RowStarts starts("file: /X", 8);
    starts.append(first);
    starts.append(next);
  };
  EXPECT_SAITHE_ERROR(append({1, 2}, {}), ErrorKind::BadFormat,
                      "file: /X/indptr: begins with 1; expected 0");
  EXPECT_SAITHE_ERROR(append({0, 5, 4}, {}), ErrorKind::BadFormat,
                      "file: /X/indptr: falls from 5 to 4 at entry 2; the file is damaged");
  EXPECT_SAITHE_ERROR(append({0, 5}, {6, 3}), ErrorKind::BadFormat,
                      "file: /X/indptr: falls from 6 to 3 at entry 3; the file is damaged");
}

}  // namespace
}  // namespace saithe
