// AnnData stores made by hand: generations, genes, and what is refused. What AnnData writes is in
// tests/golden/zarr_parity_test.cpp.

#include <gtest/gtest.h>

#include <cmath>

#include "saithe/io/open.h"
#include "support/zarr_folder.h"

namespace saithe {
namespace {

const Context kContext(2);

TEST(ZarrAnnData, TheSmallestStore) {
  const testing::FolderForTest folder;
  testing::write_small_store(folder.path());
  const Dataset cells = read_dataset(folder.path(), {}, kContext);
  EXPECT_EQ(cells.obs().index(), (std::vector<std::string>{"c0", "c1", "c2"}));
  EXPECT_EQ(cells.var().index(), (std::vector<std::string>{"A", "B"}));
  EXPECT_EQ(cells.counts.row_start, (std::vector<RowPointer>{0, 1, 1, 3}));
  EXPECT_EQ(inspect_file(folder.path(), {}, kContext).format, "Zarr v2 (AnnData 0.8 or later)");
}

TEST(ZarrAnnData, RecordsOfAnnData06) {
  const testing::FolderForTest folder;
  testing::write_small_store(folder.path());
  std::filesystem::remove_all(folder / "obs");
  std::filesystem::remove_all(folder / "X");
  testing::write_key(folder.path(), "obs/.zarray",
                     R"({"zarr_format":2,"shape":[3],"chunks":[3],"order":"C","compressor":null,
      "dtype":[["index","|S2"],["type","|i1"],["n","<i2"]],"filters":null,"fill_value":"AA=="})");
  testing::write_key(folder.path(), "obs/0", std::string("c0\1\5\0c1\0\6\0c2\xff\7\0", 15));
  testing::write_group(folder.path(), "uns");
  testing::write_texts(folder.path(), "uns/type_categories", {"B", "T"});
  testing::write_group(folder.path(), "X", R"({"h5sparse_format":"csc","h5sparse_shape":[3,2]})");
  testing::write_numbers<float>(folder.path(), "X/data", "<f4", {5, 1, 2});
  testing::write_numbers<std::int32_t>(folder.path(), "X/indices", "<i4", {0, 2, 2});
  testing::write_numbers<std::int32_t>(folder.path(), "X/indptr", "<i4", {0, 2, 3});
  const Dataset cells = read_dataset(folder.path(), {}, kContext);
  EXPECT_EQ(cells.obs().index(), (std::vector<std::string>{"c0", "c1", "c2"}));
  EXPECT_EQ(cells.obs().as_text("type"), (std::vector<std::string>{"T", "B", ""}));
  EXPECT_EQ(cells.obs().as_text("n"), (std::vector<std::string>{"5", "6", "7"}));
  EXPECT_EQ(cells.counts.row_start, (std::vector<RowPointer>{0, 1, 1, 3}));
  EXPECT_EQ(cells.counts.values, (std::vector<float>{5, 1, 2}));
  EXPECT_EQ(inspect_file(folder.path(), {}, kContext).format, "Zarr v2 (AnnData 0.6 or earlier)");
}

TEST(ZarrAnnData, GenesThatStandTwice) {
  const testing::FolderForTest folder;
  testing::write_small_store(folder.path());
  testing::write_frame(folder.path(), "var", {"A", "A"});
  EXPECT_EQ(read_dataset(folder.path(), {}, kContext).var().index(),
            (std::vector<std::string>{"A", "A"}));  // one gene, as who uses them says
  testing::write_frame(folder.path(), "var", {"ENSG00000000003", "ENSG00000000003"});
  EXPECT_SAITHE_ERROR(read_dataset(folder.path(), {}, kContext), ErrorKind::BadFormat,
                      "ENSG00000000003");
}

/// A matrix of the shape of the small store's X, stored by genes: values at (0, A), (2, A), (2, B).
void write_by_gene(const std::filesystem::path& store, const std::string& path,
                   const std::vector<float>& values) {
  testing::write_group(store, path, R"({"encoding-type":"csc_matrix","shape":[3,2]})");
  testing::write_numbers<float>(store, path + "/data", "<f4", values);
  testing::write_numbers<std::int32_t>(store, path + "/indices", "<i4", {0, 2, 2});
  testing::write_numbers<std::int32_t>(store, path + "/indptr", "<i4", {0, 2, 3});
}

struct Found {
  std::vector<float> values;
  std::vector<std::string> warnings;
};

Found find_counts(const std::filesystem::path& store, std::int64_t max_memory) {
  Found found;
  Context listening(2);
  listening.max_memory = max_memory;
  listening.on_warning = [&](const std::string& text) { found.warnings.push_back(text); };
  const auto source = open_source(store, {}, listening);
  for (CellIndex cell = 0; cell < 3; ++cell) {
    const CsrMatrix row = source->read_cells(cell, cell + 1, listening);
    found.values.insert(found.values.end(), row.values.begin(), row.values.end());
  }
  return found;
}

TEST(ZarrAnnData, CountsAreLookedForAsInAnH5ad) {
  const testing::FolderForTest folder;
  testing::write_small_store(folder.path());
  EXPECT_TRUE(find_counts(folder.path(), 1 << 20).warnings.empty());  // X, the only place
  const float half = std::log1p(5000.0F);
  testing::write_numbers<float>(folder.path(), "X/data", "<f4", {std::log1p(10000.0F), half, half});
  EXPECT_NE(inspect_file(folder.path(), {}, kContext).value_kind, ValueKind::Counts);
  testing::write_group(folder.path(), "raw");
  testing::write_frame(folder.path(), "raw/var", {"C", "D"});
  write_by_gene(folder.path(), "raw/X", {7, 8, 9});
  for (const std::int64_t max_memory : {32, 1 << 20}) {  // of which a chunk takes most, and plenty
    const Found raw = find_counts(folder.path(), max_memory);
    EXPECT_EQ(raw.values, (std::vector<float>{7, 8, 9}));
    ASSERT_EQ(raw.warnings.size(), 1U);
    EXPECT_TRUE(testing::contains(raw.warnings[0], "counts are read from raw/X"));
  }
  EXPECT_EQ(open_source(folder.path(), {}, kContext)->var().index(),
            (std::vector<std::string>{"C", "D"}));
  testing::write_group(folder.path(), "layers");
  write_by_gene(folder.path(), "layers/counts", {1, 2, 3});
  EXPECT_EQ(find_counts(folder.path(), 32).values, (std::vector<float>{1, 2, 3}));
  write_by_gene(folder.path(), "layers/counts", {1, -2, 3});
  EXPECT_EQ(find_counts(folder.path(), 1 << 20).values, (std::vector<float>{7, 8, 9}));
  const FileSummary summary = inspect_file(folder.path(), {}, kContext);
  ASSERT_EQ(summary.places.size(), 3U);
  EXPECT_EQ(summary.places[0].name, "layers/counts");
  EXPECT_EQ(summary.places[0].kind, ValueKind::Unknown);
  EXPECT_EQ(summary.places[1].kind, ValueKind::Counts);
  EXPECT_NE(summary.places[2].kind, ValueKind::Counts);
  EXPECT_EQ(summary.total, 24);
}

// As AnnData 0.12 writes a raw of None.
TEST(ZarrAnnData, ARawOfNothingIsNoRaw) {
  const testing::FolderForTest folder;
  testing::write_small_store(folder.path());
  EXPECT_FALSE(inspect_file(folder.path(), {}, kContext).has_raw);
  testing::write_key(folder.path(), "raw/.zarray",
                     R"({"zarr_format":2,"shape":[],"chunks":[],"order":"C","compressor":null,
      "dtype":"|b1","filters":null,"fill_value":false})");
  testing::write_key(folder.path(), "raw/.zattrs",
                     R"({"encoding-type":"null","encoding-version":"0.1.0"})");
  EXPECT_FALSE(inspect_file(folder.path(), {}, kContext).has_raw);
  EXPECT_FALSE(list_contents(folder.path(), kContext).has_raw);
  std::filesystem::remove_all(folder / "raw");
  testing::write_group(folder.path(), "raw");
  testing::write_frame(folder.path(), "raw/var", {"C", "D"});
  write_by_gene(folder.path(), "raw/X", {7, 8, 9});
  EXPECT_TRUE(inspect_file(folder.path(), {}, kContext).has_raw);
}

TEST(ZarrAnnData, NeitherCountsNorLogarithmsAreRefused) {
  const testing::FolderForTest folder;
  testing::write_small_store(folder.path());
  testing::write_numbers<float>(folder.path(), "X/data", "<f4", {-1, 2, 3});
  EXPECT_SAITHE_ERROR(
      open_source(folder.path(), {}, kContext), ErrorKind::BadFormat,
      "neither counts nor log1p(CP10k) were found: X holds values of no known kind");
  std::filesystem::remove_all(folder / "X");
  EXPECT_SAITHE_ERROR(open_source(folder.path(), {}, kContext), ErrorKind::BadFormat,
                      "has no X, no raw and no layer of counts");
  EXPECT_EQ(inspect_file(folder.path(), {}, kContext).n_stored, 0);
}

TEST(ZarrAnnData, AStoreOfSomethingElseIsNamed) {
  const testing::FolderForTest folder;
  testing::write_group(folder.path(), "");
  testing::write_group(folder.path(), "image");
  EXPECT_SAITHE_ERROR(open_source(folder.path(), {}, kContext), ErrorKind::BadFormat,
                      "without obs, and so not of AnnData: it has image. Name the folder that "
                      "AnnData wrote.");
  // As SpatialData and MuData write it, beside what is not read at all.
  testing::write_key(folder.path(), "image/0/.zarray", "{");
  testing::write_group(folder.path(), "tables");
  testing::write_small_store(folder / "tables/table");
  testing::write_small_store(folder / "rna");
  testing::write_small_store(folder / "a/b/too_deep");
  EXPECT_SAITHE_ERROR(open_source(folder.path(), {}, kContext), ErrorKind::BadFormat,
                      "Name the folder that AnnData wrote: " + (folder / "rna").string() + ", " +
                          (folder / "tables/table").string() + ".");
}

TEST(ZarrAnnData, WhatDoesNotFitIsNamed) {
  const testing::FolderForTest folder;
  testing::write_small_store(folder.path());
  ReadOptions options;
  options.layer = "none";
  EXPECT_SAITHE_ERROR(open_source(folder.path(), options, kContext), ErrorKind::BadFormat,
                      "no such layer; the file has: none");
  options = {};
  options.use_raw = true;
  EXPECT_SAITHE_ERROR(open_source(folder.path(), options, kContext), ErrorKind::BadFormat,
                      "has no raw");
  options = {};
  options.genome = "hg19";
  EXPECT_SAITHE_ERROR(open_source(folder.path(), options, kContext), ErrorKind::InvalidArgument,
                      "--genome");
  testing::write_frame(folder.path(), "obs", {"c0"});
  EXPECT_SAITHE_ERROR(open_source(folder.path(), {}, kContext), ErrorKind::BadFormat,
                      "has the shape 3 x 2, but obs has 1 cell and var 2 genes");
  std::filesystem::remove_all(folder / "X");
  EXPECT_SAITHE_ERROR(open_source(folder.path(), {}, kContext), ErrorKind::BadFormat, "has no X");
}

}  // namespace
}  // namespace saithe
