// Sparse matrices against their dense form.

#include "saithe/matrix/csr_matrix.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "support/folder_for_test.h"
#include "support/random_cells.h"

namespace saithe {
namespace {

using testing::random_cells;

std::vector<float> dense(const CsrView& matrix) {
  std::vector<float> values(as_size(matrix.n_rows * matrix.n_cols));
  for (CellIndex r = 0; r < matrix.n_rows; ++r) {
    for (std::size_t i = 0; i < matrix.row_size(r); ++i) {
      values[as_size(r * matrix.n_cols + matrix.row_columns(r)[i])] += matrix.row_values(r)[i];
    }
  }
  return values;
}

CsrMatrix sample() {
  CsrMatrix matrix;
  matrix.n_rows = 3;
  matrix.n_cols = 4;
  matrix.row_start = {0, 2, 2, 5};
  matrix.columns = {1, 3, 0, 1, 2};
  matrix.values = {1, 2, 3, 4, 5};
  return matrix;
}

TEST(Validate, GoodMatricesPass) {
  EXPECT_NO_THROW(validate(sample().view(), "x"));
  EXPECT_NO_THROW(validate(CsrMatrix().view(), "x"));
  // Rows 1 and 2 of a larger matrix: the first row start is above 0.
  const CsrMatrix matrix = sample();
  CsrView part = matrix.view();
  part.n_rows = 2;
  part.row_start = part.row_start.subspan(1);
  EXPECT_NO_THROW(validate(part, "x"));
}

TEST(Validate, EachDamageIsNamed) {
  const auto message = [](auto damage) -> std::string {
    CsrMatrix matrix = sample();
    damage(matrix);
    const auto error = testing::error_of([&] { validate(matrix.view(), "file.h5ad"); });
    if (!error) return "accepted";
    EXPECT_EQ(error->kind(), ErrorKind::BadFormat);
    EXPECT_EQ(std::string(error->what()).rfind("file.h5ad: ", 0), 0U);
    return error->what();
  };
  using M = CsrMatrix;
  EXPECT_NE(message([](M& m) { m.row_start.pop_back(); }).find("3 row starts"), std::string::npos);
  EXPECT_NE(message([](M& m) { m.values.pop_back(); }).find("5 column"), std::string::npos);
  EXPECT_NE(message([](M& m) { m.row_start[0] = -1; }).find("from -1"), std::string::npos);
  EXPECT_NE(message([](M& m) { m.row_start[3] = 6; }).find("to 6"), std::string::npos);
  EXPECT_NE(message([](M& m) { m.row_start[2] = 1; }).find("at cell 1"), std::string::npos);
  // A start that rises far beyond the values and falls again must not be followed.
  EXPECT_NE(message([](M& m) { m.row_start[1] = 1000000000; }).find("at cell 0"),
            std::string::npos);
  EXPECT_NE(message([](M& m) { m.columns[4] = 4; }).find("index 4"), std::string::npos);
  EXPECT_NE(message([](M& m) { m.columns[2] = -7; }).find("index -7"), std::string::npos);
  EXPECT_NE(message([](M& m) { m.columns[3] = 0; }).find("do not ascend"), std::string::npos);
  EXPECT_NE(message([](M& m) { m.columns[3] = 3; }).find("do not ascend"), std::string::npos);
}

TEST(SortAndMerge, RowsAscendAndEqualColumnsAreSummed) {
  CsrMatrix matrix;
  matrix.n_rows = 3;
  matrix.n_cols = 5;
  matrix.row_start = {0, 5, 5, 7};
  matrix.columns = {4, 1, 4, 0, 1, 2, 3};
  matrix.values = {1, 2, 3, 4, 5, 6, 7};
  const std::vector<float> before = dense(matrix.view());
  EXPECT_EQ(sort_and_merge(matrix), 2);
  EXPECT_NO_THROW(validate(matrix.view(), "merged"));
  EXPECT_EQ(matrix.n_stored(), 5);
  EXPECT_EQ(dense(matrix.view()), before);
  EXPECT_EQ(sort_and_merge(matrix), 0);
}

TEST(CsrMatrix, AnyNumberOfThreadsGivesTheSame) {
  constexpr CellIndex kRows = 1500;  // several chunks
  const CsrMatrix matrix = random_cells(kRows, 40, 0.3, 3);
  std::vector<GeneIndex> new_column(40, -1);  // turned round, a third left out, two met by others
  for (std::size_t c = 0; c < 40; ++c) {
    if (c % 3 != 0) new_column[c] = static_cast<GeneIndex>(c < 4 ? 7 : 39 - c);
  }
  const CsrMatrix one = map_columns(matrix.view(), new_column, 40, Context(1));
  const CsrMatrix four = map_columns(matrix.view(), new_column, 40, Context(4));
  EXPECT_NO_THROW(validate(four.view(), "mapped", Context(4)));
  EXPECT_LT(four.n_stored(), matrix.n_stored());
  EXPECT_EQ(four.row_start, one.row_start);
  EXPECT_EQ(four.columns, one.columns);
  EXPECT_EQ(four.values, one.values);
  std::vector<float> expected(as_size(kRows * 40));
  for (CellIndex r = 0; r < kRows; ++r) {
    const auto columns = matrix.view().row_columns(r);
    for (std::size_t i = 0; i < columns.size(); ++i) {
      const GeneIndex to = new_column[as_size(columns[i])];
      if (to >= 0) expected[as_size(r * 40 + to)] += matrix.view().row_values(r)[i];
    }
  }
  EXPECT_EQ(dense(four.view()), expected);
}

TEST(Validate, TheFirstOfSeveralDamagesIsNamedForAnyNumberOfThreads) {
  CsrMatrix matrix = random_cells(1500, 40, 0.3, 4);
  for (const CellIndex row : {1400, 700, 300}) {
    matrix.columns[as_size(matrix.row_start[as_size(row)])] = 40;
  }
  for (const int threads : {1, 4}) {
    EXPECT_SAITHE_ERROR(validate(matrix.view(), "x", Context(threads)), ErrorKind::BadFormat,
                        "cell 300 has gene index 40");
  }
}

TEST(SelectRows, RowsComeInTheOrderAskedAlsoTwice) {
  const CsrMatrix matrix = random_cells(20, 30, 0.3, 1);
  const std::vector<CellIndex> rows = {19, 4, 0, 19};
  const CsrMatrix selected = select_rows(matrix.view(), rows);
  ASSERT_EQ(selected.n_rows, 4);
  const auto from = dense(matrix.view());
  const auto to = dense(selected.view());
  for (std::size_t r = 0; r < rows.size(); ++r) {
    for (std::size_t c = 0; c < 30; ++c) {
      EXPECT_EQ(to[r * 30 + c], from[as_size(rows[r]) * 30 + c]);
    }
  }
}

TEST(MapColumns, ColumnsAreDroppedMovedAndSummed) {
  const CsrMatrix mapped = map_columns(sample().view(), std::vector<GeneIndex>{1, 0, -1, 1}, 2);
  EXPECT_NO_THROW(validate(mapped.view(), "mapped"));
  EXPECT_EQ(dense(mapped.view()), (std::vector<float>{1, 2, 0, 0, 4, 3}));
}

TEST(CsrMatrix, LogarithmsThatMeetAreAddedUpAsWhatTheyStandFor) {
  const CsrMatrix logs{1, 3, {0, 3}, {0, 1, 2}, {std::log1p(2.0F), 0.3F, std::log1p(5.0F)}};
  const CsrMatrix mapped = map_logarithms(logs.view(), std::vector<GeneIndex>{1, 0, 1}, 2);
  EXPECT_EQ(mapped.columns, (std::vector<GeneIndex>{0, 1}));
  EXPECT_EQ(mapped.values[0], 0.3F);  // what meets nothing keeps its bits
  EXPECT_FLOAT_EQ(mapped.values[1], std::log1p(7.0F));
}

TEST(Transpose, ElementsChangePlaces) {
  const CsrMatrix matrix = random_cells(17, 23, 0.2, 2);
  const CsrMatrix turned = transpose(matrix.view());
  EXPECT_NO_THROW(validate(turned.view(), "turned"));
  const auto a = dense(matrix.view());
  const auto b = dense(turned.view());
  for (std::size_t r = 0; r < 17; ++r) {
    for (std::size_t c = 0; c < 23; ++c) EXPECT_EQ(a[r * 23 + c], b[c * 17 + r]);
  }
}

TEST(Transpose, APartOfAMatrix) {
  const CsrMatrix matrix = sample();
  CsrView part = matrix.view();
  part.n_rows = 1;
  part.row_start = part.row_start.subspan(2);
  const CsrMatrix turned = transpose(part);
  EXPECT_EQ(turned.n_stored(), 3);
  EXPECT_EQ(dense(turned.view()), (std::vector<float>{3, 4, 5, 0}));
}

TEST(AppendRows, AlsoFromThePartOfAMatrix) {
  CsrMatrix matrix = sample();
  const CsrMatrix more = sample();
  CsrView part = more.view();
  part.n_rows = 1;
  part.row_start = part.row_start.subspan(2);
  append_rows(matrix, part);
  EXPECT_NO_THROW(validate(matrix.view(), "appended"));
  EXPECT_EQ(matrix.n_rows, 4);
  EXPECT_EQ(matrix.n_stored(), 8);
  EXPECT_EQ(matrix.view().row_values(3)[2], 5.0F);
}

}  // namespace
}  // namespace saithe
