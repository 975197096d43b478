#pragma once

// The filters of HDF5 chunks that saithe undoes itself: gzip, shuffle, fletcher32, lzf, blosc and
// zstd. Private to io/.

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace saithe::io {

inline constexpr int kBloscFilter = 32001;
inline constexpr int kZstdFilter = 32015;

/// Blosc (version 1) or zstd data unpacked; false unless they give exactly `bytes.size()` bytes.
bool unpack_blosc(std::span<const unsigned char> packed, std::span<unsigned char> bytes);
bool unpack_zstd(std::span<const unsigned char> packed, std::span<unsigned char> bytes);

/// Whether saithe undoes these filters of a chunk itself: own ones, of which one packs at most, as
/// the last one, checksums aside. How many bytes another makes does not show before.
bool are_own_filters(std::span<const int> filters);

/// The largest ratio of unpacked to packed bytes that filters reach: a larger claim is a trap.
std::size_t largest_ratio(std::span<const int> filters);

/// Memory for what one filter makes and the next one takes, of no meaning afterwards.
using FilterMemory = std::array<std::vector<unsigned char>, 2>;

/// A chunk without its filters, in memory that the next one can be unpacked in.
struct UnpackedChunk {
  std::vector<unsigned char> bytes;
  FilterMemory between;
};

/// Undoes `filters`, which are own ones (are_own_filters()), on a chunk as it lies in the file; bit
/// i of `skipped` says that the chunk was stored without filter i. False unless that gives n_bytes
/// bytes, which then are in `unpacked`.
bool undo_filters(std::span<const int> filters, std::uint32_t skipped, std::size_t value_bytes,
                  std::size_t n_bytes, std::span<const unsigned char> stored,
                  UnpackedChunk& unpacked);
/// The same, the bytes to be where they are wanted; false unless that fills `bytes`.
bool undo_filters(std::span<const int> filters, std::uint32_t skipped, std::size_t value_bytes,
                  std::span<const unsigned char> stored, std::span<unsigned char> bytes,
                  FilterMemory& between);

/// Lets HDF5 itself read blosc and zstd, for the small arrays and texts that it reads.
void register_chunk_filters();

/// Undoes the byte shuffle: bytes of value i at i, i + n, i + 2n, ... become neighbours. As many
/// `bytes` as are shuffled.
void unshuffle(std::span<const unsigned char> shuffled, std::size_t value_bytes,
               std::span<unsigned char> bytes);
/// The shuffle itself, for writing.
void shuffle(std::span<const unsigned char> bytes, std::size_t value_bytes,
             std::vector<unsigned char>& shuffled);

/// The checksum of HDF5's fletcher32 filter.
std::uint32_t fletcher32(std::span<const unsigned char> bytes);

}  // namespace saithe::io
