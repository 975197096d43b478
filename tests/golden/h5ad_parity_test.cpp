// h5ad files of forms that no small real file shows, with what AnnData reads from them.

#include <gtest/gtest.h>

#include "saithe/io/open.h"
#include "support/folder_for_test.h"
#include "support/h5ad_digest.h"

namespace saithe {
namespace {

const std::string kFolder = std::string(SAITHE_TEST_FILES) + "/h5ad/";
const Context kContext(2);

// Blosc and zstd chunks, big-endian numbers of every width, texts of fixed length, nullable texts
// as index and as categories, 8-bit indices, compound tables: csr, csc and dense.
TEST(H5adParity, EveryFormIsReadAsAnnDataReadsIt) {
  const auto expected = testing::read_expected(kFolder + "forms.tsv");
  ASSERT_EQ(expected.size(), 16U);
  for (const testing::ExpectedMatrix& line : expected) {
    ReadOptions options;
    options.use_raw = line.place == "raw";
    if (line.place != "raw" && line.place != "X") options.layer = line.place;
    // The X of compound.h5ad has negative values: raw.X is what is found. Its rows are read below.
    if (line.file == "forms/compound.h5ad" && line.place == "X") continue;
    const Dataset cells = read_dataset(kFolder + line.file, options, kContext);
    EXPECT_EQ(cells.n_cells(), line.n_cells);
    EXPECT_EQ(cells.n_genes(), line.n_genes);
    EXPECT_EQ(testing::matrix_digest(cells.counts), line.matrix) << line.file << " " << line.place;
    EXPECT_EQ(testing::table_digest(cells.obs()), line.table) << line.file;
  }
}

TEST(H5adParity, OneBlockAfterTheOtherIsTheWhole) {
  Context little(2);
  little.max_memory = 8000;  // several passes where it is stored by genes
  for (const char* file : {"big_endian", "blosc_zstd", "zstd"}) {
    for (const char* layer : {"", "by_gene", "dense"}) {
      ReadOptions options;
      options.layer = layer;
      const std::string path = kFolder + "forms/" + file + ".h5ad";
      const CsrMatrix whole = read_dataset(path, options, kContext).counts;
      const auto source = open_source(path, options, little);
      CsrMatrix blocks{0, whole.n_cols, {0}, {}, {}};
      for (CellIndex begin = 0; begin < whole.n_rows; begin += 7) {
        const CellIndex end = std::min(begin + 7, whole.n_rows);
        append_rows(blocks, source->read_cells(begin, end, kContext).view());
      }
      EXPECT_EQ(blocks.row_start, whole.row_start) << file << " " << layer;
      EXPECT_EQ(blocks.columns, whole.columns) << file << " " << layer;
      EXPECT_EQ(blocks.values, whole.values) << file << " " << layer;
    }
  }
}

TEST(H5adParity, CountsOfCompoundTablesAreFoundInRaw) {
  std::vector<std::string> warnings;
  Context listening(1);
  listening.on_warning = [&](const std::string& text) { warnings.push_back(text); };
  const Dataset cells = read_dataset(kFolder + "forms/compound.h5ad", {}, listening);
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_TRUE(testing::contains(warnings[0], "counts are read from raw.X"));
  // Codes that do not fit the names in uns stay numbers, as in AnnData.
  EXPECT_TRUE(std::holds_alternative<NumberColumn>(*cells.var().find("type")));
  EXPECT_EQ(std::get<CategoryColumn>(*cells.obs().find("one")).levels,
            (std::vector<std::string>{"the only one"}));
  const FileSummary summary = inspect_file(kFolder + "forms/compound.h5ad", {}, kContext);
  EXPECT_EQ(summary.format, "h5ad (AnnData 0.6 or earlier)");
  EXPECT_EQ(summary.obsm, (std::vector<std::string>{"X_pca"}));
  EXPECT_TRUE(summary.has_raw);
  ASSERT_EQ(summary.places.size(), 2U);
  EXPECT_EQ(summary.places[0].name, "raw.X");
  EXPECT_EQ(summary.places[1].kind, ValueKind::Unknown);
}

}  // namespace
}  // namespace saithe
