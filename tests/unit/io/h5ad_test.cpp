// Reading of h5ad: layers, raw, dense matrices and every kind of column that AnnData 0.8 writes.

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "saithe/io/formats.h"
#include "saithe/io/hdf5_writer.h"
#include "saithe/io/open.h"
#include "saithe/io/write_h5ad.h"
#include "support/folder_for_test.h"
#include "support/marker_cells.h"

namespace saithe {
namespace {

using io::Hdf5Target;
using testing::FolderForTest;
using testing::marker_cells;

const Context kContext(2);
constexpr auto kInteger = NumberColumn::Kind::Integer;
constexpr auto kBoolean = NumberColumn::Kind::Boolean;

/// Two cells x three genes as csr: the values `first` and 7.
void write_matrix(const Hdf5Target& parent, const std::string& name, double first) {
  const Hdf5Target group = parent.create_group(name, "csr_matrix");
  group.write_array("data", std::vector<double>{first, 7}, NumberColumn::Kind::Float32);
  group.write_array("indices", std::vector<double>{2, 0}, kInteger);
  group.write_array("indptr", std::vector<double>{0, 1, 2}, kInteger);
  group.set_attribute("shape", std::vector<std::int64_t>{2, 3});
}

/// A file with X, a layer and raw that differ in their first value, and what `add` adds.
template <typename Add>
void write_file(const std::filesystem::path& path, Add add) {
  Hdf5Target root = Hdf5Target::create_file(path, path.string());
  write_matrix(root, "X", 1);
  write_matrix(root.create_group("layers", "dict"), "counts", 2);
  root.write_frame("obs", Table({"a", "b"}), {"_index", {}});
  root.write_frame("var", Table({"x", "y", "z"}), {"_index", {}});
  const Hdf5Target raw = root.create_group("raw", "raw");
  write_matrix(raw, "X", 3);
  raw.write_frame("var", Table({"rx", "ry", "rz"}), {"_index", {}});
  add(root);
  root.flush();
  root.close();
}

TEST(H5ad, LayersAndRawAreAskedForByName) {
  const FolderForTest folder;
  write_h5ad(folder / "a.h5ad", marker_cells(8, 8, 2), {}, false, kContext);
  ReadOptions options;
  options.layer = "counts";
  EXPECT_SAITHE_ERROR(open_source(folder / "a.h5ad", options, kContext), ErrorKind::BadFormat,
                      "no such layer");
  options.layer.clear();
  options.use_raw = true;
  EXPECT_SAITHE_ERROR(open_source(folder / "a.h5ad", options, kContext), ErrorKind::BadFormat,
                      "has no raw");
  options.layer = "counts";
  EXPECT_SAITHE_ERROR(open_source(folder / "a.h5ad", options, kContext), ErrorKind::InvalidArgument,
                      "exclude");
  EXPECT_SAITHE_ERROR(open_source(folder / "a.h5ad", {"", false, "hg19"}, kContext),
                      ErrorKind::InvalidArgument, "--genome");
}

TEST(H5ad, LayersAndRawAreRead) {
  const FolderForTest folder;
  write_file(folder / "a.h5ad", [](const Hdf5Target&) {});
  const Dataset layer = read_dataset(folder / "a.h5ad", {"counts", false, ""}, kContext);
  EXPECT_EQ(layer.counts.values, (std::vector<float>{2, 7}));
  EXPECT_EQ(layer.var().index(), (std::vector<std::string>{"x", "y", "z"}));
  const Dataset raw = read_dataset(folder / "a.h5ad", {"", true, ""}, kContext);
  EXPECT_EQ(raw.counts.values, (std::vector<float>{3, 7}));
  EXPECT_EQ(raw.var().index(), (std::vector<std::string>{"rx", "ry", "rz"}));
  const FileSummary summary = inspect_file(folder / "a.h5ad", {"counts", false, ""}, kContext);
  EXPECT_EQ(summary.total, 9);
  EXPECT_EQ(summary.layers, (std::vector<std::string>{"counts"}));
  EXPECT_TRUE(summary.has_raw);
}

TEST(H5ad, NullableColumnsAndCategoriesOfNumbers) {
  const FolderForTest folder;
  write_file(folder / "a.h5ad", [](const Hdf5Target& root) {
    const Hdf5Target obs = root.group("obs");
    const std::vector<double> mask = {0, 1};
    const auto add_nullable = [&](const char* name, const char* encoding, double first,
                                  NumberColumn::Kind kind) {
      const Hdf5Target column = obs.create_group(name, encoding);
      column.write_array("values", std::vector<double>{first, 0}, kind);
      column.write_array("mask", mask, kBoolean);
    };
    add_nullable("n", "nullable-integer", 12, kInteger);
    add_nullable("flag", "nullable-boolean", 1, kBoolean);
    const Hdf5Target text = obs.create_group("text", "nullable-string-array");
    text.write_texts("values", {"word", ""});
    text.write_array("mask", mask, kBoolean);
    const Hdf5Target cluster = obs.create_group("cluster", "categorical", "0.2.0");
    cluster.write_array("codes", std::vector<double>{1, -1}, kInteger);
    cluster.write_array("categories", std::vector<double>{4, 5}, kInteger);
    static_cast<void>(obs.create_group("strange", "awkward-array"));
    obs.set_attribute("column-order",
                      std::vector<std::string>{"n", "flag", "text", "cluster", "strange"});
  });
  std::vector<std::string> warnings;
  Context listening(1);
  listening.on_warning = [&](const std::string& message) { warnings.push_back(message); };
  const Dataset cells = read_dataset(folder / "a.h5ad", {"counts", false, ""}, listening);
  EXPECT_EQ(cells.obs().as_text("n"), (std::vector<std::string>{"12", ""}));
  EXPECT_EQ(cells.obs().as_text("flag"), (std::vector<std::string>{"True", ""}));
  EXPECT_EQ(cells.obs().as_text("text"), (std::vector<std::string>{"word", ""}));
  EXPECT_EQ(cells.obs().as_text("cluster"), (std::vector<std::string>{"5", ""}));
  EXPECT_EQ(cells.obs().find("strange"), nullptr);
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_TRUE(testing::contains(warnings[0], "strange"));
}

// As a double it is 2^63, which no 64 bits with a sign hold.
TEST(H5ad, TheLargestWholeNumberIsExactBesideGaps) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  const FolderForTest folder;
  write_file(folder / "a.h5ad", [&](const Hdf5Target& root) {
    const Hdf5Target obs = root.group("obs");
    for (const std::int64_t other : {7, -7}) {
      const Hdf5Target column = obs.create_group(other > 0 ? "most" : "signed", "nullable-integer");
      column.write_array("values", std::vector<double>{0x1p63, static_cast<double>(other)},
                         kInteger, std::vector<std::int64_t>{kMost, other});
      column.write_array("mask", std::vector<double>{0, other > 0 ? 1.0 : 0.0}, kBoolean);
    }
    obs.write_array("plain", std::vector<double>{0x1p63, 3}, kInteger,
                    std::vector<std::int64_t>{kMost, 3});
    obs.set_attribute("column-order", std::vector<std::string>{"most", "signed", "plain"});
  });
  std::vector<std::string> warnings;
  Context listening(1);
  listening.on_warning = [&](const std::string& message) { warnings.push_back(message); };
  const Dataset cells = read_dataset(folder / "a.h5ad", {"counts", false, ""}, listening);
  const std::string most = "9223372036854775807";
  EXPECT_EQ(cells.obs().as_text("most"), (std::vector<std::string>{most, ""}));
  EXPECT_EQ(cells.obs().as_text("signed"), (std::vector<std::string>{most, "-7"}));
  EXPECT_EQ(cells.obs().as_text("plain"), (std::vector<std::string>{most, "3"}));
  EXPECT_TRUE(warnings.empty());
}

TEST(H5ad, ColumnsThatLieAreErrors) {
  const FolderForTest folder;
  write_file(folder / "codes.h5ad", [](const Hdf5Target& root) {
    const Hdf5Target column = root.group("obs").create_group("type", "categorical", "0.2.0");
    column.write_array("codes", std::vector<double>{0, 2}, kInteger);
    column.write_texts("categories", {"B", "T"});
    root.group("obs").set_attribute("column-order", std::vector<std::string>{"type"});
  });
  EXPECT_SAITHE_ERROR(open_source(folder / "codes.h5ad", {}, kContext)->obs().find("type"),
                      ErrorKind::BadFormat, "code 2 for 2 categories");
  write_file(folder / "length.h5ad", [](const Hdf5Target& root) {
    root.group("obs").write_texts("type", {"B", "T", "NK"});
    root.group("obs").set_attribute("column-order", std::vector<std::string>{"type"});
  });
  EXPECT_SAITHE_ERROR(open_source(folder / "length.h5ad", {}, kContext)->obs().find("type"),
                      ErrorKind::BadFormat, "3 entries for 2 rows");
  write_file(folder / "shape.h5ad", [](const Hdf5Target& root) {
    root.remove("layers");
    root.remove("raw");
    root.remove("X");
    const std::vector<float> values = {1, 2, 3, 4};
    const std::vector<std::int64_t> shape = {2, 2};
    root.write_array("X", values, shape);
  });
  EXPECT_SAITHE_ERROR(open_source(folder / "shape.h5ad", {}, kContext), ErrorKind::BadFormat,
                      "has the shape 2 x 2, but obs has 2 cells and var 3 genes");
}

TEST(H5ad, ADenseMatrixKeepsItsValuesOnly) {
  const FolderForTest folder;
  write_file(folder / "dense.h5ad", [](const Hdf5Target& root) {
    root.remove("layers");
    root.remove("raw");
    root.remove("X");
    const std::vector<float> values = {0, 5, 0, 1, 0, 2};
    const std::vector<std::int64_t> shape = {2, 3};
    root.write_array("X", values, shape);
  });
  const Dataset cells = read_dataset(folder / "dense.h5ad", {}, kContext);
  EXPECT_EQ(cells.counts.row_start, (std::vector<RowPointer>{0, 1, 3}));
  EXPECT_EQ(cells.counts.columns, (std::vector<GeneIndex>{1, 0, 2}));
  EXPECT_EQ(cells.counts.values, (std::vector<float>{5, 1, 2}));
}

/// The cells with these genes, under names that write_h5ad() would make unique.
void write_genes(const std::filesystem::path& path, const Dataset& cells, const Table& var) {
  write_h5ad(path, cells, {}, false, kContext);
  const Hdf5Target root = Hdf5Target::open_file(path, path.string());
  root.remove("var");
  root.write_frame("var", var, io::names_of(var));
  root.flush();
}

TEST(H5ad, NamesThatStandTwice) {
  const FolderForTest folder;
  const Dataset cells = marker_cells(8, 3, 2);
  std::vector<std::string> warnings;
  Context listening(1);
  listening.on_warning = [&](const std::string& text) { warnings.push_back(text); };

  Table obs(std::vector<std::string>(8, "same"));
  write_h5ad(folder / "obs.h5ad", Dataset("", cells.counts, obs, cells.var()), {}, false, kContext);
  EXPECT_EQ(open_source(folder / "obs.h5ad", {}, listening)->n_cells(), 8);
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_TRUE(testing::contains(warnings[0], "'same'"));

  Table ids({"ENSG00000000001", "ENSG00000000002", "ENSG00000000001"});
  write_genes(folder / "ids.h5ad", cells, ids);
  EXPECT_SAITHE_ERROR(open_source(folder / "ids.h5ad", {}, kContext), ErrorKind::BadFormat,
                      "'ENSG00000000001' stands twice");

  Table symbols({"A", "B", "A"});
  symbols.set("gene_ids", TextColumn{{"E1", "E2", "E3"}, {}});
  write_genes(folder / "symbols.h5ad", cells, symbols);
  EXPECT_EQ(open_source(folder / "symbols.h5ad", {}, listening)->var().index(),
            (std::vector<std::string>{"A", "B", "A-1"}));
}

// AnnData packs texts of any length, too, of which h5py tells the filter no size.
TEST(H5ad, ArraysOfOneChunkAreUnpackedOnceHoweverOftenTheyAreRead) {
  const FolderForTest folder;
  const Dataset cells = marker_cells(2000, 20, 2);
  write_h5ad(folder / "a.h5ad", cells, {}, false, kContext);
  io::InputFile input = io::look_at(folder / "a.h5ad", Context(1));
  const io::Hdf5Group root = *input.hdf5;
  FileSummary summary;
  io::kH5ad.describe(input, summary, kContext);                        // samples of 16 places
  const auto source = io::kH5ad.open(std::move(input), {}, kContext);  // again
  CsrMatrix read;
  read.n_cols = cells.n_genes();
  for (CellIndex cell = 0; cell < 2000; cell += 50) {
    append_rows(read, source->read_cells(cell, cell + 50, kContext).view());
  }
  EXPECT_EQ(read.values, cells.counts.values);
  EXPECT_EQ(read.columns, cells.counts.columns);
  // data and indices once, indptr by each who opens the matrix.
  EXPECT_EQ(root.cache().n_unpacked(), 4);
}

TEST(H5ad, PackedByLzf) {
  const auto folder = std::filesystem::path(SAITHE_SOURCE_DIR) / "tests" / "fuzz" / "corpus";
  const Dataset lzf = read_dataset(folder / "lzf.h5ad", {}, kContext);
  const Dataset gzip = read_dataset(folder / "csr.h5ad", {}, kContext);
  EXPECT_EQ(lzf.obs().index(), gzip.obs().index());
  EXPECT_EQ(lzf.var().index(), gzip.var().index());
  EXPECT_EQ(lzf.obs().as_text("cell_type"), gzip.obs().as_text("cell_type"));
  EXPECT_EQ(lzf.counts.values, gzip.counts.values);
  EXPECT_EQ(lzf.counts.columns, gzip.counts.columns);
}

}  // namespace
}  // namespace saithe
