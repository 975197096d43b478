#include "saithe/io/write_h5ad.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <limits>
#include <thread>

#include "saithe/io/annotate_h5ad.h"
#include "saithe/io/hdf5_file.h"
#include "saithe/io/hdf5_writer.h"
#include "saithe/io/open.h"
#include "support/folder_for_test.h"
#include "support/marker_cells.h"

namespace saithe {
namespace {

using testing::FolderForTest;
using testing::marker_cells;
using testing::read_bytes;

using Texts = std::vector<std::string>;

const Context kContext(2);

Dataset cells_with_columns() {
  Dataset cells = marker_cells(60, 40, 3);
  const auto n = as_size(cells.n_cells());
  NumberColumn score{std::vector<double>(n, 0.25), NumberColumn::Kind::Float64};
  score.values.at(3) = std::numeric_limits<double>::quiet_NaN();
  NumberColumn count{std::vector<double>(n, 7), NumberColumn::Kind::Integer};
  NumberColumn flag{std::vector<double>(n, 0), NumberColumn::Kind::Boolean};
  flag.values.at(1) = 1;
  NumberColumn maybe_count = count;
  maybe_count.values.at(4) = std::numeric_limits<double>::quiet_NaN();
  NumberColumn maybe_flag = flag;
  maybe_flag.values.at(5) = std::numeric_limits<double>::quiet_NaN();
  TextColumn note{std::vector<std::string>(n, "x"), std::vector<bool>(n, false)};
  note.is_missing.at(2) = true;
  note.values.at(2) = "";
  cells.obs().set("score", score);
  cells.obs().set("count", count);
  cells.obs().set("flag", flag);
  cells.obs().set("maybe_count", maybe_count);
  cells.obs().set("maybe_flag", maybe_flag);
  cells.obs().set("note", note);
  return cells;
}

Annotations some_annotations(CellIndex n_cells) {
  Annotations annotations;
  std::vector<std::string> types(as_size(n_cells), "B/plasma");
  types.at(0) = "T";
  annotations.obs.emplace_back("predicted_cell_type", make_category_column(types));
  DenseMatrix probabilities(n_cells, 2);
  probabilities(1, 1) = 0.5F;
  annotations.obsm.emplace_back("predicted_cell_type_probabilities", std::move(probabilities));
  annotations.uns.emplace_back("predicted_cell_type_colors",
                               std::vector<std::string>{"#000000", "#ffffff"});
  annotations.uns.emplace_back("saithe/version", std::string("1"));
  annotations.uns.emplace_back("saithe/seed", std::int64_t{4});
  annotations.uns.emplace_back("saithe/scale", 0.5);
  annotations.uns.emplace_back("saithe/stratified", true);
  return annotations;
}

TEST(WriteH5ad, ReadsBackWhatItWrote) {
  const FolderForTest folder;
  const Dataset cells = cells_with_columns();
  write_h5ad(folder / "a.h5ad", cells, some_annotations(60), false, kContext);
  const Dataset read = read_dataset(folder / "a.h5ad", {}, kContext);
  EXPECT_EQ(read.counts.row_start, cells.counts.row_start);
  EXPECT_EQ(read.counts.columns, cells.counts.columns);
  EXPECT_EQ(read.counts.values, cells.counts.values);
  EXPECT_EQ(read.obs().index(), cells.obs().index());
  EXPECT_EQ(read.var().index(), cells.var().index());
  for (const auto& [name, column] : cells.obs().columns()) {
    EXPECT_EQ(read.obs().as_text(name), cells.obs().as_text(name)) << name;
    const auto* numbers = std::get_if<NumberColumn>(&column);
    if (numbers == nullptr) continue;
    EXPECT_EQ(std::get<NumberColumn>(*read.obs().find(name)).kind, numbers->kind) << name;
  }
  EXPECT_EQ(read.obs().as_text("predicted_cell_type")[1], "B/plasma");
  EXPECT_TRUE(is_h5ad(folder / "a.h5ad"));
}

TEST(WriteH5ad, ColumnsOfAnyNameAreKeptAndNoneTakesThePlaceOfOurs) {
  const FolderForTest folder;
  Dataset cells = marker_cells(6, 5, 3);
  const Texts names = {"_index", "", ".", "a/b", "a_b", "predicted/cell_type"};
  for (const std::string& name : names) {
    cells.obs().set(name, TextColumn{Texts(6, "of " + name), {}});
  }
  cells.var().set("x/y", TextColumn{Texts(5, "z"), {}});
  std::vector<std::string> warnings;
  Context listening(1);
  listening.on_warning = [&](const std::string& text) { warnings.push_back(text); };
  write_h5ad(folder / "a.h5ad", cells, some_annotations(6), false, listening);
  ASSERT_EQ(warnings.size(), 2U);  // of obs and of var
  EXPECT_TRUE(testing::contains(warnings[0], "a.h5ad: obs: 5 names"));
  EXPECT_TRUE(testing::contains(warnings[1], "'x/y' is now 'x_y'"));
  const Dataset read = read_dataset(folder / "a.h5ad", {}, kContext);
  const Texts changed = {"index", "unnamed", "unnamed_1", "a_b_1", "a_b", "predicted_cell_type_1"};
  for (std::size_t i = 0; i < names.size(); ++i) {
    ASSERT_NE(read.obs().find(changed[i]), nullptr) << changed[i];
    EXPECT_EQ(read.obs().as_text(changed[i]), Texts(6, "of " + names[i]));
  }
  EXPECT_EQ(read.obs().as_text("predicted_cell_type")[0], "T");
}

TEST(WriteH5ad, RepeatedGenesAreMadeUniqueInTheFileOnly) {
  const FolderForTest folder;
  Dataset cells = marker_cells(6, 3, 3);
  cells.var() = Table({"A", "B", "A"});
  write_h5ad(folder / "a.h5ad", cells, {}, false, kContext);
  const io::Hdf5Group var = io::Hdf5Group::open_file(folder / "a.h5ad").group("var");
  EXPECT_EQ(var.dataset("_index").read_texts(), (Texts{"A", "B", "A-1"}));
  EXPECT_EQ(var.dataset("gene_symbols").read_texts(), (Texts{"A", "B", "A"}));
  EXPECT_EQ(read_dataset(folder / "a.h5ad", {}, kContext).var().index(), (Texts{"A", "B", "A"}));
}

TEST(WriteH5ad, BlocksAreTheRowsOfTheWhole) {
  const FolderForTest folder;
  const Dataset cells = marker_cells(60, 40, 3);
  write_h5ad(folder / "a.h5ad", cells, {}, false, kContext);
  const auto source = open_source(folder / "a.h5ad", {}, kContext);
  CsrMatrix joined = source->read_cells(0, 17, kContext);
  append_rows(joined, source->read_cells(17, 18, kContext).view());
  append_rows(joined, source->read_cells(18, 18, kContext).view());
  append_rows(joined, source->read_cells(18, 60, kContext).view());
  EXPECT_EQ(joined.row_start, cells.counts.row_start);
  EXPECT_EQ(joined.columns, cells.counts.columns);
  EXPECT_EQ(joined.values, cells.counts.values);
}

TEST(WriteH5ad, SameContentGivesSameBytes) {
  const FolderForTest folder;
  const Dataset cells = cells_with_columns();
  write_h5ad(folder / "a.h5ad", cells, some_annotations(60), false, Context(1));
  H5adAnnotator(folder / "a.h5ad", folder / "a2.h5ad", true).write(some_annotations(60));
  std::this_thread::sleep_for(std::chrono::milliseconds(2100));  // HDF5's clock counts seconds
  write_h5ad(folder / "b.h5ad", cells, some_annotations(60), false, Context(2));
  H5adAnnotator(folder / "b.h5ad", folder / "b2.h5ad", true).write(some_annotations(60));
  EXPECT_EQ(read_bytes(folder / "a.h5ad"), read_bytes(folder / "b.h5ad"));
  EXPECT_EQ(read_bytes(folder / "a2.h5ad"), read_bytes(folder / "b2.h5ad"));
}

TEST(WriteH5ad, StreamEqualsTheWhole) {
  const FolderForTest folder;
  const Dataset cells = cells_with_columns();
  H5adStream stream(folder / "s.h5ad", cells.var(), 60, false);
  for (CellIndex begin = 0; begin < 60; begin += 25) {
    std::vector<CellIndex> rows;
    for (CellIndex cell = begin; cell < std::min<CellIndex>(begin + 25, 60); ++cell) {
      rows.push_back(cell);
    }
    const Dataset block = select_cells(cells, rows);
    stream.append(block.counts.view(), block.obs(), kContext);
  }
  EXPECT_FALSE(std::filesystem::exists(folder / "s.h5ad"));
  stream.finish(kContext);
  const Dataset read = read_dataset(folder / "s.h5ad", {}, kContext);
  EXPECT_EQ(read.counts.columns, cells.counts.columns);
  EXPECT_EQ(read.counts.values, cells.counts.values);
  EXPECT_EQ(read.obs().as_text("cell_type"), cells.obs().as_text("cell_type"));
  EXPECT_EQ(read.obs().as_text("note"), cells.obs().as_text("note"));
}

/// Bytes of one stored index, of one stored row start.
std::pair<std::size_t, std::size_t> integer_widths(const std::filesystem::path& path) {
  const auto x = io::Hdf5Group::open_file(path).group("X");
  return {x.dataset("indices").value_bytes(), x.dataset("indptr").value_bytes()};
}

TEST(WriteH5ad, IndicesAndRowStartsHaveOneWidth) {
  const FolderForTest folder;
  const Dataset cells = marker_cells(60, 40, 3);
  write_h5ad(folder / "a.h5ad", cells, {}, false, kContext);
  EXPECT_EQ(integer_widths(folder / "a.h5ad"), std::pair(std::size_t{4}, std::size_t{4}));
  // 40 genes: up to 2^31 / 40 cells cannot store more values than 32 bits count.
  constexpr CellIndex kNarrow = (CellIndex{1} << 31) / 40;
  for (const auto& [n_cells, bytes] : {std::pair(kNarrow, 4), std::pair(kNarrow + 1, 8)}) {
    const auto path = folder / std::to_string(bytes);
    H5adStream stream(path, cells.var(), n_cells, false);
    stream.append(cells.counts.view(), cells.obs(), kContext);
    stream.finish(kContext);
    EXPECT_EQ(integer_widths(path), std::pair(as_size(bytes), as_size(bytes)));
    const Dataset read = read_dataset(path, {}, kContext);
    EXPECT_EQ(read.counts.row_start, cells.counts.row_start);
    EXPECT_EQ(read.counts.columns, cells.counts.columns);
  }
}

TEST(WriteH5ad, ASourceOfBlocksEqualsTheWhole) {
  const FolderForTest folder;
  Dataset cells = cells_with_columns();
  write_h5ad(folder / "whole.h5ad", std::as_const(cells), some_annotations(60), false, kContext);
  CellSource& source = cells;
  write_h5ad(folder / "blocks.h5ad", source, some_annotations(60), false, kContext);
  EXPECT_EQ(read_bytes(folder / "whole.h5ad"), read_bytes(folder / "blocks.h5ad"));
}

TEST(WriteH5ad, AnExistingOutputIsNamedAndUntouched) {
  const FolderForTest folder;
  testing::write_bytes(folder / "a.h5ad", "mine");
  EXPECT_SAITHE_ERROR(write_h5ad(folder / "a.h5ad", marker_cells(8, 8, 2), {}, false, kContext),
                      ErrorKind::Output, "a.h5ad");
  EXPECT_EQ(read_bytes(folder / "a.h5ad"), "mine");
  write_h5ad(folder / "a.h5ad", marker_cells(8, 8, 2), {}, true, kContext);
  EXPECT_TRUE(is_h5ad(folder / "a.h5ad"));
}

TEST(WriteH5ad, AFullDiskIsAnErrorAndLeavesNothing) {
  const FolderForTest folder;
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit old_limit{};
  getrlimit(RLIMIT_FSIZE, &old_limit);
  const rlimit small{8192,
                     old_limit.rlim_max};  // the kernel refuses what goes beyond, as a full disk
  setrlimit(RLIMIT_FSIZE, &small);
  const auto error = testing::error_of(
      [&] { write_h5ad(folder / "a.h5ad", marker_cells(600, 100, 3), {}, false, kContext); });
  setrlimit(RLIMIT_FSIZE, &old_limit);
  ASSERT_TRUE(error.has_value());
  EXPECT_EQ(error->kind(), ErrorKind::Output);
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
  // The library is usable afterwards.
  write_h5ad(folder / "a.h5ad", marker_cells(600, 100, 3), {}, false, kContext);
  EXPECT_EQ(read_dataset(folder / "a.h5ad", {}, kContext).n_cells(), 600);
}

}  // namespace
}  // namespace saithe
