#pragma once

// What packs the chunks of a Zarr array: bytes to bytes, undone one after the other. Private to
// io/.
//
// Read: blosc (all its compressors), zstd, gzip, zlib, lz4, shuffle, crc32c. Every size is known or
// bounded before memory is taken; damaged input is an error.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace saithe::io {

/// One step of packing.
enum class ZarrCodec { Blosc, Zstd, Gzip, Zlib, Lz4, Shuffle, Crc32c };

/// A step with what it needs to be undone.
struct ZarrStep {
  ZarrCodec codec = ZarrCodec::Blosc;
  std::size_t value_bytes = 1;  ///< Shuffle
};

/// Undoes the steps, last first. `expected_bytes` is the size of the result, -1 where it is not
/// known (texts). Throws Error(BadFormat), beginning with `where`, on damaged data or another size.
std::string unpack_zarr(std::string packed, const std::vector<ZarrStep>& steps,
                        std::int64_t expected_bytes, const std::string& where);

/// The same, unpacked where the values are wanted: `bytes` is all of a chunk. After an error it
/// holds anything.
void unpack_zarr_into(std::span<char> bytes, std::string packed, const std::vector<ZarrStep>& steps,
                      const std::string& where);

/// The checksum of Zarr's crc32c codec (Castagnoli).
std::uint32_t crc32c(std::string_view bytes);

/// The texts of a vlen-utf8 chunk: a count, then a length and as many bytes for each, all lengths
/// 32-bit, the lowest byte first. Throws Error(BadFormat), beginning with `where`.
std::vector<std::string> decode_vlen_texts(std::string_view bytes, const std::string& where);
/// n of them, from the first-th on; what stands behind them is not looked at.
std::vector<std::string> decode_vlen_texts(std::string_view bytes, std::int64_t first,
                                           std::int64_t n, const std::string& where);

}  // namespace saithe::io
