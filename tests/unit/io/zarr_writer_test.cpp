// What is written is read back by our reader; AnnData 0.12 reads it in tests/oracle.

#include "saithe/io/zarr_writer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "saithe/io/zarr_array.h"
#include "support/zarr_folder.h"

namespace saithe {
namespace {

using io::ZarrArray;
using io::ZarrNode;
using io::ZarrTarget;

using Texts = std::vector<std::string>;
const Context kContext(2);

void write_small_store_v3(const std::filesystem::path& store) {
  testing::write_key(store, "zarr.json",
                     R"({"attributes":{"encoding-type":"anndata"},"zarr_format":3,
                         "consolidated_metadata":{"kind":"inline","must_understand":false,
                           "metadata":{"obs":{"old":1},"obs/gone":{},"obs/gone/codes":{},"X":{}}},
                         "node_type":"group"})");
  testing::write_key(
      store, "obs/zarr.json",
      R"({"attributes":{"column-order":["a"]},"zarr_format":3,"node_type":"group"})");
  testing::write_key(store, "obs/gone/zarr.json", R"({"zarr_format":3,"node_type":"group"})");
}

class ZarrWriter : public ::testing::TestWithParam<int> {
 protected:
  void SetUp() override {
    if (GetParam() == 2) testing::write_small_store(folder_.path());
    if (GetParam() == 3) write_small_store_v3(folder_.path());
  }
  [[nodiscard]] ZarrNode node(const std::string& path) const {
    return ZarrNode::find(io::open_zarr_store(folder_.path(), true, ""), path).value();
  }
  [[nodiscard]] Texts texts(const std::string& path) const {
    return ZarrArray(node(path)).read_texts(-1, kContext);
  }
  [[nodiscard]] std::vector<double> numbers(const std::string& path) const {
    return ZarrArray(node(path)).read_numbers(-1, kContext);
  }
  testing::FolderForTest folder_;
};

TEST_P(ZarrWriter, ColumnsOfEveryKindComeBack) {
  using Kind = NumberColumn::Kind;
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  ZarrTarget store(folder_.path(), "store");
  store.write_column("obs/type", CategoryColumn{{1, -1, 0}, {"B", "T \xCE\xB1"}, true});
  store.write_column("obs/text", TextColumn{{"x", "", "yz"}, {}});
  store.write_column("obs/missing", TextColumn{{"x", "", "x"}, {false, true, false}});
  store.write_column("obs/share", NumberColumn{{0.5, kNone, 2}, Kind::Float32});
  store.write_column("obs/n", NumberColumn{{5, -1, 9007199254740992}, Kind::Integer});
  store.write_column("obs/maybe", NumberColumn{{5, kNone, 7}, Kind::Integer});
  store.write_column("obs/huge", NumberColumn{{5, kNone, 0x1p63}, Kind::Integer});
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  store.write_column("obs/most", NumberColumn{{5, kNone, 0x1p63}, Kind::Integer, {5, 0, kMost}});
  store.write_column("obs/good", NumberColumn{{1, 0, 1}, Kind::Boolean});
  store.write_column("obs/none", TextColumn{});
  store.finish();
  EXPECT_EQ(node("obs").version(), GetParam());
  EXPECT_TRUE(node("obs/type").flag_attribute("ordered"));
  EXPECT_EQ(node("obs/type").text_attribute("encoding-type"), "categorical");
  EXPECT_EQ(numbers("obs/type/codes"), (std::vector<double>{1, -1, 0}));
  EXPECT_EQ(ZarrArray(node("obs/type/codes")).type().bytes, 1);
  EXPECT_EQ(texts("obs/type/categories"), (Texts{"B", "T \xCE\xB1"}));
  EXPECT_EQ(texts("obs/text"), (Texts{"x", "", "yz"}));
  EXPECT_EQ(numbers("obs/missing/codes"), (std::vector<double>{0, -1, 0}));
  EXPECT_EQ(numbers("obs/share")[0], 0.5);
  EXPECT_TRUE(std::isnan(numbers("obs/share")[1]));
  EXPECT_EQ(numbers("obs/n"), (std::vector<double>{5, -1, 9007199254740992}));
  EXPECT_EQ(numbers("obs/maybe/mask"), (std::vector<double>{0, 1, 0}));
  EXPECT_EQ(numbers("obs/maybe/values"), (std::vector<double>{5, 0, 7}));
  EXPECT_TRUE(node("obs/huge").is_array());  // below a mask AnnData takes whole numbers only
  EXPECT_EQ(numbers("obs/huge")[2], 0x1p63);
  EXPECT_TRUE(std::isnan(numbers("obs/huge")[1]));
  EXPECT_EQ(ZarrArray(node("obs/most/values")).read_integers(3, Context(1)),
            (std::vector<std::int64_t>{5, 0, kMost}));
  EXPECT_EQ(numbers("obs/most/mask"), (std::vector<double>{0, 1, 0}));
  EXPECT_EQ(numbers("obs/good"), (std::vector<double>{1, 0, 1}));
  EXPECT_TRUE(texts("obs/none").empty());
}

TEST_P(ZarrWriter, LongArraysHaveSeveralChunks) {
  constexpr std::int64_t kRows = 700001;
  DenseMatrix matrix(kRows, 2);
  std::vector<double> values(kRows);
  for (std::int64_t row = 0; row < kRows; ++row) {
    values[as_size(row)] = static_cast<double>(row);
    matrix.row(row)[0] = static_cast<float>(row % 1000);
    matrix.row(row)[1] = -1;
  }
  ZarrTarget store(folder_.path(), "store");
  store.write_column("obs/n", NumberColumn{values, NumberColumn::Kind::Integer});
  store.require_group("obsm", "dict");
  store.write_matrix("obsm/X_umap", matrix);
  store.finish();
  EXPECT_EQ(numbers("obs/n"), values);
  const ZarrArray array(node("obsm/X_umap"));
  EXPECT_EQ(array.shape(), (std::vector<std::int64_t>{kRows, 2}));
  std::vector<float> last(4);
  array.read_rectangle({kRows - 2, 2, 0, 2}, last, kContext);
  EXPECT_EQ(last, (std::vector<float>{999, -1, 0, -1}));
}

TEST_P(ZarrWriter, MetadataComeLast) {
  ZarrTarget store(folder_.path(), "store");
  store.require_group("uns", "dict");
  store.write_value("uns/list", Texts{"a", "b"});
  EXPECT_TRUE(store.has("uns/list"));
  EXPECT_FALSE(ZarrNode::find(io::open_zarr_store(folder_.path(), true, ""), "uns").has_value());
  store.set_attribute("obs", "column-order", {"a", "b"});
  EXPECT_EQ(store.text_list_attribute("obs", "column-order"), (Texts{"a", "b"}));
  store.finish();
  EXPECT_EQ(texts("uns/list"), (Texts{"a", "b"}));
  EXPECT_EQ(node("obs").text_list_attribute("column-order"), (Texts{"a", "b"}));
}

TEST_P(ZarrWriter, AnArrayIsNoGroup) {
  ZarrTarget store(folder_.path(), "store");
  store.require_group("uns", "dict");
  store.write_value("uns/saithe", std::string("mine"));
  for (int i = 0; i < 2; ++i) {  // not written yet, and written
    EXPECT_TRUE(store.has_dict("uns"));
    EXPECT_TRUE(store.has("uns/saithe"));
    EXPECT_FALSE(store.has_dict("uns/saithe"));
    EXPECT_FALSE(store.has_dict("uns/other"));
    EXPECT_SAITHE_ERROR(store.require_group("uns/saithe", "dict"), ErrorKind::BadFormat,
                        "store: uns/saithe is an array");
    store.finish();
  }
  store.remove("uns/saithe");
  store.require_group("uns/saithe", "dict");
  EXPECT_TRUE(store.has_dict("uns/saithe"));
}

INSTANTIATE_TEST_SUITE_P(Versions, ZarrWriter, ::testing::Values(2, 3));

TEST(ZarrWriterConsolidated, KnowsWhatIsNewAndForgetsWhatIsGone) {
  const testing::FolderForTest folder;
  write_small_store_v3(folder.path());
  {
    ZarrTarget store(folder.path(), "store");
    store.remove("obs/gone");
    store.write_column("obs/text", TextColumn{{"x"}, {}});
    store.set_attribute("obs", "column-order", {"text"});
    store.finish();
  }
  const auto root = nlohmann::json::parse(testing::read_bytes(folder / "zarr.json"));
  const auto& known = root.at("consolidated_metadata").at("metadata");
  EXPECT_EQ(known.size(), 3U);  // X, obs, obs/text
  EXPECT_EQ(known.at("obs/text").at("data_type"), "string");
  EXPECT_TRUE(known.at("obs").at("consolidated_metadata").at("metadata").empty());
  EXPECT_EQ(known.at("obs").at("attributes").at("column-order"), Texts{"text"});
  EXPECT_FALSE(std::filesystem::exists(folder / "obs/gone"));

  const testing::FolderForTest second;
  testing::write_small_store(second.path());
  testing::write_key(second.path(), ".zmetadata",
                     R"({"zarr_consolidated_format":1,"metadata":{".zgroup":{}}})");
  ZarrTarget store(second.path(), "store");
  store.write_column("obs/text", TextColumn{{"x"}, {}});
  store.finish();
  const auto all = nlohmann::json::parse(testing::read_bytes(second / ".zmetadata"));
  EXPECT_EQ(all.at("metadata").size(), 5U);  // of the root, of obs, which they lacked, of obs/text
  EXPECT_TRUE(all.at("metadata").contains("obs/.zgroup"));
  EXPECT_EQ(all.at("metadata").at("obs/text/.zattrs").at("encoding-type"), "string-array");
}

// A group below the root may have its own, which nobody keeps up to date.
TEST(ZarrWriterConsolidated, GroupsForgetTheirOwn) {
  const testing::FolderForTest folder;
  write_small_store_v3(folder.path());
  const char* const with_own = R"({"attributes":{"column-order":["a"]},"zarr_format":3,
      "consolidated_metadata":{"kind":"inline","metadata":{}},"node_type":"group"})";
  testing::write_key(folder.path(), "obs/zarr.json", with_own);
  testing::write_key(folder.path(), "uns/zarr.json", with_own);
  ZarrTarget store(folder.path(), "store");
  store.write_column("obs/text", TextColumn{{"x"}, {}});
  store.set_attribute("obs", "column-order", {"a", "text"});
  store.require_group("uns", "dict");
  store.finish();
  for (const char* group : {"obs", "uns"}) {
    const auto json = nlohmann::json::parse(testing::read_bytes(folder / group / "zarr.json"));
    EXPECT_FALSE(json.contains("consolidated_metadata")) << group;
    EXPECT_TRUE(json.contains("attributes"));
  }
  EXPECT_TRUE(nlohmann::json::parse(testing::read_bytes(folder / "zarr.json"))
                  .contains("consolidated_metadata"));

  const testing::FolderForTest second;
  testing::write_small_store(second.path());
  testing::write_key(second.path(), "obs/.zmetadata",
                     R"({"zarr_consolidated_format":1,"metadata":{}})");
  ZarrTarget old(second.path(), "store");
  old.set_attribute("obs", "column-order", {});
  old.finish();
  EXPECT_FALSE(std::filesystem::exists(second / "obs/.zmetadata"));
}

// zarr-python opens no store whose consolidated metadata have a node without its group.
TEST(ZarrWriterConsolidated, KnowsTheGroupThatAKilledRunLeft) {
  const testing::FolderForTest folder;
  write_small_store_v3(folder.path());
  testing::write_key(folder.path(), "uns/zarr.json", R"({"zarr_format":3,"node_type":"group"})");
  testing::write_key(folder.path(), "uns/saithe/zarr.json",
                     R"({"zarr_format":3,"node_type":"group"})");
  ZarrTarget store(folder.path(), "store");
  store.require_group("uns/saithe", "dict");
  store.write_value("uns/saithe/seed", std::int64_t{1});
  store.finish();
  const auto root = nlohmann::json::parse(testing::read_bytes(folder / "zarr.json"));
  const auto& known = root.at("consolidated_metadata").at("metadata");
  for (const char* path : {"uns", "uns/saithe", "uns/saithe/seed"}) {
    EXPECT_TRUE(known.contains(path)) << path;
  }
}

TEST(ZarrWriterErrors, WhatIsNoStoreIsNamed) {
  const testing::FolderForTest folder;
  EXPECT_SAITHE_ERROR(ZarrTarget(folder.path(), "x.zarr"), ErrorKind::BadFormat,
                      "x.zarr: is no Zarr store");
}

}  // namespace
}  // namespace saithe
