#pragma once

// The chunks of a dataset of HDF5, fetched raw and unpacked by saithe: one thread fetches, any
// thread unpacks and converts (HDF5 itself inflates on one).
//
// Filters: those of chunk_filters.h, or none; numbers: integers of 8 to 64 bits, floats of 32 and
// 64, in either order of bytes, and booleans as 0 and 1. Private to io/.

#include <cstdint>
#include <span>
#include <vector>

#include "saithe/core/context.h"
#include "saithe/io/chunk_filters.h"

namespace saithe::io {

/// How a number lies in a file.
struct NumberLayout {
  std::size_t value_bytes = 0;  ///< 0: HDF5 converts it
  bool is_float = false;
  bool is_signed = false;
  bool is_swapped = false;  ///< big-endian
};

/// A chunk as it lies in the file, or unpacked.
struct RawChunk {
  std::int64_t number = 0;  ///< for messages
  bool is_stored = false;   ///< a chunk that was never written holds the fill value
  std::uint32_t skipped_filters = 0;
  std::vector<unsigned char> bytes;
};

class Hdf5Chunks {
 public:
  /// Throws Error(BadFormat) unless it holds numbers or booleans.
  explicit Hdf5Chunks(Hdf5Dataset dataset);
  [[nodiscard]] const Hdf5Dataset& dataset() const { return dataset_; }
  /// Whether it is stored in chunks that saithe unpacks: otherwise HDF5 has to read it, and of what
  /// follows only shape() may be asked.
  [[nodiscard]] bool are_own() const { return are_own_; }
  /// Values along each axis of a chunk; of the dataset where it has no chunks.
  [[nodiscard]] const std::vector<std::int64_t>& shape() const { return shape_; }
  [[nodiscard]] std::int64_t n_values() const { return n_values_; }
  [[nodiscard]] std::int64_t n_bytes() const { return n_bytes_; }
  /// What unpacking a chunk takes at most: what lies in the file and what becomes of it.
  [[nodiscard]] std::int64_t unpacking_bytes() const;

  /// The chunk at that place of the grid of chunks. One thread at a time. Throws Error(BadFormat).
  [[nodiscard]] RawChunk fetch(std::span<const std::int64_t> place) const;
  /// Undoes the filters. Throws Error(BadFormat).
  void unpack(RawChunk& chunk) const;
  /// Values [first, first + n) of an unpacked chunk. Integers that do not fit are Error(BadFormat).
  template <typename Value>
  void convert(const std::vector<unsigned char>& bytes, std::int64_t first,
               std::span<Value> out) const;
  /// The values of a chunk that was never written.
  template <typename Value>
  void fill(std::span<Value> out) const;

 private:
  [[noreturn]] void fail_damaged(std::int64_t number) const;

  Hdf5Dataset dataset_;
  bool are_own_ = false;
  std::vector<std::int64_t> shape_;
  std::int64_t n_values_ = 0;
  std::int64_t n_bytes_ = 0;
  std::vector<int> filters_;
  std::vector<unsigned char> fill_value_;
  NumberLayout layout_;
};

/// Throws Error(BadFormat), which says what to do, if a chunk of n values that takes `n_bytes`
/// while it is unpacked and converted passes context.max_memory.
void require_room_for_chunk(const std::string& where, std::int64_t n_values, std::int64_t n_bytes,
                            const Context& context);

/// Values of a file in this machine's order of bytes, converted as chunks are.
void convert_integers(std::span<const std::int64_t> stored, const std::string& where,
                      std::span<std::int32_t> out);
void convert_integers(std::span<const std::int64_t> stored, const std::string& where,
                      std::span<std::int64_t> out);

}  // namespace saithe::io
