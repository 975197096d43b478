#pragma once

// Bytes of a Zarr chunk as numbers and texts. Private to io/.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include "saithe/io/zarr_metadata.h"

namespace saithe::io {

/// Whether the bytes of values of `type` are those of `Value` in memory, so that there is nothing
/// to convert.
template <typename Value>
bool are_stored_as(const ZarrType& type) {
  using Kind = ZarrType::Kind;
  constexpr Kind kKind = std::is_floating_point_v<Value> ? Kind::Float
                         : std::is_signed_v<Value>       ? Kind::Signed
                                                         : Kind::Unsigned;
  return type.kind == kKind && type.bytes == sizeof(Value) && !type.is_big_endian;
}

/// Converts values that lie `stride` bytes apart, the first at the beginning of `bytes`. False if
/// an integer does not fit, or a fraction is to become an integer.
bool convert_values(std::string_view bytes, std::size_t stride, const ZarrType& type,
                    std::span<float> values);
bool convert_values(std::string_view bytes, std::size_t stride, const ZarrType& type,
                    std::span<double> values);
bool convert_values(std::string_view bytes, std::size_t stride, const ZarrType& type,
                    std::span<std::int32_t> values);
bool convert_values(std::string_view bytes, std::size_t stride, const ZarrType& type,
                    std::span<std::int64_t> values);
bool convert_values(std::string_view bytes, std::size_t stride, const ZarrType& type,
                    std::span<std::uint64_t> values);

/// One text of fixed width as UTF-8: bytes up to the zeros at its end, or UTF-32 likewise.
std::string fixed_text(std::string_view bytes, const ZarrType& type);

}  // namespace saithe::io
