#pragma once

// An array of HDF5 that is written piece by piece. Private to io/.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "saithe/core/context.h"
#include "saithe/io/hdf5_library.h"
#include "saithe/io/hdf5_writer.h"

namespace saithe::io {

/// A growing one-dimensional array, chunked, shuffled and deflated on all threads.
class GrowingArray {
 public:
  /// Values that are written together: where they are appended so many at a time, the places of the
  /// chunks of several arrays in the file do not depend on how values come.
  static constexpr std::size_t kValuesTogether = std::size_t{1} << 20;

  GrowingArray(const Hdf5Target& group, const std::string& name, hid_t type);
  /// Appends values of the array's own type, as bytes.
  void append(std::span<const unsigned char> bytes, const Context& context);
  void finish(const Context& context);

 private:
  void write_chunks(const Context& context, bool with_rest);

  const Hdf5Target* group_;
  Hdf5Id dataset_;
  std::size_t value_bytes_;
  std::int64_t n_values_ = 0;   // appended
  std::int64_t n_written_ = 0;  // in whole chunks
  std::vector<unsigned char> pending_;
};

}  // namespace saithe::io
