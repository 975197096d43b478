// open_source() finds out what a path is; inspect_file() says what is in it.

#include "saithe/io/open.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <map>

#include "saithe/io/hdf5_writer.h"
#include "saithe/io/write_h5ad.h"
#include "support/folder_for_test.h"
#include "support/marker_cells.h"

namespace saithe {
namespace {

using testing::FolderForTest;
using testing::marker_cells;

const Context kContext(2);

TEST(OpenSource, FilesThatAreNoHdf5) {
  const FolderForTest folder;
  EXPECT_SAITHE_ERROR(open_source(folder / "none.h5ad", {}, kContext), ErrorKind::NotFound,
                      "none.h5ad");
  testing::write_bytes(folder / "empty.h5ad", "");
  testing::write_bytes(folder / "text.h5ad", "barcode\tlabel\n");
  for (const char* name : {"empty.h5ad", "text.h5ad"}) {
    EXPECT_SAITHE_ERROR(open_source(folder / name, {}, kContext), ErrorKind::BadFormat, name);
    EXPECT_FALSE(is_h5ad(folder / name));
  }
}

TEST(OpenSource, AFolderAndAnHdf5FileOfNoKnownFormat) {
  const FolderForTest folder;
  EXPECT_SAITHE_ERROR(open_source(folder.path(), {}, kContext), ErrorKind::NotFound, "matrix.mtx");
  EXPECT_SAITHE_ERROR(open_source(folder.path(), {"counts", false, ""}, kContext),
                      ErrorKind::InvalidArgument, "--layer is not for this format, MTX folder");
  io::Hdf5Target root = io::Hdf5Target::create_file(folder / "other.h5", "other.h5");
  root.flush();
  root.close();
  EXPECT_SAITHE_ERROR(open_source(folder / "other.h5", {}, kContext), ErrorKind::BadFormat,
                      "of no format that is read here");
  EXPECT_FALSE(is_h5ad(folder / "other.h5"));
  EXPECT_FALSE(is_h5ad(folder.path()));
}

TEST(InspectFile, SaysWhatIsThere) {
  const FolderForTest folder;
  Dataset cells = marker_cells(60, 40, 3);
  write_h5ad(folder / "a.h5ad", cells, {}, false, kContext);
  const FileSummary summary = inspect_file(folder / "a.h5ad", {}, kContext);
  EXPECT_EQ(summary.format, "h5ad (AnnData 0.8 or later)");
  EXPECT_EQ(summary.n_cells, 60);
  EXPECT_EQ(summary.n_genes, 40);
  EXPECT_EQ(summary.n_stored, cells.counts.n_stored());
  EXPECT_EQ(summary.value_kind, ValueKind::Counts);
  EXPECT_FALSE(summary.has_raw);
  ASSERT_EQ(summary.obs.size(), 2U);
  EXPECT_EQ(summary.obs[0].name, "cell_type");
  EXPECT_EQ(summary.obs[0].kind, "category");
  EXPECT_EQ(summary.obs[0].n_values, 3);
  cells.counts.values[0] = 0.5F;
  write_h5ad(folder / "b.h5ad", cells, {}, false, kContext);
  EXPECT_NE(inspect_file(folder / "b.h5ad", {}, kContext).value_kind, ValueKind::Counts);
}

// As AnnData counts them: an empty text is a value, a missing one is none.
TEST(InspectFile, CountsAnEmptyTextAndNoMissingOne) {
  const FolderForTest folder;
  Annotations columns;
  columns.obs.emplace_back("empty", CategoryColumn{{0, 1, 1}, {"", "x"}});
  columns.obs.emplace_back("unused", CategoryColumn{{1, 1, -1}, {"", "x"}});
  columns.obs.emplace_back("text", TextColumn{{"", "x", "x"}, {}});
  write_h5ad(folder / "a.h5ad", marker_cells(3, 4, 3), columns, true, kContext);
  std::map<std::string, std::int64_t> n_values;
  for (const ColumnSummary& column : inspect_file(folder / "a.h5ad", {}, kContext).obs) {
    n_values[column.name] = column.n_values;
  }
  EXPECT_EQ(n_values["empty"], 2);
  EXPECT_EQ(n_values["unused"], 1);
  EXPECT_EQ(n_values["text"], 2);
}

// What AnnData could not read back is not copied silently into an h5ad.
// A pipe without a writer would be waited for without end.
TEST(OpenSource, WhatIsNoFileIsNamed) {
  const FolderForTest folder;
  ASSERT_EQ(mkfifo((folder / "pipe").c_str(), 0600), 0);
  EXPECT_SAITHE_ERROR(open_source(folder / "pipe", {}, kContext), ErrorKind::BadFormat,
                      "pipe: is a pipe, not a file");
  EXPECT_SAITHE_ERROR(open_source("/dev/null", {}, kContext), ErrorKind::BadFormat,
                      "is a device, not a file");
  EXPECT_FALSE(is_h5ad(folder / "pipe"));
  std::filesystem::create_symlink("loop", folder / "loop");
  EXPECT_SAITHE_ERROR(open_source(folder / "loop", {}, kContext), ErrorKind::NotFound,
                      "cannot be opened: Too many levels");
}

TEST(OpenSource, TextsThatAreNotUtf8AreRefusedInEveryTable) {
  const FolderForTest folder;
  const auto expect_refusal = [&](const std::string& part, auto change) {
    Dataset cells = marker_cells(6, 4, 2);
    Table obs = cells.obs();
    Table var = cells.var();
    change(obs, var);
    std::filesystem::remove(folder / "a.h5ad");
    write_h5ad(folder / "a.h5ad", Dataset("a", cells.counts, obs, var), {}, false, kContext);
    const auto read_all = [&] {
      const auto source = open_source(folder / "a.h5ad", {}, kContext);
      static_cast<void>(source->obs().columns());
    };
    EXPECT_SAITHE_ERROR(read_all(), ErrorKind::BadFormat, part);
  };
  const std::vector<std::string> names = {"a", "b", "c\xE9", "d", "e", "f"};
  const std::string first_four[] = {"a", "b", "c", "\xE9"};
  expect_refusal("obs: the index holds a text that is not UTF-8 (entry 2",
                 [&](Table& obs, Table&) { obs.rename_rows(names); });
  expect_refusal("var: the index holds a text that is not UTF-8 (entry 3", [&](Table&, Table& var) {
    var.rename_rows({std::begin(first_four), std::end(first_four)});
  });
  expect_refusal("obs: the column 'x' holds", [&](Table& obs, Table&) {
    obs.set("x", TextColumn{names, {}});
  });
  expect_refusal("iconv", [&](Table& obs, Table&) { obs.set("x", make_category_column(names)); });
  expect_refusal("obs: a column's name", [&](Table& obs, Table&) {
    obs.set("\xE9", TextColumn{std::vector<std::string>(6, "a"), {}});
  });
  testing::write_bytes(folder / "a.csv", "cell,GAPDH,ACTB\nc1,1,2\nc\xE9,3,4\n");
  EXPECT_SAITHE_ERROR(open_source(folder / "a.csv", {}, kContext), ErrorKind::BadFormat,
                      "a.csv:3: is not text in UTF-8");
}

TEST(InspectFile, ZerosAloneAreOfNoKind) {
  const FolderForTest folder;
  Dataset cells = marker_cells(6, 4, 2);
  std::fill(cells.counts.values.begin(), cells.counts.values.end(), 0.0F);
  write_h5ad(folder / "a.h5ad", cells, {}, false, kContext);
  const FileSummary summary = inspect_file(folder / "a.h5ad", {}, kContext);
  EXPECT_EQ(summary.value_kind, ValueKind::Unknown);
  ASSERT_FALSE(summary.warnings.empty());
  EXPECT_TRUE(testing::contains(summary.warnings.back(), "no values other than 0"));
}

}  // namespace
}  // namespace saithe
