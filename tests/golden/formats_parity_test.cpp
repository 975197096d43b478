// What loompy, AnnData and Scanpy read from files of each format; made by formats/generate.py.

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "saithe/io/open.h"
#include "support/folder_for_test.h"

namespace saithe {
namespace {

const Context kContext(2);

nlohmann::json expected() {
  std::ifstream file(std::string(SAITHE_TEST_FILES) + "/formats/expected.json");
  return nlohmann::json::parse(file);
}

std::vector<std::string> first(const std::vector<std::string>& names) {
  return {names.begin(), names.begin() + std::min<std::ptrdiff_t>(3, std::ssize(names))};
}

/// The sum of values times numbers of their rows and columns, as generate.py makes it.
double checksum(const CsrMatrix& counts) {
  double sum = 0;
  for (CellIndex cell = 0; cell < counts.n_rows; ++cell) {
    const auto columns = counts.view().row_columns(cell);
    const auto values = counts.view().row_values(cell);
    for (std::size_t i = 0; i < columns.size(); ++i) {
      sum += static_cast<double>(values[i]) * static_cast<double>(cell % 97 + 1) *
             static_cast<double>(columns[i] % 89 + 1);
    }
  }
  return sum;
}

void expect_same(const std::filesystem::path& path, const ReadOptions& options,
                 const nlohmann::json& other) {
  SCOPED_TRACE(path.string());
  const auto source = open_source(path, options, kContext);
  ASSERT_EQ(source->n_cells(), other["n_cells"].get<CellIndex>());
  ASSERT_EQ(source->n_genes(), other["n_genes"].get<GeneIndex>());
  EXPECT_EQ(first(source->obs().index()), other["cells"].get<std::vector<std::string>>());
  EXPECT_EQ(first(source->var().index()), other["genes"].get<std::vector<std::string>>());
  // In blocks whose ends are no ends of chunks, and once more in one.
  CsrMatrix counts;
  counts.n_cols = source->n_genes();
  for (CellIndex begin = 0; begin < source->n_cells(); begin += 37) {
    const CellIndex end = std::min<CellIndex>(begin + 37, source->n_cells());
    append_rows(counts, source->read_cells(begin, end, kContext).view());
  }
  EXPECT_EQ(counts.n_stored(), other["n_stored"].get<RowPointer>());
  double total = 0;
  for (const float value : counts.values) total += static_cast<double>(value);
  EXPECT_EQ(total, other["total"].get<double>());
  EXPECT_EQ(checksum(counts), other["checksum"].get<double>());
  const CsrMatrix whole = source->read_cells(0, source->n_cells(), kContext);
  EXPECT_EQ(whole.row_start, counts.row_start);
  EXPECT_EQ(whole.columns, counts.columns);
  EXPECT_EQ(whole.values, counts.values);
}

/// "FILE#WHAT": the layer or genome of a file.
std::pair<std::string, std::string> split_name(const std::string& name) {
  const auto at = name.find('#');
  if (at == std::string::npos) return {name, ""};
  return {name.substr(0, at), name.substr(at + 1)};
}

TEST(FormatsParity, FilesMadeForThisTest) {
  const nlohmann::json all = expected();
  for (const auto& [name, other] : all.at("made").items()) {
    const auto [file, layer] = split_name(name);
    ReadOptions options;
    options.layer = layer;
    expect_same(std::filesystem::path(SAITHE_TEST_FILES) / "formats" / file, options, other);
  }
}

TEST(FormatsParity, LoomColumns) {
  const auto folder = std::filesystem::path(SAITHE_TEST_FILES) / "formats";
  std::vector<std::string> warnings;
  Context listening(1);
  listening.on_warning = [&](const std::string& text) { warnings.push_back(text); };
  const auto loom = open_source(folder / "loom_v3.loom", {}, listening);
  EXPECT_EQ(loom->obs().as_text("Age")[149], "149");
  EXPECT_EQ(std::get<NumberColumn>(*loom->obs().find("Score")).values[149], 1.0);
  EXPECT_EQ(loom->obs().find("Umap"), nullptr);
  ASSERT_EQ(warnings.size(), 1U);  // of Umap, which has two axes
  EXPECT_TRUE(testing::contains(warnings[0], "col_attrs/Umap"));
  EXPECT_EQ(loom->var().as_text("gene_ids")[69], "ENSG00000000069");
  EXPECT_EQ(loom->var().as_text("Chromosome")[22], "1");
  const FileSummary summary = inspect_file(folder / "loom_v3.loom", {}, kContext);
  EXPECT_EQ(summary.format, "Loom 3.0.0");
  EXPECT_EQ(summary.layers, std::vector<std::string>{"spliced"});
  EXPECT_EQ(inspect_file(folder / "loom_v2.loom", {}, kContext).format, "Loom 2.0.1");
}

TEST(FormatsParity, H5SeuratColumns) {
  const auto path = std::filesystem::path(SAITHE_TEST_FILES) / "formats" / "sparse.h5seurat";
  const auto cells = open_source(path, {}, kContext);
  const auto types = cells->obs().as_text("type");  // every tenth is missing
  EXPECT_EQ(types[10], "");
  EXPECT_EQ(types[1], "T cell");
  EXPECT_EQ(types[2], "B cell");
  const auto& doublet = std::get<NumberColumn>(*cells->obs().find("doublet"));
  EXPECT_EQ(doublet.kind, NumberColumn::Kind::Boolean);
  EXPECT_EQ(doublet.values[0], 0);
  EXPECT_EQ(doublet.values[1], 1);
  EXPECT_TRUE(std::isnan(doublet.values[2]));
  EXPECT_EQ(cells->obs().as_text("note")[149], "n149");
  EXPECT_EQ(cells->obs().columns().front().first, "nCount");
  EXPECT_EQ(inspect_file(path, {}, kContext).format, "h5Seurat (Seurat 3.1.5.9900)");
}

TEST(FormatsParity, RealFiles) {
  const char* folder = std::getenv("SAITHE_TEST_DATA");
  if (folder == nullptr) GTEST_SKIP() << "SAITHE_TEST_DATA names no folder of test data";
  const nlohmann::json all = expected();
  for (const auto& [name, other] : all.at("real").items()) {
    const auto [file, genome] = split_name(name);
    ReadOptions options;
    options.genome = genome;
    expect_same(std::filesystem::path(folder) / "formats" / file, options, other);
  }
}

}  // namespace
}  // namespace saithe
