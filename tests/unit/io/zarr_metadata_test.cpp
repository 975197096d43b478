// Metadata of arrays: what is understood is in tests/golden/zarr_parity_test.cpp, here what is not.

#include "saithe/io/zarr_metadata.h"

#include <gtest/gtest.h>

#include <cmath>

#include "support/zarr_folder.h"

namespace saithe {
namespace {

using Json = nlohmann::json;

Json array_v2() {
  return Json::parse(R"({"zarr_format":2,"shape":[10],"chunks":[4],"dtype":"<f4","order":"C",
                         "compressor":null,"filters":null,"fill_value":0})");
}

Json array_v3() {
  return Json::parse(R"({"zarr_format":3,"node_type":"array","shape":[10],"data_type":"float32",
      "chunk_grid":{"name":"regular","configuration":{"chunk_shape":[4]}},
      "chunk_key_encoding":{"name":"default","configuration":{"separator":"/"}},
      "codecs":[{"name":"bytes","configuration":{"endian":"little"}}],"fill_value":"NaN"})");
}

void expect_refused(const Json& metadata, int version, const std::string& part) {
  EXPECT_SAITHE_ERROR(io::parse_zarr_layout(metadata, version, "s/x"), ErrorKind::BadFormat, part);
}

TEST(ZarrLayout, BothVersionsComeToOneForm) {
  const auto v2 = io::parse_zarr_layout(array_v2(), 2, "x");
  const auto v3 = io::parse_zarr_layout(array_v3(), 3, "x");
  EXPECT_EQ(v2.shape, v3.shape);
  EXPECT_EQ(v2.chunk, v3.chunk);
  EXPECT_EQ(v2.type.bytes, 4);
  EXPECT_EQ(v2.type.kind, v3.type.kind);
  EXPECT_EQ(v2.key_separator, '.');
  EXPECT_EQ(v3.key_prefix + v3.key_separator, "c/");
  EXPECT_EQ(v2.fill_value, 0);
  EXPECT_TRUE(std::isnan(v3.fill_value));
}

TEST(ZarrLayout, WhatIsNotReadIsNamed) {
  Json json = array_v2();
  json["compressor"] = Json::parse(R"({"id":"lzma"})");
  expect_refused(json, 2, "compression 'lzma'");
  json = array_v2();
  json["dtype"] = "<x4";
  EXPECT_EQ(io::parse_zarr_layout(json, 2, "x").type.kind, io::ZarrType::Kind::Other);
  json["dtype"] = "?";
  expect_refused(json, 2, "'?'");
  json = array_v3();
  json["codecs"] = Json::parse(R"([{"name":"transpose","configuration":{"order":[1,0]}},"bytes"])");
  expect_refused(json, 3, "codec 'transpose'");
  json = array_v3();
  json["codecs"].push_back(Json::parse(R"({"name":"mystery"})"));
  expect_refused(json, 3, "codec 'mystery'");
  json = array_v3();
  json["chunk_grid"]["name"] = "rectangular";
  expect_refused(json, 3, "rectangular");
}

TEST(ZarrLayout, DamagedMetadataAreErrors) {
  for (const char* key : {"shape", "chunks", "dtype"}) {
    Json json = array_v2();
    json.erase(key);
    expect_refused(json, 2, "damaged");
    for (const Json& odd : {Json(), Json(7), Json("x"), Json::array({-1}), Json::array({"x"}),
                            Json::array({1, 2}), Json::object()}) {
      Json changed = array_v2();
      changed[key] = odd;
      EXPECT_TRUE(testing::error_of([&] { io::parse_zarr_layout(changed, 2, "x"); })) << key << odd;
    }
  }
  for (const char* key : {"shape", "chunk_grid", "data_type", "codecs"}) {
    Json json = array_v3();
    json.erase(key);
    expect_refused(json, 3, "damaged");
  }
  Json json = array_v2();
  json["chunks"] = {std::int64_t{1} << 60};
  expect_refused(json, 2, "chunks");
  json["chunks"] = {0};
  expect_refused(json, 2, "chunks");
}

TEST(ZarrNode, GroupsAttributesAndNames) {
  const testing::FolderForTest folder;
  testing::write_small_store(folder.path());
  const auto root = io::ZarrNode::find(io::open_zarr_store(folder.path(), true, ""), "");
  ASSERT_TRUE(root.has_value());
  EXPECT_EQ(root->version(), 2);
  EXPECT_EQ(root->names(), (std::vector<std::string>{"X", "obs", "var"}));
  EXPECT_EQ(root->text_attribute("encoding-type"), "anndata");
  const auto x = root->get("X");
  EXPECT_EQ(x.integer_attribute("shape"), (std::vector<std::int64_t>{3, 2}));
  EXPECT_FALSE(x.is_array());
  EXPECT_TRUE(x.get("data").is_array());
  EXPECT_SAITHE_ERROR(x.layout(), ErrorKind::BadFormat, "group");
  EXPECT_SAITHE_ERROR(x.get("none"), ErrorKind::BadFormat, "/X: has no none");
  testing::write_key(folder.path(), "X/.zattrs", "{");
  EXPECT_SAITHE_ERROR(root->get("X"), ErrorKind::BadFormat, "X/.zattrs");
}

}  // namespace
}  // namespace saithe
