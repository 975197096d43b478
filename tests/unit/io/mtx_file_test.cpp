#include "saithe/io/mtx_file.h"

#include <gtest/gtest.h>

#include <numeric>

#include "saithe/core/text_io.h"
#include "support/folder_for_test.h"
#include "support/random_cells.h"

namespace saithe::io {
namespace {

using saithe::testing::FolderForTest;
using saithe::testing::read_bytes;
using saithe::testing::write_bytes;

const Context kContext(1);

/// Cells x genes, the cells in columns of the file or in rows.
CsrMatrix read(const std::filesystem::path& path, bool are_cells_in_rows,
               std::span<const GeneIndex> new_gene = {}, const Context& context = kContext) {
  const auto rows = read_mtx(
      path, [&](const MtxSizes&) { return are_cells_in_rows; }, new_gene, context);
  std::vector<CellIndex> cells(as_size(rows->n_rows()));
  std::iota(cells.begin(), cells.end(), CellIndex{0});
  return rows->read(cells, kContext);
}

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
  const auto ask = [&](const MtxSizes& sizes) {
    seen = sizes;
    return false;
  };
  EXPECT_EQ(read_mtx(folder / "a.mtx", ask, {}, kContext)->n_stored(), 3);
  const CsrMatrix columns = read(folder / "a.mtx", false);
  EXPECT_EQ(seen.n_rows, 3);
  EXPECT_EQ(seen.n_columns, 2);
  EXPECT_EQ(seen.n_stored, 3);
  EXPECT_EQ(columns.n_rows, 2);
  EXPECT_EQ(columns.n_cols, 3);
  EXPECT_EQ(columns.row_start, (std::vector<RowPointer>{0, 2, 3}));
  EXPECT_EQ(columns.columns, (std::vector<GeneIndex>{0, 2, 1}));
  EXPECT_EQ(columns.values, (std::vector<float>{2.5, 5, 10}));
  const CsrMatrix rows = read(folder / "a.mtx", true);
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
  const CsrMatrix counts = read(folder / "a.mtx.gz", false);
  EXPECT_EQ(counts.values, (std::vector<float>{7, 4}));
  const std::string bytes = read_bytes(folder / "a.mtx.gz");
  write_bytes(folder / "cut.mtx.gz", bytes.substr(0, bytes.size() - 12));
  EXPECT_SAITHE_ERROR(read(folder / "cut.mtx.gz", false), ErrorKind::BadFormat, "cut");
}

TEST(MtxFile, FeaturesThatAreNoGenesAreLeftOut) {
  const FolderForTest folder;
  write_bytes(
      folder / "a.mtx",
      "%%MatrixMarket matrix coordinate integer general\n3 2 4\n1 1 1\n2 1 2\n3 1 3\n2 2 4\n");
  const std::vector<GeneIndex> new_gene = {0, -1, 1};
  const CsrMatrix genes = read(folder / "a.mtx", false, new_gene);
  EXPECT_EQ(genes.n_cols, 2);
  EXPECT_EQ(genes.row_start, (std::vector<RowPointer>{0, 2, 2}));
  EXPECT_EQ(genes.values, (std::vector<float>{1, 3}));
}

// By genes, as Seurat and scipy write the transpose, with far less memory than entries.
TEST(MtxFile, AnyOrderInLittleMemory) {
  const FolderForTest folder;
  const CsrMatrix cells = testing::random_cells(200, 30, 0.2, 9);
  const CsrMatrix genes = transpose(cells.view());
  std::string text =
      fmt::format("%%MatrixMarket matrix coordinate real general\n30 200 {}\n", cells.n_stored());
  for (CellIndex gene = 0; gene < 30; ++gene) {
    const auto row = genes.view().row_columns(gene);
    for (std::size_t i = 0; i < row.size(); ++i) {
      text += fmt::format("{} {} {}\n", gene + 1, row[i] + 1, genes.view().row_values(gene)[i]);
    }
  }
  write_bytes(folder / "a.mtx", text);
  Context little(2);
  for (const std::int64_t max_memory : {2000, 1 << 24}) {
    little.max_memory = max_memory;
    const CsrMatrix got = read(folder / "a.mtx", false, {}, little);
    EXPECT_EQ(got.row_start, cells.row_start);
    EXPECT_EQ(got.columns, cells.columns);
    EXPECT_EQ(got.values, cells.values);
  }
}

}  // namespace
}  // namespace saithe::io
