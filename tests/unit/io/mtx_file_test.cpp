#include "saithe/io/mtx_file.h"

#include <gtest/gtest.h>

#include "saithe/core/text_io.h"
#include "support/folder_for_test.h"

namespace saithe::io {
namespace {

using saithe::testing::FolderForTest;
using saithe::testing::read_bytes;
using saithe::testing::write_bytes;

const Context kContext(1);

TEST(MtxFile, IsRecognisedByItsBanner) {
  EXPECT_TRUE(is_matrix_market("%%MatrixMarket matrix coordinate real general\n"));
  EXPECT_TRUE(is_matrix_market("%%matrixmarket"));
  EXPECT_FALSE(is_matrix_market("%%Matrix"));
  EXPECT_FALSE(is_matrix_market(""));
}

TEST(MtxFile, IsCellsByGenesEitherWay) {
  const FolderForTest folder;
  write_bytes(
      folder / "a.mtx",
      "%%MatrixMarket  MATRIX coordinate Real  general \n%\n3 2 3\n3 1 5\n1 1 2.5\n2 2 1e1\n");
  MtxSizes seen;
  const CsrMatrix columns = read_mtx(
      folder / "a.mtx",
      [&](const MtxSizes& sizes) {
        seen = sizes;
        return false;
      },
      kContext);
  EXPECT_EQ(seen.n_rows, 3);
  EXPECT_EQ(seen.n_columns, 2);
  EXPECT_EQ(seen.n_stored, 3);
  EXPECT_EQ(columns.n_rows, 2);
  EXPECT_EQ(columns.n_cols, 3);
  EXPECT_EQ(columns.row_start, (std::vector<RowPointer>{0, 2, 3}));
  EXPECT_EQ(columns.columns, (std::vector<GeneIndex>{0, 2, 1}));
  EXPECT_EQ(columns.values, (std::vector<float>{2.5, 5, 10}));
  const CsrMatrix rows = read_mtx(
      folder / "a.mtx", [](const MtxSizes&) { return true; }, kContext);
  const CsrMatrix turned = transpose(columns.view());
  EXPECT_EQ(rows.row_start, turned.row_start);
  EXPECT_EQ(rows.columns, turned.columns);
  EXPECT_EQ(rows.values, turned.values);
}

// As bgzip, pigz and `cat a.gz b.gz` write it.
TEST(MtxFile, OfSeveralGzipMembers) {
  const FolderForTest folder;
  write_file(folder / "1.gz", "%%MatrixMarket matrix coordinate integer general\n3 2 2\n1 1",
             false);
  write_file(folder / "2.gz", " 7\n2 2 4\n", false);
  write_bytes(folder / "a.mtx.gz", read_bytes(folder / "1.gz") + read_bytes(folder / "2.gz"));
  const CsrMatrix counts = read_mtx(
      folder / "a.mtx.gz", [](const MtxSizes&) { return false; }, kContext);
  EXPECT_EQ(counts.values, (std::vector<float>{7, 4}));
  const std::string bytes = read_bytes(folder / "a.mtx.gz");
  write_bytes(folder / "cut.mtx.gz", bytes.substr(0, bytes.size() - 12));
  EXPECT_SAITHE_ERROR(read_mtx(
                          folder / "cut.mtx.gz", [](const MtxSizes&) { return false; }, kContext),
                      ErrorKind::BadFormat, "cut");
}

}  // namespace
}  // namespace saithe::io
