// Arrays say what they are as AnnData and zarr-python write it.

#include "saithe/io/zarr_encoding.h"

#include <gtest/gtest.h>

namespace saithe {
namespace {

using io::ZarrArrayForm;

TEST(ZarrEncoding, VersionsAreThoseOfAnnData) {
  EXPECT_EQ(io::zarr_encoding("dict").dump(),
            R"({"encoding-type":"dict","encoding-version":"0.1.0"})");
  EXPECT_EQ(io::zarr_encoding("categorical").at("encoding-version"), "0.2.0");
}

TEST(ZarrArrayMetadata, SayTheSameInBothVersions) {
  const ZarrArrayForm form{"<f4", "float32", 4};
  const auto second = io::zarr_array_metadata(2, form, {5, 3}, {2, 3}, "array");
  EXPECT_EQ(second.at("dtype"), "<f4");
  EXPECT_EQ(second.at("chunks").dump(), "[2,3]");
  EXPECT_EQ(second.at("compressor").at("id"), "zstd");
  EXPECT_TRUE(second.at("filters").is_null());
  EXPECT_FALSE(second.contains("attributes"));
  const auto third = io::zarr_array_metadata(3, form, {5, 3}, {2, 3}, "array");
  EXPECT_EQ(third.at("data_type"), "float32");
  EXPECT_EQ(third.at("shape").dump(), "[5,3]");
  EXPECT_EQ(third.at("codecs").at(0).dump(),
            R"({"name":"bytes","configuration":{"endian":"little"}})");
  EXPECT_EQ(third.at("attributes").at("encoding-type"), "array");
}

TEST(ZarrArrayMetadata, TextsAndBooleansHaveTheirOwn) {
  const ZarrArrayForm texts{"|O", "string", 0};
  EXPECT_EQ(io::zarr_array_metadata(2, texts, {2}, {2}, "string-array").at("filters").dump(),
            R"([{"id":"vlen-utf8"}])");
  EXPECT_EQ(io::zarr_array_metadata(3, texts, {2}, {2}, "string-array").at("codecs").at(0).dump(),
            R"({"name":"vlen-utf8"})");
  const ZarrArrayForm flags{"|b1", "bool", 1};
  EXPECT_EQ(io::zarr_array_metadata(3, flags, {2}, {2}, "array").at("fill_value"), false);
}

TEST(VlenUtf8, BeginsWithTheNumberAndEachLength) {
  const std::string bytes = io::vlen_utf8({"ab", ""});
  EXPECT_EQ(bytes, std::string("\2\0\0\0\2\0\0\0ab\0\0\0\0", 14));
}

TEST(BytesOf, AreThoseOfTheValues) {
  EXPECT_EQ(io::bytes_of<std::int8_t>(std::vector<double>{1, -1}), "\x01\xFF");
  EXPECT_EQ(io::bytes_of<std::int16_t>(std::vector<double>{258}), "\x02\x01");
}

}  // namespace
}  // namespace saithe
