// Sparse matrices of any shape.

#include <gtest/gtest.h>

#include "generate_cells.h"

namespace saithe {
namespace {

using namespace testing;  // NOLINT: the generators

TEST(MatrixProperty, TransposedTwiceIsTheSame) {
  EXPECT_PROPERTY("transpose(transpose(x)) == x", [] {
    const CsrMatrix counts = any_counts(any_number_of_cells(), any_number_of_genes());
    const CsrMatrix turned = transpose(counts.view());
    validate(turned.view(), "transposed");
    RC_ASSERT(are_equal(transpose(turned.view()).view(), counts.view()));
  });
}

TEST(MatrixProperty, AnOrderAndItsReverseCancel) {
  EXPECT_PROPERTY("rows and columns put back are the same", [] {
    const CsrMatrix counts = any_counts(any_number_of_cells(), any_number_of_genes());
    const auto rows = any_order<CellIndex>(counts.n_rows);
    const auto columns = any_order<GeneIndex>(counts.n_cols);
    std::vector<CellIndex> rows_back(rows.size());
    std::vector<GeneIndex> columns_back(columns.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      rows_back[as_size(rows[i])] = static_cast<CellIndex>(i);
    }
    for (std::size_t i = 0; i < columns.size(); ++i) {
      columns_back[as_size(columns[i])] = static_cast<GeneIndex>(i);
    }
    const CsrMatrix mixed =
        map_columns(select_rows(counts.view(), rows).view(), columns, counts.n_cols);
    validate(mixed.view(), "mixed");
    const CsrMatrix back =
        map_columns(select_rows(mixed.view(), rows_back).view(), columns_back, counts.n_cols);
    RC_ASSERT(are_equal(back.view(), counts.view()));
  });
}

TEST(MatrixProperty, AppendedPiecesAreTheWhole) {
  EXPECT_PROPERTY("pieces of any length append to the whole", [] {
    const CsrMatrix counts = any_counts(any_number_of_cells(), any_number_of_genes());
    Dataset dataset = as_dataset(counts);
    CsrMatrix whole;
    whole.n_cols = counts.n_cols;
    for (CellIndex begin = 0; begin < counts.n_rows;) {
      const CellIndex end = begin + *rc::gen::inRange<CellIndex>(1, counts.n_rows - begin + 1);
      append_rows(whole, dataset.read_cells(begin, end, Context(1)).view());
      begin = end;
    }
    RC_ASSERT(are_equal(whole.view(), counts.view()));
  });
}

}  // namespace
}  // namespace saithe
