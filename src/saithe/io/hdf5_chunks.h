#pragma once

// The chunks of a dataset of HDF5, unpacked and converted by saithe on any thread, and the values
// of one that lies in one piece.
//
// Filters: those of chunk_filters.h, or none; numbers: integers of 8 to 64 bits, floats of 32 and
// 64, in either order of bytes, and booleans as 0 and 1. Private to io/.

#include <cstdint>
#include <span>
#include <vector>

#include "saithe/core/context.h"
#include "saithe/io/chunk_filters.h"
#include "saithe/io/hdf5_file.h"

namespace saithe::io {

class Hdf5Chunks {
 public:
  /// Throws Error(BadFormat) unless it holds numbers or booleans.
  explicit Hdf5Chunks(Hdf5Dataset dataset);
  [[nodiscard]] const Hdf5Dataset& dataset() const { return dataset_; }
  /// Whether it is stored in chunks.
  [[nodiscard]] bool is_chunked() const { return n_values_ > 0; }
  /// Whether it lies in one piece, as which read() reads it.
  [[nodiscard]] bool is_one_piece() const { return dataset_.description().first_byte >= 0; }
  /// Whether saithe unpacks the chunks: otherwise HDF5 has to read them, and unpack(), convert()
  /// and fill() may not be called.
  [[nodiscard]] bool are_own() const { return are_own_; }
  /// Values along each axis of a chunk; of the dataset where it has no chunks.
  [[nodiscard]] const std::vector<std::int64_t>& shape() const { return shape_; }
  [[nodiscard]] std::int64_t n_values() const { return n_values_; }
  [[nodiscard]] std::int64_t n_bytes() const { return n_bytes_; }
  /// What unpacking a chunk takes at most: what lies in the file and what becomes of it.
  [[nodiscard]] std::int64_t unpacking_bytes() const;

  /// Undoes the filters of a chunk that is stored; `number`: what messages call it. Throws
  /// Error(BadFormat).
  void unpack(const StoredChunk& chunk, std::int64_t number, UnpackedChunk& unpacked) const;
  /// All values of a chunk that is stored, as unpack() and convert() give them; `unpacked`: memory
  /// for what lies between. What is stored as this machine holds it is unpacked where it is wanted.
  template <typename Value>
  void unpack_all(const StoredChunk& chunk, std::int64_t number, std::span<Value> out,
                  UnpackedChunk& unpacked) const;
  /// Values [first, first + n) of an unpacked chunk. Integers that do not fit are Error(BadFormat).
  template <typename Value>
  void convert(std::span<const unsigned char> bytes, std::int64_t first,
               std::span<Value> out) const;
  /// Values [first, first + n) of an unpacked chunk: where they lie, if they are stored as this
  /// machine holds them, otherwise converted into `converted`.
  [[nodiscard]] std::span<const float> values(std::span<const unsigned char> bytes,
                                              std::int64_t first, std::size_t n,
                                              std::vector<float>& converted) const;
  /// The values of a chunk that was never written.
  template <typename Value>
  void fill(std::span<Value> out) const;

  /// Values [first, first + n) of a dataset in one piece, read and converted on all threads. Throws
  /// Error(BadFormat) where the file ends before, and on integers that do not fit.
  template <typename Value>
  void read(std::int64_t first, std::span<Value> out, const Context& context) const;

 private:
  template <typename Value>
  [[nodiscard]] bool are_stored_as() const;
  [[noreturn]] void fail_damaged(std::int64_t number) const;

  Hdf5Dataset dataset_;
  bool are_own_ = false;
  std::vector<std::int64_t> shape_;
  std::int64_t n_values_ = 0;
  std::int64_t n_bytes_ = 0;
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
