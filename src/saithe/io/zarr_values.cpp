#include "saithe/io/zarr_values.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>
#include <utility>

#include "saithe/core/error.h"
#include "saithe/core/utf8.h"

namespace saithe::io {
namespace {

static_assert(std::endian::native == std::endian::little);

template <typename Stored>
Stored load(const char* bytes, bool is_big_endian) {
  std::array<char, sizeof(Stored)> raw;
  std::memcpy(raw.data(), bytes, sizeof(Stored));
  if (is_big_endian) std::reverse(raw.begin(), raw.end());
  return std::bit_cast<Stored>(raw);
}

/// IEEE 754 half precision.
float widen_half(std::uint16_t half) {
  const int exponent = half >> 10 & 31;
  const int fraction = half & 1023;
  float value = 0;
  if (exponent == 31) {
    value = fraction == 0 ? std::numeric_limits<float>::infinity()
                          : std::numeric_limits<float>::quiet_NaN();
  } else if (exponent == 0) {
    value = std::ldexp(static_cast<float>(fraction), -24);
  } else {
    value = std::ldexp(static_cast<float>(1024 + fraction), exponent - 25);
  }
  return (half & 0x8000) != 0 ? -value : value;
}

template <typename Value, typename Stored>
bool store(Stored stored, Value& value) {
  if constexpr (std::is_integral_v<Value> && std::is_integral_v<Stored>) {
    if (!std::in_range<Value>(stored)) return false;
  } else if constexpr (std::is_integral_v<Value>) {
    constexpr double kMost = 9007199254740992.0;  // 2^53: whole numbers up to here are exact
    const auto number = static_cast<double>(stored);
    if (!(std::abs(number) <= kMost) || number != std::floor(number)) return false;
    if (!std::in_range<Value>(static_cast<std::int64_t>(number))) return false;
  }
  value = static_cast<Value>(stored);
  return true;
}

template <typename Stored, typename Value>
bool convert_as(std::string_view bytes, std::size_t stride, bool is_big_endian,
                std::span<Value> values) {
  if (stride == sizeof(Stored) && !is_big_endian) {
    // The usual case, without a way out of the loop: the compiler converts many at once.
    bool do_fit = true;
    for (std::size_t i = 0; i < values.size(); ++i) {
      do_fit &= store(load<Stored>(bytes.data() + i * sizeof(Stored), false), values[i]);
    }
    return do_fit;
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!store(load<Stored>(bytes.data() + i * stride, is_big_endian), values[i])) return false;
  }
  return true;
}

template <typename Value>
bool convert(std::string_view bytes, std::size_t stride, const ZarrType& type,
             std::span<Value> values) {
  using Kind = ZarrType::Kind;
  const bool big = type.is_big_endian;
  SAITHE_ASSERT(values.empty() ||
                (values.size() - 1) * stride + static_cast<std::size_t>(type.bytes) <=
                    bytes.size());
  const auto is = [&](Kind kind, int n) { return type.kind == kind && type.bytes == n; };
  if (is(Kind::Float, 4)) return convert_as<float>(bytes, stride, big, values);
  if (is(Kind::Float, 8)) return convert_as<double>(bytes, stride, big, values);
  if (is(Kind::Signed, 1)) return convert_as<std::int8_t>(bytes, stride, big, values);
  if (is(Kind::Signed, 2)) return convert_as<std::int16_t>(bytes, stride, big, values);
  if (is(Kind::Signed, 4)) return convert_as<std::int32_t>(bytes, stride, big, values);
  if (is(Kind::Signed, 8)) return convert_as<std::int64_t>(bytes, stride, big, values);
  if (is(Kind::Unsigned, 1)) return convert_as<std::uint8_t>(bytes, stride, big, values);
  if (is(Kind::Unsigned, 2)) return convert_as<std::uint16_t>(bytes, stride, big, values);
  if (is(Kind::Unsigned, 4)) return convert_as<std::uint32_t>(bytes, stride, big, values);
  if (is(Kind::Unsigned, 8)) return convert_as<std::uint64_t>(bytes, stride, big, values);
  if (is(Kind::Boolean, 1)) return convert_as<std::uint8_t>(bytes, stride, big, values);
  if (is(Kind::Float, 2)) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      const auto half = load<std::uint16_t>(bytes.data() + i * stride, big);
      if (!store(widen_half(half), values[i])) return false;
    }
    return true;
  }
  return false;
}

}  // namespace

bool convert_values(std::string_view bytes, std::size_t stride, const ZarrType& type,
                    std::span<float> values) {
  return convert(bytes, stride, type, values);
}
bool convert_values(std::string_view bytes, std::size_t stride, const ZarrType& type,
                    std::span<double> values) {
  return convert(bytes, stride, type, values);
}
bool convert_values(std::string_view bytes, std::size_t stride, const ZarrType& type,
                    std::span<std::int32_t> values) {
  return convert(bytes, stride, type, values);
}
bool convert_values(std::string_view bytes, std::size_t stride, const ZarrType& type,
                    std::span<std::int64_t> values) {
  return convert(bytes, stride, type, values);
}
bool convert_values(std::string_view bytes, std::size_t stride, const ZarrType& type,
                    std::span<std::uint64_t> values) {
  return convert(bytes, stride, type, values);
}

std::string fixed_text(std::string_view bytes, const ZarrType& type) {
  if (type.kind == ZarrType::Kind::FixedText) {
    const std::size_t last = bytes.find_last_not_of('\0');
    return std::string(bytes.substr(0, last == std::string_view::npos ? 0 : last + 1));
  }
  std::string text;
  for (std::size_t i = 0; i + 4 <= bytes.size(); i += 4) {
    const auto point = load<std::uint32_t>(bytes.data() + i, type.is_big_endian);
    if (point == 0) break;
    if (!append_utf8(point, text)) text += "\xef\xbf\xbd";  // what is no character
  }
  return text;
}

}  // namespace saithe::io
