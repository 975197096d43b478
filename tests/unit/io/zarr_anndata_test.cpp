// AnnData stores made by hand: generations, genes, and what is refused. What AnnData writes is in
// tests/golden/zarr_parity_test.cpp.

#include <gtest/gtest.h>

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

TEST(ZarrAnnData, AStoreOfSomethingElseIsNamed) {
  const testing::FolderForTest folder;
  testing::write_group(folder.path(), "");
  testing::write_group(folder.path(), "image");
  EXPECT_SAITHE_ERROR(open_source(folder.path(), {}, kContext), ErrorKind::BadFormat,
                      "without obs, and so not of AnnData: it has image");
}

TEST(ZarrAnnData, WhatDoesNotFitIsNamed) {
  const testing::FolderForTest folder;
  testing::write_small_store(folder.path());
  ReadOptions options;
  options.layer = "none";
  EXPECT_SAITHE_ERROR(open_source(folder.path(), options, kContext), ErrorKind::BadFormat,
                      "no such layer; the store has: none");
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
                      "1 cells x 2 genes");
  std::filesystem::remove_all(folder / "X");
  EXPECT_SAITHE_ERROR(open_source(folder.path(), {}, kContext), ErrorKind::BadFormat, "has no X");
}

}  // namespace
}  // namespace saithe
