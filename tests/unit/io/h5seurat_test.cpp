// h5Seurat files; larger ones, with all kinds of columns, are in tests/golden/formats.

#include <gtest/gtest.h>

#include "saithe/io/hdf5_writer.h"
#include "saithe/io/open.h"
#include "support/folder_for_test.h"

namespace saithe {
namespace {

using io::Hdf5Target;
using testing::FolderForTest;
using Texts = std::vector<std::string>;

const Context kContext(1);
constexpr auto kInteger = NumberColumn::Kind::Integer;

struct Parts {
  std::string active = "RNA";
  std::string assay_with_counts = "RNA";
  bool has_layers = false;
  std::vector<double> factor = {2, 1};
  std::vector<std::int64_t> dims = {3, 2};
};

/// Three genes x two cells, by columns.
void write_h5seurat(const std::filesystem::path& path, const Parts& parts) {
  std::filesystem::remove(path);
  Hdf5Target root = Hdf5Target::create_file(path, path.string());
  root.set_attribute("active.assay", Texts{parts.active});
  root.write_texts("cell.names", {"c1", "c2"});
  const Hdf5Target assays = root.create_group("assays", "");
  for (const char* name : {"RNA", "integrated"}) {
    const Hdf5Target assay = assays.create_group(name, "");
    assay.write_texts("features", {"A", "B", "C"});
    if (parts.has_layers) static_cast<void>(assay.create_group("layers", ""));
    if (name != parts.assay_with_counts) continue;
    const Hdf5Target counts = assay.create_group("counts", "");
    counts.set_attribute("dims", std::span<const std::int64_t>(parts.dims));
    counts.write_array("data", std::vector<double>{5, 1, 2}, NumberColumn::Kind::Float64);
    counts.write_array("indices", std::vector<double>{0, 2, 1}, kInteger);
    counts.write_array("indptr", std::vector<double>{0, 2, 3}, kInteger);
  }
  const Hdf5Target type = root.create_group("meta.data", "").create_group("type", "");
  type.write_texts("levels", {"B", "T"});
  type.write_array("values", parts.factor, kInteger);
  root.flush();
  root.close();
}

TEST(H5Seurat, CountsOfTheActiveAssay) {
  const FolderForTest folder;
  write_h5seurat(folder / "a.h5seurat", {});
  const Dataset cells = read_dataset(folder / "a.h5seurat", {}, kContext);
  EXPECT_EQ(cells.obs().index(), (Texts{"c1", "c2"}));
  EXPECT_EQ(cells.var().index(), (Texts{"A", "B", "C"}));
  EXPECT_EQ(cells.obs().as_text("type"), (Texts{"T", "B"}));
  EXPECT_EQ(cells.counts.row_start, (std::vector<RowPointer>{0, 2, 3}));
  EXPECT_EQ(cells.counts.columns, (std::vector<GeneIndex>{0, 2, 1}));
  EXPECT_EQ(cells.counts.values, (std::vector<float>{5, 1, 2}));
}

TEST(H5Seurat, AnActiveAssayWithoutCounts) {
  const FolderForTest folder;
  std::vector<std::string> warnings;
  Context listening(1);
  listening.on_warning = [&](const std::string& text) { warnings.push_back(text); };
  Parts parts;
  parts.active = "integrated";
  write_h5seurat(folder / "a.h5seurat", parts);
  EXPECT_EQ(read_dataset(folder / "a.h5seurat", {}, listening).n_cells(), 2);
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_TRUE(testing::contains(warnings[0], "integrated has no counts; those of RNA are read"));
  parts.assay_with_counts = "none";
  write_h5seurat(folder / "a.h5seurat", parts);
  EXPECT_SAITHE_ERROR(open_source(folder / "a.h5seurat", {}, kContext), ErrorKind::BadFormat,
                      "integrated has no counts");
}

TEST(H5Seurat, WithoutCountsTheCommandNamesTheFileAndItsPackages) {
  const FolderForTest folder;
  Parts parts;
  parts.assay_with_counts = "none";
  write_h5seurat(folder / "a.h5seurat", parts);
  EXPECT_SAITHE_ERROR(open_source(folder / "a.h5seurat", {}, kContext), ErrorKind::BadFormat,
                      "anndataR::write_h5ad(SeuratDisk::LoadH5Seurat(\"" +
                          (folder / "a.h5seurat").string() + "\"), \"cells.h5ad\")");
  parts.has_layers = true;
  write_h5seurat(folder / "a.h5seurat", parts);
  EXPECT_SAITHE_ERROR(open_source(folder / "a.h5seurat", {}, kContext), ErrorKind::BadFormat,
                      "RNA has layers of Seurat 5, which are not read of h5Seurat");
}

TEST(H5Seurat, WhatDoesNotAgreeIsNamed) {
  const FolderForTest folder;
  Parts parts;
  parts.factor = {0, 1};  // levels count from 1
  write_h5seurat(folder / "a.h5seurat", parts);
  EXPECT_SAITHE_ERROR(open_source(folder / "a.h5seurat", {}, kContext)->obs().find("type"),
                      ErrorKind::BadFormat, "type/values: has the value 0 for 2 levels");
  parts = {};
  parts.dims = {2, 3};
  write_h5seurat(folder / "a.h5seurat", parts);
  EXPECT_SAITHE_ERROR(open_source(folder / "a.h5seurat", {}, kContext), ErrorKind::BadFormat,
                      "is not a matrix of 3 features x 2 cells");
}

}  // namespace
}  // namespace saithe
