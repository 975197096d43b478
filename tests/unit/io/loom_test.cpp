// Loom files; those that loompy wrote are in tests/golden/formats.

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <hdf5.h>

#include <cmath>
#include <functional>
#include <span>

#include "saithe/io/hdf5_writer.h"
#include "saithe/io/open.h"
#include "support/folder_for_test.h"

namespace saithe {
namespace {

using io::Hdf5Target;
using testing::FolderForTest;
using Texts = std::vector<std::string>;

const Context kContext(1);

/// Three genes x two cells, with what `add` writes into the attributes of genes and of cells.
void write_loom(const std::filesystem::path& path,
                const std::function<void(const Hdf5Target&, const Hdf5Target&)>& add) {
  std::filesystem::remove(path);
  Hdf5Target root = Hdf5Target::create_file(path, path.string());
  const std::vector<float> values = {1, 0, 0, 2, 3, 0};
  const std::vector<std::int64_t> shape = {3, 2};
  root.write_array("matrix", values, shape);
  add(root.create_group("row_attrs", ""), root.create_group("col_attrs", ""));
  const std::vector<float> twice = {2, 0, 0, 4, 6, 0};
  root.create_group("layers", "").write_array("spliced", twice, shape);
  root.flush();
  root.close();
}

constexpr std::int64_t kGenes = 5;
constexpr std::int64_t kCells = 40;

/// What a matrix holds for one cell and gene.
using ValueOf = std::function<float(std::int64_t cell, std::int64_t gene)>;

float count(std::int64_t cell, std::int64_t gene) {
  return static_cast<float>((cell * 3 + gene * 5) % 7);
}
float logarithm(std::int64_t cell, std::int64_t gene) {
  float total = 0;
  for (std::int64_t other = 0; other < kGenes; ++other) total += count(cell, other);
  return std::log1p(1e4F * count(cell, gene) / total);
}
float score(std::int64_t cell, std::int64_t gene) {
  return (cell + gene) % 2 == 0 ? 1.3F : -1.3F;
}

struct Layer {
  std::string name;
  ValueOf value;
};

/// A main matrix and layers beside it, as AnnData writes them.
void write_layers(const std::filesystem::path& path, const ValueOf& matrix,
                  const std::vector<Layer>& layers) {
  std::filesystem::remove(path);
  Hdf5Target root = Hdf5Target::create_file(path, path.string());
  const std::vector<std::int64_t> shape = {kGenes, kCells};
  const auto write = [&](const Hdf5Target& group, const std::string& name, const ValueOf& value) {
    std::vector<float> values;
    for (std::int64_t gene = 0; gene < kGenes; ++gene) {
      for (std::int64_t cell = 0; cell < kCells; ++cell) values.push_back(value(cell, gene));
    }
    group.write_array(name, values, shape);
  };
  write(root, "matrix", matrix);
  Texts genes;
  Texts cells;
  for (std::int64_t gene = 0; gene < kGenes; ++gene) genes.push_back(fmt::format("g{}", gene));
  for (std::int64_t cell = 0; cell < kCells; ++cell) cells.push_back(fmt::format("c{}", cell));
  root.create_group("row_attrs", "").write_texts("var_names", genes);
  root.create_group("col_attrs", "").write_texts("obs_names", cells);
  const Hdf5Target group = root.create_group("layers", "");
  for (const Layer& layer : layers) write(group, layer.name, layer.value);
  root.flush();
  root.close();
}

/// The value of the second cell's first gene, and what was warned of.
struct Taken {
  float value = 0;
  Texts warnings;
};

Taken take(const std::filesystem::path& path, const ReadOptions& options = {}) {
  Taken taken;
  Context listening(1);
  listening.on_warning = [&](const std::string& text) { taken.warnings.push_back(text); };
  const Dataset cells = read_dataset(path, options, listening);
  taken.value = cells.counts.view().row_values(1)[0];
  return taken;
}

void write_unsigned(const Hdf5Target& group, const char* name,
                    std::span<const std::uint64_t> values) {
  const hsize_t n = values.size();
  const hid_t space = H5Screate_simple(1, &n, nullptr);
  const hid_t dataset =
      H5Dcreate2(group.id(), name, H5T_STD_U64LE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  ASSERT_GE(H5Dwrite(dataset, H5T_NATIVE_UINT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()), 0);
  H5Dclose(dataset);
  H5Sclose(space);
}

TEST(Loom, GenesByCells) {
  const FolderForTest folder;
  write_loom(folder / "a.loom", [](const Hdf5Target& genes, const Hdf5Target& cells) {
    genes.write_texts("Gene", {"A", "B", "A"});
    genes.write_texts("Accession", {"E1", "E2", "E3"});
    cells.write_texts("CellID", {"c&#233;&amp;1", "c2"});
    cells.write_texts("Tissue", {"a&lt;b", "A&B;&#xzz;"});
  });
  const Dataset cells = read_dataset(folder / "a.loom", {}, kContext);
  EXPECT_EQ(cells.var().index(), (Texts{"A", "B", "A-1"}));
  EXPECT_EQ(cells.var().as_text("gene_ids"), (Texts{"E1", "E2", "E3"}));
  EXPECT_EQ(cells.obs().index(), (Texts{"c\xC3\xA9&1", "c2"}));
  EXPECT_EQ(cells.obs().as_text("Tissue"), (Texts{"a<b", "A&B;&#xzz;"}));  // no entities
  EXPECT_EQ(cells.counts.row_start, (std::vector<RowPointer>{0, 2, 3}));
  EXPECT_EQ(cells.counts.columns, (std::vector<GeneIndex>{0, 2, 1}));
  EXPECT_EQ(cells.counts.values, (std::vector<float>{1, 3, 2}));
  ReadOptions options;
  options.layer = "spliced";
  EXPECT_EQ(read_dataset(folder / "a.loom", options, kContext).counts.values,
            (std::vector<float>{2, 6, 4}));
  options.layer = "unspliced";
  EXPECT_SAITHE_ERROR(open_source(folder / "a.loom", options, kContext), ErrorKind::BadFormat,
                      "--layer unspliced: no such layer; the file has: spliced");
}

TEST(Loom, NamesThatAreNotThere) {
  const FolderForTest folder;
  write_loom(folder / "a.loom", [](const Hdf5Target& genes, const Hdf5Target&) {
    genes.write_texts("Accession", {"E1", "E2", "E3"});
  });
  std::vector<std::string> warnings;
  Context listening(1);
  listening.on_warning = [&](const std::string& text) { warnings.push_back(text); };
  const Dataset cells = read_dataset(folder / "a.loom", {}, listening);
  EXPECT_EQ(cells.var().index(), (Texts{"E1", "E2", "E3"}));
  EXPECT_EQ(cells.obs().index(), (Texts{"cell_1", "cell_2"}));
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_TRUE(testing::contains(warnings[0], "cells are only numbered"));
  write_loom(folder / "a.loom", [](const Hdf5Target& genes, const Hdf5Target&) {
    genes.write_texts("Chromosome", {"1", "2", "3"});
  });
  EXPECT_SAITHE_ERROR(open_source(folder / "a.loom", {}, kContext), ErrorKind::BadFormat,
                      "it has Chromosome");
  write_loom(folder / "a.loom", [](const Hdf5Target& genes, const Hdf5Target&) {
    genes.write_texts("Gene", {"A", "B"});
  });
  EXPECT_SAITHE_ERROR(open_source(folder / "a.loom", {}, kContext), ErrorKind::BadFormat,
                      "/row_attrs/Gene: has 2 names, but the matrix has 3 rows");
}

TEST(Loom, NamesThatAreWholeNumbers) {
  const FolderForTest folder;
  const auto whole = NumberColumn::Kind::Integer;
  write_loom(folder / "a.loom", [&](const Hdf5Target& genes, const Hdf5Target& cells) {
    genes.write_array("Gene", std::vector<double>{7157, 672, 675}, whole);
    cells.write_array("CellID", std::vector<double>{10, 11}, whole);
  });
  const Dataset numbered = read_dataset(folder / "a.loom", {}, kContext);
  EXPECT_EQ(numbered.var().index(), (Texts{"7157", "672", "675"}));
  EXPECT_EQ(numbered.obs().index(), (Texts{"10", "11"}));
  const std::uint64_t large[] = {std::uint64_t{1} << 63, (std::uint64_t{1} << 63) + 1};
  write_loom(folder / "a.loom", [&](const Hdf5Target& genes, const Hdf5Target& cells) {
    genes.write_texts("Gene", {"A", "B", "C"});
    write_unsigned(cells, "CellID", large);
  });
  EXPECT_EQ(read_dataset(folder / "a.loom", {}, kContext).obs().index(),
            (Texts{"9223372036854775808", "9223372036854775809"}));
  // Texts go before them.
  write_loom(folder / "a.loom", [&](const Hdf5Target& genes, const Hdf5Target& cells) {
    genes.write_array("Gene", std::vector<double>{7157, 672, 675}, whole);
    genes.write_texts("Accession", {"E1", "E2", "E3"});
    cells.write_array("CellID", std::vector<double>{10, 11}, whole);
    cells.write_texts("Barcode", {"AA", "TT"});
  });
  const Dataset named = read_dataset(folder / "a.loom", {}, kContext);
  EXPECT_EQ(named.var().index(), (Texts{"E1", "E2", "E3"}));
  EXPECT_TRUE(named.var().has("Gene"));
  EXPECT_EQ(named.obs().index(), (Texts{"AA", "TT"}));
}

TEST(Loom, NumbersPast64BitsAreWarnedOf) {
  const FolderForTest folder;
  write_loom(folder / "a.loom", [](const Hdf5Target& genes, const Hdf5Target& cells) {
    genes.write_texts("Gene", {"A", "B", "C"});
    cells.write_texts("CellID", {"c1", "c2"});
    const std::uint64_t hashes[] = {1, std::uint64_t{1} << 63};
    write_unsigned(cells, "hash", hashes);
  });
  std::vector<std::string> warnings;
  Context listening(1);
  listening.on_warning = [&](const std::string& text) { warnings.push_back(text); };
  const Dataset cells = read_dataset(folder / "a.loom", {}, listening);
  EXPECT_NE(cells.obs().find("hash"), nullptr);
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_TRUE(testing::contains(warnings[0], "/col_attrs/hash: has whole numbers of 2^63 or more"))
      << warnings[0];
}

TEST(Loom, LengthsThatContradictOneAnotherAreErrors) {
  const FolderForTest folder;
  const Texts three = {"A", "B", "C"};
  const auto expect_error = [&](const Texts& symbols, const Texts& ids, const Texts& cells,
                                const char* message) {
    write_loom(folder / "a.loom", [&](const Hdf5Target& genes, const Hdf5Target& of_cells) {
      genes.write_texts("Gene", symbols);
      genes.write_texts("Accession", ids);
      of_cells.write_texts("CellID", cells);
    });
    EXPECT_SAITHE_ERROR(open_source(folder / "a.loom", {}, kContext), ErrorKind::BadFormat,
                        message);
  };
  expect_error({"A", "B"}, three, {"c1", "c2"}, "/row_attrs/Gene: has 2 names, but the matrix has");
  expect_error(three, {"E1", "E2", "E3", "E4"}, {"c1", "c2"},
               "/row_attrs/Accession: has 4 names, but the matrix has 3 rows");
  expect_error(three, three, {"c1"}, "/col_attrs/CellID: has 1 name, but the matrix has 2 columns");
}

TEST(Loom, CountsAreLookedForInLayers) {
  const FolderForTest folder;
  const auto path = folder / "a.loom";
  for (const char* name : {"counts", "raw_counts", "raw"}) {
    write_layers(path, logarithm, {{name, count}, {"spliced", count}});
    const Taken taken = take(path);
    EXPECT_EQ(taken.value, count(1, 0));
    EXPECT_EQ(taken.warnings,
              Texts{fmt::format("{}: counts are read from layers/{}", path.string(), name)});
  }
  // By the order of the places, and not by that of the names.
  write_layers(path, logarithm, {{"counts", logarithm}, {"raw", score}, {"raw_counts", count}});
  EXPECT_EQ(take(path).warnings,
            Texts{path.string() +
                  ": counts are read from layers/raw_counts; layers/counts holds log1p(CP10k)"});
  write_layers(path, count, {{"counts", logarithm}});
  EXPECT_EQ(take(path).value, count(1, 0));
  EXPECT_EQ(
      take(path).warnings,
      Texts{path.string() + ": counts are read from matrix; layers/counts holds log1p(CP10k)"});
  // The main matrix may be wanted all the same.
  write_layers(path, logarithm, {{"counts", count}});
  ReadOptions options;
  options.layer = "matrix";
  EXPECT_EQ(take(path, options).value, logarithm(1, 0));
  EXPECT_TRUE(take(path, options).warnings.empty());
}

TEST(Loom, CountsOfTheMainMatrixAreTakenWithoutAWord) {
  const FolderForTest folder;
  const auto path = folder / "a.loom";  // as velocyto writes them
  write_layers(path, count, {{"ambiguous", score}, {"spliced", count}, {"unspliced", count}});
  EXPECT_EQ(take(path).value, count(1, 0));
  EXPECT_TRUE(take(path).warnings.empty());
}

TEST(Loom, LogarithmsAreTakenWhereThereAreNoCounts) {
  const FolderForTest folder;
  const auto path = folder / "a.loom";
  write_layers(path, logarithm, {{"counts", score}, {"spliced", count}});
  const Taken taken = take(path);
  EXPECT_EQ(taken.value, logarithm(1, 0));
  ASSERT_EQ(taken.warnings.size(), 1U);
  EXPECT_TRUE(testing::contains(taken.warnings[0], "no counts were found: layers/counts holds"));
  EXPECT_TRUE(testing::contains(taken.warnings[0],
                                "matrix is used as it is; not looked at: spliced (--layer NAME"));
}

TEST(Loom, NeitherIsRefusedButLookedAt) {
  const FolderForTest folder;
  const auto path = folder / "a.loom";
  write_layers(path, score, {{"raw", score}, {"soupX", count}, {"spliced", count}});
  const auto error = testing::error_of([&] { take(path); });
  ASSERT_TRUE(error.has_value());
  EXPECT_EQ(error->kind(), ErrorKind::BadFormat);
  for (const char* part :
       {"neither counts nor log1p(CP10k) were found: layers/raw holds z-scored",
        ", matrix holds z-scored", "--layer NAME (not looked at: soupX, spliced)"}) {
    EXPECT_TRUE(testing::contains(error->what(), part)) << error->what();
  }
  const FileSummary summary = inspect_file(path, {}, kContext);
  ASSERT_EQ(summary.places.size(), 2U);
  EXPECT_EQ(summary.places[0].name, "layers/raw");
  EXPECT_EQ(summary.places[1].name, "matrix");
  EXPECT_EQ(summary.places[1].kind, ValueKind::ZScored);
  EXPECT_EQ(summary.value_kind, ValueKind::ZScored);
  ASSERT_FALSE(summary.warnings.empty());
  EXPECT_TRUE(testing::contains(summary.warnings[0], "; matrix is looked at"));
}

// Otherwise another place would be taken without a word.
TEST(Loom, ALayerOfCountsThatIsNoneIsAnError) {
  const FolderForTest folder;
  const auto path = folder / "a.loom";
  write_layers(path, count, {});
  {
    const Hdf5Target root = Hdf5Target::open_file(path, "a");
    H5Lcreate_soft("/nowhere", root.id(), "layers/counts", H5P_DEFAULT, H5P_DEFAULT);
    root.flush();
  }
  EXPECT_SAITHE_ERROR(open_source(path, {}, kContext), ErrorKind::BadFormat,
                      "/layers/counts: expected a dataset");
  EXPECT_TRUE(testing::contains(list_contents(path, kContext).places.at(0).finding,
                                "layers/counts cannot be read"));
}

}  // namespace
}  // namespace saithe
