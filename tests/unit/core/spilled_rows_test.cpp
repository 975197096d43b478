// What was appended comes back, wherever it lies.

#include "saithe/core/spilled_rows.h"

#include <gtest/gtest.h>

#include <numeric>

namespace saithe {
namespace {

TEST(SpilledRows, AnyRangeComesBackWithAnyLimit) {
  std::vector<int> all(3 * 40);
  std::iota(all.begin(), all.end(), 0);
  for (const std::int64_t max_bytes : {0, 12, 100, 200, 100000}) {
    SpilledRows<int> rows(3, max_bytes);
    rows.append({});
    std::size_t at = 0;
    for (const std::size_t n : {1U, 2U, 7U, 10U, 20U}) {
      rows.append(std::span(all).subspan(at, 3 * n));
      at += 3 * n;
    }
    ASSERT_EQ(rows.n_rows(), 40);
    for (std::int64_t begin = 0; begin <= 40; begin += 3) {
      for (std::int64_t end = begin; end <= 40; ++end) {
        EXPECT_EQ(rows.read(begin, end),
                  std::vector<int>(all.begin() + 3 * begin, all.begin() + 3 * end))
            << max_bytes << ' ' << begin << ' ' << end;
      }
    }
  }
}

TEST(SpilledRows, RowsOfOneValueComeBackOneByOne) {
  for (const std::int64_t max_bytes : {0, 8, 100}) {
    SpilledRows<int> rows(1, max_bytes);
    rows.append(std::vector<int>{5, 6});
    rows.append(std::vector<int>{7});
    for (std::int64_t row = 0; row < 3; ++row) EXPECT_EQ(rows.value(row), 5 + row);
    EXPECT_LE(rows.bytes_in_memory(), max_bytes);
    EXPECT_ANY_THROW(static_cast<void>(rows.value(3)));
  }
}

TEST(SpilledRows, RowsThatAreNotThereAreRefused) {
  SpilledRows<float> rows(2, 8);
  rows.append(std::vector<float>{1, 2, 3, 4});
  EXPECT_ANY_THROW(static_cast<void>(rows.read(1, 3)));
  EXPECT_ANY_THROW(rows.append(std::vector<float>{1}));
}

}  // namespace
}  // namespace saithe
