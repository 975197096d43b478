#include "saithe/io/zarr_values.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

namespace saithe {
namespace {

using io::ZarrType;

ZarrType type_of(ZarrType::Kind kind, std::int64_t bytes, bool is_big_endian = false) {
  ZarrType type;
  type.kind = kind;
  type.bytes = bytes;
  type.is_big_endian = is_big_endian;
  return type;
}

template <typename Stored>
std::string bytes_of(Stored value) {
  std::string bytes(sizeof(Stored), '\0');
  std::memcpy(bytes.data(), &value, sizeof(Stored));
  return bytes;
}

TEST(ConvertValues, IntegersThatDoNotFitAreRefused) {
  std::vector<std::int32_t> narrow(1);
  std::vector<std::int64_t> wide(1);
  const auto u64 = type_of(ZarrType::Kind::Unsigned, 8);
  EXPECT_FALSE(io::convert_values(bytes_of(std::uint64_t{1} << 31), 8, u64, std::span(narrow)));
  EXPECT_TRUE(io::convert_values(bytes_of(std::uint64_t{1} << 31), 8, u64, std::span(wide)));
  EXPECT_EQ(wide[0], std::int64_t{1} << 31);
  EXPECT_FALSE(io::convert_values(bytes_of(~std::uint64_t{0}), 8, u64, std::span(wide)));
  const auto f8 = type_of(ZarrType::Kind::Float, 8);
  EXPECT_TRUE(io::convert_values(bytes_of(-3.0), 8, f8, std::span(narrow)));
  EXPECT_EQ(narrow[0], -3);
  for (const double odd : {1.5, 1e300, std::nan("")}) {
    EXPECT_FALSE(io::convert_values(bytes_of(odd), 8, f8, std::span(wide))) << odd;
  }
}

TEST(ConvertValues, HalfPrecision) {
  std::vector<float> value(1);
  const auto half = type_of(ZarrType::Kind::Float, 2);
  const std::pair<int, float> cases[] = {{0x3c00, 1.0F},     {0xc000, -2.0F},
                                         {0x7bff, 65504.0F}, {0x0001, 5.9604645e-8F},
                                         {0x0000, 0.0F},     {0x7c00, INFINITY}};
  for (const auto& [bits, expected] : cases) {
    ASSERT_TRUE(
        io::convert_values(bytes_of(static_cast<std::uint16_t>(bits)), 2, half, std::span(value)));
    EXPECT_EQ(value[0], expected);
  }
  io::convert_values(bytes_of(std::uint16_t{0x7e00}), 2, half, std::span(value));
  EXPECT_TRUE(std::isnan(value[0]));
}

TEST(ConvertValues, StrideAndByteOrder) {
  std::vector<float> values(2);
  const std::string bytes("\0\1x\0\2y", 6);
  ASSERT_TRUE(
      io::convert_values(bytes, 3, type_of(ZarrType::Kind::Signed, 2, true), std::span(values)));
  EXPECT_EQ(values, (std::vector<float>{1, 2}));
}

TEST(FixedText, EndsAtItsZeros) {
  EXPECT_EQ(io::fixed_text(std::string("ab\0\0", 4), type_of(ZarrType::Kind::FixedText, 4)), "ab");
  EXPECT_EQ(io::fixed_text(std::string("\0\0", 2), type_of(ZarrType::Kind::FixedText, 2)), "");
  const auto wide = type_of(ZarrType::Kind::WideText, 8);
  EXPECT_EQ(io::fixed_text(std::string("\xe4\0\0\0\0\0\0\0", 8), wide), "\u00e4");
  EXPECT_EQ(io::fixed_text(std::string("\xec\xf9\1\0a\0\0\0", 8), wide),
            "\U0001f9ec"
            "a");
  EXPECT_EQ(io::fixed_text(std::string("\0\0\x11\0\0\0\0\0", 8), wide), "\ufffd");
}

}  // namespace
}  // namespace saithe
