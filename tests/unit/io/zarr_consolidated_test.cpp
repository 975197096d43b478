// Whole stores are read through these metadata by zarr-python in tests/oracle and tests/e2e.

#include "saithe/io/zarr_consolidated.h"

#include <gtest/gtest.h>

namespace saithe {
namespace {

using Json = nlohmann::ordered_json;

TEST(ZarrConsolidated, VersionTwoKeepsEveryFile) {
  const Json file = Json::parse(
      R"({"zarr_consolidated_format":1,"metadata":{".zgroup":1,"obs/a/.zarray":2,"obs/ab/.zarray":3,
          "obs/.zattrs":{"column-order":["a"]}}})");
  ASSERT_TRUE(io::has_consolidated(file, 2));
  const Json now = io::update_consolidated(
      file, 2, {"obs/a"},
      {{"obs/.zattrs", Json{{"column-order", {"new"}}}}, {"obs/new/.zarray", Json(4)}});
  EXPECT_EQ(now.at("zarr_consolidated_format"), 1);
  std::vector<std::string> keys;
  for (const auto& [key, value] : now.at("metadata").items()) keys.push_back(key);
  EXPECT_EQ(keys, (std::vector<std::string>{".zgroup", "obs/.zattrs", "obs/ab/.zarray",
                                            "obs/new/.zarray"}));
  EXPECT_EQ(now.at("metadata").at("obs/.zattrs").at("column-order"), Json({"new"}));
}

TEST(ZarrConsolidated, TellsWhatTheyHave) {
  const Json two = Json::parse(R"({"metadata":{"obs/.zgroup":1}})");
  EXPECT_TRUE(io::is_consolidated(two, 2, "obs/.zgroup"));
  EXPECT_FALSE(io::is_consolidated(two, 2, "obs/.zattrs"));
  const Json three = Json::parse(R"({"consolidated_metadata":{"metadata":{"obs/a":1}}})");
  EXPECT_TRUE(io::is_consolidated(three, 3, "obs/a/zarr.json"));
  EXPECT_FALSE(io::is_consolidated(three, 3, "obs/zarr.json"));
}

TEST(ZarrConsolidated, VersionThreeHasThemInTheRoot) {
  EXPECT_STREQ(io::consolidated_file(3), "zarr.json");
  EXPECT_FALSE(io::has_consolidated(Json::parse(R"({"node_type":"group"})"), 3));
  const Json file = Json::parse(
      R"({"node_type":"group","attributes":{"x":1},"consolidated_metadata":{"metadata":{
          "obs":{"node_type":"group"},"obs/a":{"node_type":"array"}}}})");
  ASSERT_TRUE(io::has_consolidated(file, 3));
  const Json group = {{"node_type", "group"}};
  const Json array = {{"node_type", "array"}};
  const Json now = io::update_consolidated(
      file, 3, {"obs/a"}, {{"obs/b/zarr.json", group}, {"obs/b/codes/zarr.json", array}});
  EXPECT_EQ(now.at("attributes").at("x"), 1);
  const Json& known = now.at("consolidated_metadata").at("metadata");
  EXPECT_EQ(known.size(), 3U);
  EXPECT_TRUE(known.at("obs/b").contains("consolidated_metadata"));
  EXPECT_FALSE(known.at("obs/b/codes").contains("consolidated_metadata"));
}

}  // namespace
}  // namespace saithe
