#pragma once

// What there is to know of a dataset of an HDF5 file without reading its values. Private to io/.

#include <cstdint>
#include <string>
#include <vector>

#include "saithe/core/message.h"

namespace saithe::io {

/// How the numbers or texts of a dataset are stored.
enum class StoredKind { Integer, Float, Boolean, Text, Other };

/// How a number lies in a file.
struct NumberLayout {
  std::size_t value_bytes = 0;  ///< 0: HDF5 converts it
  bool is_float = false;
  bool is_signed = false;
  bool is_swapped = false;  ///< big-endian
};

/// A dataset, or one field of a compound one.
struct DatasetDescription {
  std::string where;                      ///< "FILE: /path/in/file"
  std::vector<std::int64_t> shape;        ///< {0} where it is null
  StoredKind kind = StoredKind::Other;    ///< of its values
  std::size_t value_bytes = 0;            ///< of one value, as in the file
  std::int64_t stored_bytes = 0;          ///< that the file holds for it
  std::int64_t largest_ratio = 1;         ///< of bytes in memory to bytes in the file
  bool has_any_length = false;            ///< texts that lie elsewhere, each for itself
  bool is_null = false;                   ///< HDF5's way to say nothing (AnnData's `null`)
  NumberLayout layout;                    ///< of numbers whose bytes saithe converts itself
  std::vector<std::string> field_names;   ///< of a compound dataset, in its order
  std::int64_t first_byte = -1;           ///< of its values in the file; -1: not in one piece
  std::vector<std::int64_t> chunk_shape;  ///< none unless it lies in chunks
  std::vector<int> filters;               ///< of its chunks, in the order of writing
  std::vector<unsigned char> fill_value;  ///< of chunks that were never written, as in the file

  /// Number of values. Throws Error(BadFormat) if it does not fit 64 bits.
  [[nodiscard]] std::int64_t size() const;
  /// Whether n values can lie in its stored bytes, packed as well as its filters can.
  [[nodiscard]] bool is_plausible(std::int64_t n_values) const;
  /// Throws Error(BadFormat) unless n values can lie in its stored bytes; fill values need none, so
  /// that `fill_bytes` are let pass.
  void require_plausible(std::int64_t n_values, std::int64_t fill_bytes = 1 << 22) const;
};

void add_description(MessageWriter& message, const DatasetDescription& dataset);
/// Throws Error(BadFormat) on what no dataset can be.
DatasetDescription take_description(MessageReader& message);

}  // namespace saithe::io
