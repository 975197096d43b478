#pragma once

// Fast reading of long one-dimensional arrays: chunks are fetched raw from HDF5, one after the
// other, and inflated and converted on all threads (HDF5 itself does both on one). What lies in one
// piece is read past HDF5.
//
// What hdf5_chunks.h unpacks; anything else that HDF5 knows goes through HDF5; a filter that it
// does not know is an error that names it. Private to io/.

#include <span>
#include <vector>

#include "saithe/core/context.h"
#include "saithe/io/hdf5_chunks.h"

namespace saithe::io {

/// A one-dimensional array of numbers in a file. One thread at a time reads it.
class ChunkedArray {
 public:
  /// Throws Error(BadFormat) unless it is one-dimensional, of numbers, with known filters.
  explicit ChunkedArray(Hdf5Dataset dataset);
  [[nodiscard]] std::int64_t size() const { return dataset().size(); }
  /// What of this array stays in memory while others are read: a chunk that is large.
  [[nodiscard]] std::int64_t most_kept_bytes() const;
  /// Throws Error(BadFormat) where a large chunk would pass context.max_memory.
  void require_room(const Context& context) const;
  /// What unpacking a chunk takes while others are kept, if it is large; else 0.
  [[nodiscard]] std::int64_t most_unpacking_bytes() const;
  /// Tells what others keep: it goes off the memory for a chunk.
  void count_others(std::int64_t kept_bytes) { bytes_of_others_ = kept_bytes; }
  [[nodiscard]] const Hdf5Dataset& dataset() const { return chunks_.dataset(); }

  /// The values [begin, end), converted. Integers that do not fit are Error(BadFormat).
  void read(std::int64_t begin, std::span<float> values, const Context& context) const;
  void read(std::int64_t begin, std::span<std::int32_t> values, const Context& context) const;
  void read(std::int64_t begin, std::span<std::int64_t> values, const Context& context) const;

 private:
  /// The chunk of which a part was used last, whatever its size: some writers make one chunk of a
  /// whole array.
  struct HeldChunk {
    std::int64_t number = -1;
    ChunkBytes bytes;
  };

  template <typename Value>
  void read_any(std::int64_t begin, std::span<Value> values, const Context& context) const;
  template <typename Value>
  void read_through_hdf5(std::int64_t begin, std::span<Value> values) const;
  /// Reads what is wanted of a chunk that is kept; false if it is not.
  template <typename Value>
  bool read_kept(std::int64_t number, std::int64_t begin, std::span<Value> values) const;
  template <typename Value>
  void unpack_chunks(std::int64_t first, std::int64_t n, std::int64_t begin,
                     std::span<Value> values, const Context& context) const;
  void keep(std::int64_t number, ChunkBytes bytes, const Context& context) const;

  Hdf5Chunks chunks_;
  std::int64_t chunk_size_ = 0;  // values of a chunk; 0: read through HDF5
  std::int64_t bytes_of_others_ = 0;
  mutable HeldChunk held_;
};

}  // namespace saithe::io
