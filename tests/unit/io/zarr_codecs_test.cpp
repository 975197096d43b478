// Codecs against known values and damaged bytes; what other programs packed is in
// tests/golden/zarr_parity_test.cpp.

#include "saithe/io/zarr_codecs.h"

#include <gtest/gtest.h>

#include "support/zarr_folder.h"

namespace saithe {
namespace {

using io::ZarrCodec;

TEST(Crc32c, OfKnownTexts) {
  // RFC 3720, B.4: 32 zeros, 32 ones, and the check value of the polynomial.
  EXPECT_EQ(io::crc32c(std::string(32, '\0')), 0x8a9136aaU);
  EXPECT_EQ(io::crc32c(std::string(32, '\xff')), 0x62a8ab43U);
  EXPECT_EQ(io::crc32c("123456789"), 0xe3069283U);
  EXPECT_EQ(io::crc32c(""), 0U);
}

TEST(UnpackZarr, ChecksumsAreChecked) {
  const std::string packed = "123456789\x83\x92\x06\xe3";
  EXPECT_EQ(io::unpack_zarr(packed, {{ZarrCodec::Crc32c}}, 9, "w"), "123456789");
  EXPECT_SAITHE_ERROR(io::unpack_zarr("023456789\x83\x92\x06\xe3", {{ZarrCodec::Crc32c}}, 9, "w"),
                      ErrorKind::BadFormat, "w: its checksum");
  EXPECT_SAITHE_ERROR(io::unpack_zarr("abc", {{ZarrCodec::Crc32c}}, -1, "w"), ErrorKind::BadFormat,
                      "w");
}

TEST(UnpackZarr, Lz4BlocksByHand) {
  // Size 12; four literals "abcd", then 8 from 4 back.
  const std::string packed(
      "\x0c\0\0\0\x44"
      "abcd\x04\0",
      11);
  EXPECT_EQ(io::unpack_zarr(packed, {{ZarrCodec::Lz4}}, 12, "w"), "abcdabcdabcd");
  EXPECT_EQ(io::unpack_zarr(packed, {{ZarrCodec::Lz4}}, -1, "w"), "abcdabcdabcd");
  for (std::size_t n = 0; n < packed.size(); ++n) {
    EXPECT_TRUE(testing::error_of([&] {
      io::unpack_zarr(packed.substr(0, n), {{ZarrCodec::Lz4}}, 12, "w");
    })) << n;
  }
  std::string far = packed;
  far[9] = 5;  // from before the beginning
  EXPECT_SAITHE_ERROR(io::unpack_zarr(far, {{ZarrCodec::Lz4}}, 12, "w"), ErrorKind::BadFormat,
                      "lz4");
}

TEST(UnpackZarr, WhereTheValuesAreWanted) {
  // zlib.compress(b"hello hello") of Python 3.11.
  const std::string zlib("\x78\x9c\xcb\x48\xcd\xc9\xc9\x57\xc8\x00\x91\x00\x19\x91\x04\x49", 16);
  const auto unpack = [](const std::string& packed, const std::vector<io::ZarrStep>& steps,
                         std::size_t n) {
    std::string bytes(n, '?');
    io::unpack_zarr_into(bytes, packed, steps, "w");
    return bytes;
  };
  EXPECT_EQ(unpack(zlib, {{ZarrCodec::Zlib}}, 11), "hello hello");
  EXPECT_EQ(unpack("plain", {}, 5), "plain");
  const std::string checked = "123456789\x83\x92\x06\xe3";
  EXPECT_EQ(unpack(checked, {{ZarrCodec::Crc32c}}, 9), "123456789");
  // The same errors as of unpack_zarr().
  for (const std::size_t n : {10U, 12U, 3U}) {
    const auto expected = static_cast<std::int64_t>(n);
    for (const ZarrCodec codec : {ZarrCodec::Zlib, ZarrCodec::Zstd, ZarrCodec::Blosc}) {
      const auto error =
          testing::error_of([&] { io::unpack_zarr(zlib, {{codec}}, expected, "w"); });
      ASSERT_TRUE(error);
      EXPECT_SAITHE_ERROR(unpack(zlib, {{codec}}, n), ErrorKind::BadFormat, error->what());
    }
    EXPECT_SAITHE_ERROR(unpack("plain", {}, n), ErrorKind::BadFormat, "holds 5 bytes");
  }
}

TEST(UnpackZarr, NonsenseAndFewBytesForManyAreRefused) {
  for (const ZarrCodec codec :
       {ZarrCodec::Blosc, ZarrCodec::Zstd, ZarrCodec::Gzip, ZarrCodec::Zlib, ZarrCodec::Lz4}) {
    for (const std::int64_t expected : {std::int64_t{-1}, std::int64_t{8}}) {
      EXPECT_SAITHE_ERROR(io::unpack_zarr("nonsense bytes", {{codec}}, expected, "w"),
                          ErrorKind::BadFormat, "w: ");
    }
    EXPECT_SAITHE_ERROR(io::unpack_zarr("x", {{codec}}, std::int64_t{1} << 40, "w"),
                        ErrorKind::BadFormat, "cannot stand for");
  }
  EXPECT_SAITHE_ERROR(io::unpack_zarr("abc", {}, 4, "w"), ErrorKind::BadFormat, "holds 3 bytes");
}

TEST(DecodeVlenTexts, TextsAndWhatIsCutOff) {
  const std::vector<std::string> texts = {"a", "", "long text"};
  const std::string bytes = testing::vlen_bytes(texts);
  EXPECT_EQ(io::decode_vlen_texts(bytes, "w"), texts);
  for (std::int64_t first = 0; first <= 3; ++first) {
    for (std::int64_t n = 0; first + n <= 3; ++n) {
      EXPECT_EQ(io::decode_vlen_texts(bytes, first, n, "w"),
                std::vector<std::string>(texts.begin() + first, texts.begin() + first + n));
    }
  }
  EXPECT_SAITHE_ERROR(io::decode_vlen_texts(bytes, 2, 2, "w"), ErrorKind::BadFormat,
                      "w: has 3 texts; expected 4");
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    EXPECT_TRUE(testing::error_of([&] { io::decode_vlen_texts(bytes.substr(0, n), "w"); })) << n;
  }
  EXPECT_SAITHE_ERROR(io::decode_vlen_texts("\xff\xff\xff\xff....", "w"), ErrorKind::BadFormat,
                      "w: its texts");
}

}  // namespace
}  // namespace saithe
