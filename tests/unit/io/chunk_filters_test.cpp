#include "saithe/io/chunk_filters.h"

#include <blosc.h>
#include <gtest/gtest.h>
#include <hdf5.h>
#include <zstd.h>

#include <cstring>
#include <functional>

#include "saithe/core/random.h"
#include "saithe/core/types.h"

namespace saithe {
namespace {

using Bytes = std::vector<unsigned char>;

Bytes some_bytes(std::size_t n) {
  const Random random(9, 0);
  Bytes bytes(n);
  for (std::size_t i = 0; i < n; ++i) bytes[i] = static_cast<unsigned char>(random.below(i, 3));
  return bytes;
}

Bytes packed_by_zstd(const Bytes& bytes) {
  Bytes packed(ZSTD_compressBound(bytes.size()));
  packed.resize(ZSTD_compress(packed.data(), packed.size(), bytes.data(), bytes.size(), 3));
  return packed;
}

Bytes packed_by_blosc(const Bytes& bytes, const char* compressor, int shuffle) {
  Bytes packed(bytes.size() + BLOSC_MAX_OVERHEAD);
  const int n = blosc_compress_ctx(5, shuffle, 4, bytes.size(), bytes.data(), packed.data(),
                                   packed.size(), compressor, 0, 1);
  packed.resize(as_size(n));
  return packed;
}

TEST(ChunkFilters, WhatTheLibrariesPackedIsUnpacked) {
  for (const std::size_t n : {4U, 1000U, 300'000U}) {
    const Bytes bytes = some_bytes(n);
    Bytes back(n);
    EXPECT_TRUE(io::unpack_zstd(packed_by_zstd(bytes), back));
    EXPECT_EQ(back, bytes);
    for (const char* compressor : {"blosclz", "lz4", "lz4hc", "zlib", "zstd"}) {
      for (const int shuffle : {BLOSC_NOSHUFFLE, BLOSC_SHUFFLE, BLOSC_BITSHUFFLE}) {
        back.assign(n, 0);
        EXPECT_TRUE(io::unpack_blosc(packed_by_blosc(bytes, compressor, shuffle), back));
        EXPECT_EQ(back, bytes) << compressor << " " << shuffle << " " << n;
      }
    }
  }
}

Bytes with_checksum(Bytes bytes) {
  const std::uint32_t sum = io::fletcher32(bytes);
  bytes.resize(bytes.size() + sizeof sum);
  std::memcpy(bytes.data() + bytes.size() - sizeof sum, &sum, sizeof sum);
  return bytes;
}

// A wrong size, a cut or a flipped bit gives false or the wrong bytes, never an access outside.
TEST(ChunkFilters, DamageIsNoticedOrHarmless) {
  const Bytes bytes = some_bytes(5000);
  const std::vector<std::pair<Bytes, std::function<bool(const Bytes&, std::span<unsigned char>)>>>
      forms = {{packed_by_zstd(bytes), io::unpack_zstd},
               {packed_by_blosc(bytes, "lz4", BLOSC_SHUFFLE), io::unpack_blosc},
               {packed_by_blosc(bytes, "zstd", BLOSC_BITSHUFFLE), io::unpack_blosc}};
  for (const auto& [packed, unpack] : forms) {
    Bytes other(4999);
    EXPECT_FALSE(unpack(packed, other));
    other.resize(5001);
    EXPECT_FALSE(unpack(packed, other));
    Bytes back(5000);
    for (std::size_t n = 0; n < packed.size(); n += 7) {
      EXPECT_FALSE(
          unpack(Bytes(packed.begin(), packed.begin() + static_cast<std::ptrdiff_t>(n)), back));
    }
    for (std::size_t bit = 0; bit < 8 * packed.size(); bit += 3) {
      Bytes flipped = packed;
      flipped[bit / 8] = static_cast<unsigned char>(flipped[bit / 8] ^ (1U << (bit % 8)));
      static_cast<void>(unpack(flipped, back));
    }
  }
}

TEST(ChunkFilters, AreUndoneInTheReverseOrder) {
  const Bytes bytes = some_bytes(4000);
  Bytes shuffled;
  io::shuffle(bytes, 4, shuffled);
  const std::vector<int> filters = {H5Z_FILTER_SHUFFLE, io::kZstdFilter};
  io::UnpackedChunk unpacked;
  EXPECT_TRUE(io::undo_filters(filters, 0, 4, 4000, packed_by_zstd(shuffled), unpacked));
  EXPECT_EQ(unpacked.bytes, bytes);
  // Stored without the shuffle; stored as it is.
  EXPECT_TRUE(io::undo_filters(filters, 1, 4, 4000, packed_by_zstd(bytes), unpacked));
  EXPECT_EQ(unpacked.bytes, bytes);
  EXPECT_TRUE(io::undo_filters(filters, 3, 4, 4000, bytes, unpacked));
  EXPECT_EQ(unpacked.bytes, bytes);
  EXPECT_FALSE(io::undo_filters(filters, 3, 4, 4001, bytes, unpacked));
}

TEST(ChunkFilters, AChecksumMayStandBelowOrAboveThePacking) {
  const Bytes bytes = some_bytes(4000);
  const std::vector<int> below = {H5Z_FILTER_FLETCHER32, io::kZstdFilter};
  const std::vector<int> above = {io::kZstdFilter, H5Z_FILTER_FLETCHER32};
  io::UnpackedChunk unpacked;
  EXPECT_TRUE(io::undo_filters(below, 0, 4, 4000, packed_by_zstd(with_checksum(bytes)), unpacked));
  EXPECT_EQ(unpacked.bytes, bytes);
  Bytes chunk = with_checksum(packed_by_zstd(bytes));
  EXPECT_TRUE(io::undo_filters(above, 0, 4, 4000, chunk, unpacked));
  EXPECT_EQ(unpacked.bytes, bytes);
  chunk.back() ^= 1U;
  EXPECT_FALSE(io::undo_filters(above, 0, 4, 4000, chunk, unpacked));
}

// Several that each make other bytes, checksums between them.
TEST(ChunkFilters, ManyAreUndoneWhereTheBytesAreWanted) {
  const Bytes bytes = some_bytes(4000);
  const auto shuffled = [](const Bytes& all) {
    Bytes to;
    io::shuffle(all, 4, to);
    return to;
  };
  const std::vector<int> filters = {H5Z_FILTER_SHUFFLE, H5Z_FILTER_SHUFFLE, H5Z_FILTER_FLETCHER32,
                                    io::kZstdFilter, io::kZstdFilter};
  const Bytes sum = with_checksum(shuffled(shuffled(bytes)));
  const Bytes chunk = packed_by_zstd(packed_by_zstd(sum));
  io::UnpackedChunk unpacked;
  // The outer zstd gives as many bytes as the inner one took, which no claim tells: not undone.
  EXPECT_FALSE(io::undo_filters(filters, 0, 4, 4000, chunk, unpacked));
  // Without it (bit 4) they are, in a vector and in place.
  const Bytes once = packed_by_zstd(sum);
  EXPECT_TRUE(io::undo_filters(filters, 1U << 4, 4, 4000, once, unpacked));
  EXPECT_EQ(unpacked.bytes, bytes);
  Bytes wanted(4000);
  EXPECT_TRUE(io::undo_filters(filters, 1U << 4, 4, once, wanted, unpacked.between));
  EXPECT_EQ(wanted, bytes);
  for (const std::size_t n : {3999U, 4001U}) {
    wanted.resize(n);
    EXPECT_FALSE(io::undo_filters(filters, 1U << 4, 4, once, wanted, unpacked.between));
  }
  // Stored as it is.
  wanted.assign(4000, 0);
  EXPECT_TRUE(io::undo_filters(filters, 31, 4, bytes, wanted, unpacked.between));
  EXPECT_EQ(wanted, bytes);
}

TEST(ChunkFilters, ATinyChunkThatClaimsMuchIsNoReasonForMemory) {
  const std::vector<int> filters = {io::kZstdFilter};
  io::UnpackedChunk unpacked;
  EXPECT_FALSE(io::undo_filters(filters, 0, 1, std::size_t{1} << 40, Bytes(10), unpacked));
  EXPECT_EQ(io::largest_ratio(std::vector<int>{H5Z_FILTER_DEFLATE}), 1100U);
  EXPECT_GT(io::largest_ratio(std::vector<int>{H5Z_FILTER_SHUFFLE, io::kBloscFilter}), 30'000U);
}

TEST(ChunkFilters, OneThatPacksMayStandBehindOthers) {
  using Filters = std::vector<int>;
  constexpr int kGzip = H5Z_FILTER_DEFLATE;
  constexpr int kShuffle = H5Z_FILTER_SHUFFLE;
  constexpr int kChecksum = H5Z_FILTER_FLETCHER32;
  for (const Filters& own : {Filters{}, Filters{kGzip}, Filters{kShuffle, io::kBloscFilter},
                             Filters{kChecksum, kShuffle, io::kZstdFilter, kChecksum}}) {
    EXPECT_TRUE(io::are_own_filters(own));
  }
  for (const Filters& others : {Filters{32008}, Filters{kGzip, kGzip}, Filters{kGzip, kShuffle},
                                Filters{io::kZstdFilter, kChecksum, kGzip}}) {
    EXPECT_FALSE(io::are_own_filters(others));
  }
}

TEST(Shuffle, IsUndone) {
  const Random random(4, 0);
  for (const std::size_t value_bytes : {1U, 2U, 3U, 4U, 8U}) {
    for (const std::size_t n : {0U, 1U, 7U, 1000U}) {
      std::vector<unsigned char> bytes;
      for (std::size_t i = 0; i < n * value_bytes; ++i) {
        bytes.push_back(static_cast<unsigned char>(random.below(i, 256)));
      }
      std::vector<unsigned char> shuffled;
      std::vector<unsigned char> back(bytes.size());
      io::shuffle(bytes, value_bytes, shuffled);
      io::unshuffle(shuffled, value_bytes, back);
      EXPECT_EQ(back, bytes) << n << " values of " << value_bytes;
    }
  }
}

// H5_checksum_fletcher32 of libhdf5 1.10 for the same bytes, written into a file by h5py 3.12.
TEST(Fletcher32, OddAndEvenLengths) {
  const std::vector<unsigned char> even = {1, 2, 3, 4};
  // Sums of the big-endian pairs 0x0102, 0x0304: 0x0406 and 0x0508.
  EXPECT_EQ(io::fletcher32(even), 0x05080406U);
  const std::vector<unsigned char> odd = {1, 2, 3};
  EXPECT_EQ(io::fletcher32(odd), 0x05040402U);
}

}  // namespace
}  // namespace saithe
