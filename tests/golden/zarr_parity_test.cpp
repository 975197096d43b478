// Zarr stores as AnnData and zarr-python write them, against what these read of them
// (tests/golden/zarr/generate.py).

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "saithe/core/text_io.h"
#include "saithe/io/open.h"
#include "saithe/io/zarr_array.h"
#include "saithe/io/zip_archive.h"
#include "support/folder_for_test.h"

namespace saithe {
namespace {

using Json = nlohmann::json;

const Context kContext(2);
const std::filesystem::path kFolder = std::filesystem::path(SAITHE_TEST_FILES) / "zarr";
// Numbers of obs are written with as many digits as float32 needs.
constexpr double kFloatTolerance = 1e-6;

Json expected() {
  std::ifstream file(kFolder / "expected.json");
  return Json::parse(file);
}

/// The archive's store as a folder.
std::filesystem::path unpacked(const std::string& name, const testing::FolderForTest& folder) {
  const io::ZipArchive archive(kFolder / (name + ".zarr.zip"));
  for (const std::string& entry : archive.names()) {
    const auto path = folder / entry;
    std::filesystem::create_directories(path.parent_path());
    testing::write_bytes(path, archive.read(entry, 0, *archive.size(entry)));
  }
  return name == "v3" ? folder / "inner.zarr" : folder.path();
}

std::vector<std::vector<double>> dense(CellSource& source, CellIndex block) {
  std::vector<std::vector<double>> rows;
  for (CellIndex begin = 0; begin < source.n_cells(); begin += block) {
    const CellIndex end = std::min(begin + block, source.n_cells());
    const CsrMatrix cells = source.read_cells(begin, end, kContext);
    for (CellIndex r = 0; r < cells.n_rows; ++r) {
      std::vector<double> row(as_size(cells.n_cols));
      const auto columns = cells.view().row_columns(r);
      const auto values = cells.view().row_values(r);
      for (std::size_t i = 0; i < columns.size(); ++i) {
        row[as_size(columns[i])] = static_cast<double>(values[i]);
      }
      rows.push_back(std::move(row));
    }
  }
  return rows;
}

void expect_columns(const Table& table, const Json& columns) {
  EXPECT_EQ(table.columns().size(), columns.size());
  for (const auto& [name, values] : columns.items()) {
    ASSERT_NE(table.find(name), nullptr) << name;
    const auto texts = table.as_text(name);
    ASSERT_EQ(texts.size(), values.size()) << name;
    for (std::size_t i = 0; i < texts.size(); ++i) {
      if (values[i].is_string()) {
        EXPECT_EQ(texts[i], values[i].get<std::string>()) << name << i;
      } else {
        const auto number = values[i].get<double>();
        EXPECT_NEAR(std::stod(texts[i]), number, kFloatTolerance * std::max(1.0, std::abs(number)))
            << name << i;
      }
    }
  }
}

void expect_store(const std::filesystem::path& path, const Json& facts) {
  ReadOptions of_x;  // by itself saithe takes the counts in raw
  of_x.layer = "X";
  const auto source = open_source(path, of_x, kContext);
  EXPECT_EQ(source->obs().index(), facts["obs_names"].get<std::vector<std::string>>());
  EXPECT_EQ(source->var().index(), facts["var_names"].get<std::vector<std::string>>());
  expect_columns(source->obs(), facts["obs"]);
  expect_columns(source->var(), facts["var"]);
  const auto& louvain = std::get<CategoryColumn>(*source->obs().find("louvain"));
  EXPECT_TRUE(louvain.is_ordered);
  EXPECT_EQ(louvain.levels[1], "T \u03b1\u03b2");
  const auto values = facts["X"].get<std::vector<std::vector<double>>>();
  for (const CellIndex block : {1, 5, 13}) EXPECT_EQ(dense(*source, block), values) << block;
  for (const auto& [name, layer] : facts["layers"].items()) {
    ReadOptions options;
    options.layer = name;
    const auto layers = open_source(path, options, kContext);
    for (const CellIndex block : {1, 5, 13}) {
      EXPECT_EQ(dense(*layers, block), layer.get<std::vector<std::vector<double>>>()) << name;
    }
  }
  ReadOptions options;
  options.use_raw = true;
  const auto raw = open_source(path, options, kContext);
  const auto found = open_source(path, {}, kContext);
  EXPECT_EQ(found->var().index(), raw->var().index());
  EXPECT_EQ(dense(*found, 4), dense(*raw, 4));
  EXPECT_EQ(raw->var().index(), facts["raw"]["var_names"].get<std::vector<std::string>>());
  EXPECT_EQ(dense(*raw, 4), facts["raw"]["X"].get<std::vector<std::vector<double>>>());
}

class ZarrParity : public ::testing::TestWithParam<const char*> {};

TEST_P(ZarrParity, AnnDataReadsTheSameOfAFolderAndOfAnArchive) {
  const std::string name = GetParam();
  const Json facts = expected()["stores"][name];
  const testing::FolderForTest folder;
  expect_store(kFolder / (name + ".zarr.zip"), facts);
  expect_store(unpacked(name, folder), facts);
}

INSTANTIATE_TEST_SUITE_P(Stores, ZarrParity, ::testing::Values("v2", "v3", "v3_sharded"));

TEST(ZarrStores, InspectNamesVersionAndContent) {
  const FileSummary summary = inspect_file(kFolder / "v3.zarr.zip", {}, kContext);
  EXPECT_EQ(summary.format, "Zarr v3, zip (AnnData 0.8 or later)");
  EXPECT_EQ(summary.layers, (std::vector<std::string>{"by_gene", "dense", "integers"}));
  EXPECT_EQ(summary.obsm, std::vector<std::string>{"X_pca"});
  EXPECT_EQ(summary.uns, std::vector<std::string>{"what"});
  EXPECT_TRUE(summary.has_raw);
}

TEST(ZarrStores, EveryCompressionTypeAndLayoutOfChunks) {
  const auto store = io::open_zarr_store(kFolder / "codecs.zarr.zip", false,
                                         read_head(kFolder / "codecs.zarr.zip", 8));
  ASSERT_NE(store, nullptr);
  const Json arrays = expected()["codecs"];
  EXPECT_EQ(arrays.size(), 44U);
  for (const auto& [name, values] : arrays.items()) {
    SCOPED_TRACE(name);
    const auto node = io::ZarrNode::find(store, (name.starts_with("v3") ? "v3/" : "") + name);
    ASSERT_TRUE(node.has_value());
    const io::ZarrArray array(*node);
    if (array.is_text()) {
      EXPECT_EQ(array.read_texts(-1, kContext), values.get<std::vector<std::string>>());
    } else if (array.shape().size() == 2) {
      for (const std::int64_t begin : {0, 2, 6}) {
        std::vector<float> rows(as_size((7 - begin) * 5));
        array.read_rectangle({begin, 7 - begin, 0, 5}, rows, kContext);
        for (std::size_t i = 0; i < rows.size(); ++i) {
          EXPECT_EQ(rows[i], values[as_size(begin) + i / 5][i % 5].get<float>()) << begin << i;
        }
      }
    } else {
      const auto numbers = array.read_numbers(50, kContext);
      for (std::size_t i = 0; i < numbers.size(); ++i) {
        const double number =
            values[i].is_boolean() ? (values[i].get<bool>() ? 1 : 0) : values[i].get<double>();
        EXPECT_EQ(numbers[i], number) << i;
      }
      std::vector<float> part(20);
      array.read(10, std::span<float>(part), kContext);
      for (std::size_t i = 0; i < part.size(); ++i) {
        EXPECT_EQ(static_cast<double>(part[i]), numbers[i + 10]) << i;
      }
    }
  }
}

}  // namespace
}  // namespace saithe
