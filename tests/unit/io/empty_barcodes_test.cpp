#include "saithe/io/empty_barcodes.h"

#include <gtest/gtest.h>

#include "support/folder_for_test.h"

namespace saithe {
namespace {

/// The warnings of a matrix at `path`, of which every third barcode is a cell.
std::vector<std::string> warnings_of(const std::filesystem::path& path, CellIndex n_barcodes,
                                     std::int64_t n_genes, CellIndex one_cell_of = 3) {
  std::vector<std::string> warnings;
  Context context(1);
  context.on_warning = [&](const std::string& text) { warnings.push_back(text); };
  io::warn_of_empty_barcodes(
      path, n_barcodes, n_genes,
      [&](CellIndex barcode) { return barcode % one_cell_of == 0 ? 900 : 99; }, context);
  return warnings;
}

TEST(EmptyBarcodes, MostlyEmptyMatricesAreNamed) {
  const auto said = warnings_of("a/raw_feature_bc_matrix.h5", 6800001, 36601);
  ASSERT_EQ(said.size(), 1U);
  EXPECT_NE(said[0].find("66 % of its 6800001 barcodes have counts of fewer than 100 genes"),
            std::string::npos)
      << said[0];
  EXPECT_NE(said[0].find("filtered_feature_bc_matrix"), std::string::npos);
  EXPECT_EQ(warnings_of("x.h5", 30, 36601).size(), 1U);
  EXPECT_TRUE(warnings_of("x.h5", 30, 36601, 2).empty());  // half of them
  EXPECT_TRUE(warnings_of("x.h5", 30, 1999).empty());      // a panel
  EXPECT_TRUE(warnings_of("x.h5", 0, 36601).empty());
}

TEST(EmptyBarcodes, TheMatrixOfCellsIsNamedWhereItIs) {
  const testing::FolderForTest folder;
  namespace fs = std::filesystem;
  testing::write_bytes(folder / "filtered_feature_bc_matrix.h5", "");
  testing::write_bytes(folder / "s1_filtered_feature_bc_matrix.h5", "");
  fs::create_directories(folder / "filtered_gene_bc_matrices/GRCh38");
  fs::create_directories(folder / "filtered_feature_bc_matrix");
  const auto expect_named = [&](const std::string& raw, const std::string& filtered) {
    const auto said = warnings_of(folder / raw, 30, 36601);
    ASSERT_EQ(said.size(), 1U);
    EXPECT_TRUE(said[0].ends_with("The matrix of cells is " + (folder / filtered).string()))
        << said[0];
  };
  expect_named("raw_feature_bc_matrix.h5", "filtered_feature_bc_matrix.h5");
  expect_named("s1_raw_feature_bc_matrix.h5", "s1_filtered_feature_bc_matrix.h5");
  expect_named("raw_feature_bc_matrix/", "filtered_feature_bc_matrix");
  expect_named("raw_gene_bc_matrices/GRCh38", "filtered_gene_bc_matrices/GRCh38");
  const auto said = warnings_of(folder / "raw_other.h5", 30, 36601);
  EXPECT_NE(said.at(0).find("Give the filtered matrix"), std::string::npos);
}

}  // namespace
}  // namespace saithe
