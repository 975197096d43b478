#include "saithe/io/chunk_filters.h"

#include <blosc.h>
#include <libdeflate.h>
#include <zstd.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "saithe/io/hdf5_library.h"
#include "saithe/io/lzf_filter.h"

namespace saithe::io {
namespace {

// Deflate packs at most 1 032 to 1. Zstd writes 128 KiB of one byte as a block of 4 bytes, and
// blosc may hold it.
constexpr std::size_t kLargestRatio = 1100;
constexpr std::size_t kLargestRatioOfZstd = 33'000;
constexpr std::size_t kChecksumBytes = 4;

bool inflate(std::span<const unsigned char> packed, std::span<unsigned char> bytes) {
  const std::unique_ptr<libdeflate_decompressor, void (*)(libdeflate_decompressor*)> inflater(
      libdeflate_alloc_decompressor(), libdeflate_free_decompressor);
  return libdeflate_zlib_decompress(inflater.get(), packed.data(), packed.size(), bytes.data(),
                                    bytes.size(), nullptr) == LIBDEFLATE_SUCCESS;
}

bool remove_checksum(std::span<const unsigned char>& bytes) {
  if (bytes.size() < kChecksumBytes) return false;
  std::uint32_t stored = 0;
  std::memcpy(&stored, bytes.data() + bytes.size() - kChecksumBytes, kChecksumBytes);
  bytes = bytes.first(bytes.size() - kChecksumBytes);
  return stored == fletcher32(bytes);
}

}  // namespace

bool unpack_blosc(std::span<const unsigned char> packed, std::span<unsigned char> bytes) {
  std::size_t n_bytes = 0;
  if (blosc_cbuffer_validate(packed.data(), packed.size(), &n_bytes) < 0) return false;
  if (n_bytes != bytes.size()) return false;
  if (n_bytes == 0) return true;
  // Chunks are unpacked on all threads already.
  const int n_done = blosc_decompress_ctx(packed.data(), bytes.data(), bytes.size(), 1);
  return n_done > 0 && static_cast<std::size_t>(n_done) == bytes.size();
}

bool unpack_zstd(std::span<const unsigned char> packed, std::span<unsigned char> bytes) {
  const std::size_t n_done =
      ZSTD_decompress(bytes.data(), bytes.size(), packed.data(), packed.size());
  return ZSTD_isError(n_done) == 0 && n_done == bytes.size();
}

bool are_own_filters(std::span<const int> filters) {
  static constexpr int kPacking[] = {H5Z_FILTER_DEFLATE, kLzfFilter, kBloscFilter, kZstdFilter};
  bool is_packed = false;
  for (const int filter : filters) {
    if (filter == H5Z_FILTER_FLETCHER32) continue;
    const bool packs = std::ranges::find(kPacking, filter) != std::end(kPacking);
    if (is_packed || (!packs && filter != H5Z_FILTER_SHUFFLE)) return false;
    is_packed = packs;
  }
  return true;
}

std::size_t largest_ratio(std::span<const int> filters) {
  const bool may_be_zstd = std::any_of(filters.begin(), filters.end(), [](int filter) {
    return filter == kBloscFilter || filter == kZstdFilter;
  });
  return may_be_zstd ? kLargestRatioOfZstd : kLargestRatio;
}

namespace {

/// Undoes a filter that makes other bytes of those it takes; false unless that fills `bytes`.
bool undo_filter(int filter, std::size_t value_bytes, std::span<const unsigned char> taken,
                 std::span<unsigned char> bytes) {
  if (filter == H5Z_FILTER_DEFLATE) return inflate(taken, bytes);
  if (filter == kLzfFilter) return inflate_lzf(taken, bytes);
  if (filter == kBloscFilter) return unpack_blosc(taken, bytes);
  if (filter == kZstdFilter) return unpack_zstd(taken, bytes);
  SAITHE_ASSERT(filter == H5Z_FILTER_SHUFFLE);
  unshuffle(taken, value_bytes, bytes);
  return true;
}

/// Whether n bytes may be what a filter makes of so many.
bool is_plausible(int filter, std::size_t n_taken, std::size_t n) {
  if (filter == H5Z_FILTER_SHUFFLE) return n == n_taken;
  return n / largest_ratio({&filter, 1}) <= n_taken;
}

/// The last filter's bytes go where room() says, which is asked when they are known to be
/// plausible.
template <typename Room>
bool undo_filters_in(std::span<const int> filters, std::uint32_t skipped, std::size_t value_bytes,
                     std::size_t n_bytes, std::span<const unsigned char> stored,
                     FilterMemory& between, const Room& room) {
  std::vector<int> used;
  for (std::size_t i = 0; i < filters.size(); ++i) {
    if (i >= 32 || (skipped >> i & 1U) == 0) used.push_back(filters[i]);
  }
  // What is left to undo.
  std::span<const unsigned char> current = stored;
  std::size_t next = 0;
  for (; !used.empty(); used.pop_back()) {
    const int filter = used.back();
    if (filter == H5Z_FILTER_FLETCHER32) {
      if (!remove_checksum(current)) return false;
      continue;
    }
    // A checksum below the packing is packed with the values.
    const auto n_checksums =
        static_cast<std::size_t>(std::ranges::count(used, H5Z_FILTER_FLETCHER32));
    const std::size_t n = n_bytes + kChecksumBytes * n_checksums;
    if (!is_plausible(filter, current.size(), n)) return false;
    if (used.size() == 1) return undo_filter(filter, value_bytes, current, room());
    std::vector<unsigned char>& memory = between[next];
    next = 1 - next;
    memory.resize(n);
    if (!undo_filter(filter, value_bytes, current, memory)) return false;
    current = memory;
  }
  if (current.size() != n_bytes) return false;
  std::ranges::copy(current, room().begin());
  return true;
}

}  // namespace

bool undo_filters(std::span<const int> filters, std::uint32_t skipped, std::size_t value_bytes,
                  std::size_t n_bytes, std::span<const unsigned char> stored,
                  UnpackedChunk& unpacked) {
  return undo_filters_in(filters, skipped, value_bytes, n_bytes, stored, unpacked.between, [&] {
    unpacked.bytes.resize(n_bytes);
    return std::span(unpacked.bytes);
  });
}

bool undo_filters(std::span<const int> filters, std::uint32_t skipped, std::size_t value_bytes,
                  std::span<const unsigned char> stored, std::span<unsigned char> bytes,
                  FilterMemory& between) {
  return undo_filters_in(filters, skipped, value_bytes, bytes.size(), stored, between,
                         [&] { return bytes; });
}

// ---- as HDF5 calls them ---------------------------------------------------------------------

namespace {

/// The size that blosc or zstd data claim to have; 0 if they claim none.
template <int filter>
std::size_t claimed_size(const unsigned char* packed, std::size_t n_packed) {
  std::size_t n_bytes = 0;
  if constexpr (filter == kBloscFilter) {
    if (blosc_cbuffer_validate(packed, n_packed, &n_bytes) < 0) return 0;
  } else {
    const unsigned long long claimed = ZSTD_getFrameContentSize(packed, n_packed);
    if (claimed == ZSTD_CONTENTSIZE_ERROR || claimed == ZSTD_CONTENTSIZE_UNKNOWN) return 0;
    n_bytes = claimed;
  }
  return n_bytes / kLargestRatioOfZstd > n_packed ? 0 : n_bytes;
}

/// Gives the number of bytes, 0 on failure.
template <int filter>
std::size_t unpack_chunk(unsigned flags, std::size_t, const unsigned*, std::size_t n_packed,
                         std::size_t* buffer_bytes, void** buffer) {
  if ((flags & H5Z_FLAG_REVERSE) == 0) return 0;
  const auto* packed = static_cast<const unsigned char*>(*buffer);
  const std::size_t n_bytes = claimed_size<filter>(packed, n_packed);
  if (n_bytes == 0) return 0;
  void* unpacked = H5allocate_memory(n_bytes, false);
  if (unpacked == nullptr) return 0;
  const std::span<const unsigned char> source(packed, n_packed);
  const std::span<unsigned char> target(static_cast<unsigned char*>(unpacked), n_bytes);
  if (!(filter == kBloscFilter ? unpack_blosc(source, target) : unpack_zstd(source, target))) {
    H5free_memory(unpacked);
    return 0;
  }
  H5free_memory(*buffer);
  *buffer = unpacked;
  *buffer_bytes = n_bytes;
  return n_bytes;
}

template <int filter>
void register_filter(const char* name) {
  H5Z_class2_t description{};
  description.version = H5Z_CLASS_T_VERS;
  description.id = filter;
  description.encoder_present = 0;
  description.decoder_present = 1;
  description.name = name;
  description.filter = unpack_chunk<filter>;
  if (H5Zfilter_avail(filter) <= 0) H5Zregister(&description);
}

}  // namespace

void register_chunk_filters() {
  register_lzf_filter();
  register_filter<kBloscFilter>("blosc");
  register_filter<kZstdFilter>("zstd");
}

// ---- shuffle and checksum -------------------------------------------------------------------

namespace {

/// Values of N bytes: a compiler that knows N interleaves whole registers.
template <std::size_t N>
void interleave(const unsigned char* __restrict shuffled, std::size_t n,
                unsigned char* __restrict bytes) {
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t b = 0; b < N; ++b) bytes[i * N + b] = shuffled[b * n + i];
  }
}

template <std::size_t N>
void deinterleave(const unsigned char* __restrict bytes, std::size_t n,
                  unsigned char* __restrict shuffled) {
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t b = 0; b < N; ++b) shuffled[b * n + i] = bytes[i * N + b];
  }
}

}  // namespace

void unshuffle(std::span<const unsigned char> shuffled, std::size_t value_bytes,
               std::span<unsigned char> bytes) {
  SAITHE_ASSERT(bytes.size() == shuffled.size());
  const std::size_t n = shuffled.size() / value_bytes;
  switch (value_bytes) {
    case 2:
      interleave<2>(shuffled.data(), n, bytes.data());
      break;
    case 4:
      interleave<4>(shuffled.data(), n, bytes.data());
      break;
    case 8:
      interleave<8>(shuffled.data(), n, bytes.data());
      break;
    default:
      for (std::size_t b = 0; b < value_bytes; ++b) {
        for (std::size_t i = 0; i < n; ++i) bytes[i * value_bytes + b] = shuffled[b * n + i];
      }
  }
  // Bytes that fill no value stand at the end as they are.
  std::copy(shuffled.begin() + static_cast<std::ptrdiff_t>(n * value_bytes), shuffled.end(),
            bytes.begin() + static_cast<std::ptrdiff_t>(n * value_bytes));
}

void shuffle(std::span<const unsigned char> bytes, std::size_t value_bytes,
             std::vector<unsigned char>& shuffled) {
  shuffled.resize(bytes.size());
  const std::size_t n = bytes.size() / value_bytes;
  SAITHE_ASSERT(n * value_bytes == bytes.size());
  switch (value_bytes) {
    case 2:
      deinterleave<2>(bytes.data(), n, shuffled.data());
      break;
    case 4:
      deinterleave<4>(bytes.data(), n, shuffled.data());
      break;
    case 8:
      deinterleave<8>(bytes.data(), n, shuffled.data());
      break;
    default:
      for (std::size_t b = 0; b < value_bytes; ++b) {
        for (std::size_t i = 0; i < n; ++i) shuffled[b * n + i] = bytes[i * value_bytes + b];
      }
  }
}

std::uint32_t fletcher32(std::span<const unsigned char> bytes) {
  std::uint32_t sum1 = 0;
  std::uint32_t sum2 = 0;
  const auto add = [&](std::uint32_t word) {
    sum1 += word;
    sum1 = (sum1 & 0xFFFFU) + (sum1 >> 16);
    sum2 += sum1;
    sum2 = (sum2 & 0xFFFFU) + (sum2 >> 16);
  };
  std::size_t i = 0;
  for (; i + 1 < bytes.size(); i += 2) add((std::uint32_t{bytes[i]} << 8) | bytes[i + 1]);
  if (i < bytes.size()) add(std::uint32_t{bytes[i]} << 8);
  return (sum2 << 16) | sum1;
}

}  // namespace saithe::io
