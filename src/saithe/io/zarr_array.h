#pragma once

// The values of a Zarr array. Chunks are read and unpacked on all threads. Private to io/.

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "saithe/core/context.h"
#include "saithe/io/dense_tiles.h"
#include "saithe/io/zarr_metadata.h"

namespace saithe::io {

class ZarrArray {
 public:
  /// Throws Error(BadFormat) unless the node is an array.
  explicit ZarrArray(ZarrNode node);

  [[nodiscard]] const std::vector<std::int64_t>& shape() const { return layout_.shape; }
  [[nodiscard]] const ZarrType& type() const { return layout_.type; }
  [[nodiscard]] bool is_text() const;
  [[nodiscard]] bool is_number() const;
  [[nodiscard]] std::string where() const { return node_.where(); }
  /// The number of values; 1-dimensional arrays only. Throws Error(BadFormat) on others.
  [[nodiscard]] std::int64_t size() const;

  /// Values [begin, begin + n) of a 1-dimensional array of numbers, converted. Integers that do not
  /// fit are Error(BadFormat).
  void read(std::int64_t begin, std::span<float> values, const Context& context) const;
  void read(std::int64_t begin, std::span<double> values, const Context& context) const;
  void read(std::int64_t begin, std::span<std::int32_t> values, const Context& context) const;
  void read(std::int64_t begin, std::span<std::int64_t> values, const Context& context) const;
  void read(std::int64_t begin, std::span<std::uint64_t> values, const Context& context) const;
  /// A rectangle of a 2-dimensional array, row by row.
  void read_rectangle(const Rectangle& wanted, std::span<float> values,
                      const Context& context) const;
  /// What is unpacked as a whole, along each axis, and what unpacking it takes at most.
  [[nodiscard]] const std::vector<std::int64_t>& chunk_shape() const { return layout_.chunk; }
  [[nodiscard]] std::int64_t unpacking_bytes() const;

  /// A whole 1-dimensional array. `n_expected` is the length that it must have; -1: any, and then
  /// every chunk must be stored, so that its length cannot be a lie.
  [[nodiscard]] std::vector<double> read_numbers(std::int64_t n_expected,
                                                 const Context& context) const;
  [[nodiscard]] std::vector<std::int64_t> read_integers(std::int64_t n_expected,
                                                        const Context& context) const;
  [[nodiscard]] std::vector<std::uint64_t> read_unsigned(std::int64_t n_expected,
                                                         const Context& context) const;
  [[nodiscard]] std::vector<std::string> read_texts(std::int64_t n_expected,
                                                    const Context& context) const;
  /// The length of a 1-dimensional array of which every chunk must be stored, so that it cannot be
  /// a lie.
  [[nodiscard]] std::int64_t stored_length() const { return checked_length(-1); }
  /// Throws Error(BadFormat) unless a 1-dimensional array has n values.
  void require_length(std::int64_t n) const { static_cast<void>(checked_length(n)); }
  /// The texts [begin, end) of a 1-dimensional array whose length was looked at.
  [[nodiscard]] std::vector<std::string> read_texts(std::int64_t begin, std::int64_t end,
                                                    const Context& context) const;
  /// One field of records, as numbers or texts.
  [[nodiscard]] std::vector<double> read_field_numbers(const ZarrType::Field& field,
                                                       const Context& context) const;
  [[nodiscard]] std::vector<std::string> read_field_texts(const ZarrType::Field& field,
                                                          const Context& context) const {
    return read_fixed_texts(field, 0, checked_length(-1), context);
  }

  /// A chunk of zeros that was read and is not stored, as messages call it.
  [[nodiscard]] std::optional<std::string> unstored_zeros() const;

  /// Entries from `begin` on of a compressed matrix: chunks of both arrays share the threads.
  friend void read_entries(std::int64_t begin, const ZarrArray& columns,
                           std::span<std::int32_t> into_columns, const ZarrArray& values,
                           std::span<float> into_values, const Context& context);

 private:
  using Place = std::vector<std::int64_t>;  // of a chunk in the grid of chunks
  using Bytes = std::shared_ptr<const std::string>;

  void require_text() const;
  [[nodiscard]] std::vector<std::string> read_fixed_texts(const ZarrType::Field& field,
                                                          std::int64_t begin, std::int64_t end,
                                                          const Context& context) const;
  [[nodiscard]] std::int64_t checked_length(std::int64_t n_expected) const;
  [[nodiscard]] std::int64_t chunk_values() const;
  [[nodiscard]] std::string chunk_key(const Place& place) const;
  [[nodiscard]] std::string chunk_where(const Place& place) const;
  [[nodiscard]] std::optional<std::string> packed_chunk(const Place& place) const;
  [[nodiscard]] std::optional<std::string> packed_in_shard(const Place& place) const;
  [[nodiscard]] bool is_large() const;
  [[nodiscard]] Bytes chunk(const Place& place) const;
  [[nodiscard]] Bytes kept_chunk(std::int64_t number) const;
  [[nodiscard]] Bytes chunk_for_part(const Place& place) const;
  template <typename Value>
  void read_any(std::int64_t begin, std::span<Value> values, const Context& context) const;
  void require_numbers() const;
  [[nodiscard]] std::int64_t n_chunks_of(std::int64_t begin, std::int64_t n) const;
  template <typename Value>
  void read_chunk_of(std::int64_t i, std::int64_t begin, std::span<Value> values,
                     const Context& context) const;
  template <typename Value>
  void read_part(const Place& place, std::int64_t first, std::span<Value> values) const;
  template <typename Value>
  void fill(const Place& place, std::span<Value> values) const;
  template <typename Value>
  void read_in_place(const Place& place, std::span<Value> values) const;
  void place_values(const Bytes& bytes, const Place& place, const Rectangle& wanted,
                    std::span<float> values) const;
  template <typename Body>
  void for_each_place(std::int64_t n, const Context& context, const Body& body) const;
  template <typename Body>
  void for_each_chunk(std::int64_t begin, std::int64_t end, const Context& context,
                      const Body& body) const;

  ZarrNode node_;
  ZarrLayout layout_;
  // The indices of shards that were read, and chunks of which a part was used: samples and blocks
  // of cells seldom end where chunks do.
  struct Cache;
  std::shared_ptr<Cache> cache_;
};

void read_entries(std::int64_t begin, const ZarrArray& columns,
                  std::span<std::int32_t> into_columns, const ZarrArray& values,
                  std::span<float> into_values, const Context& context);

}  // namespace saithe::io
