#pragma once

// How much memory texts take that are read as a whole. Private to io/.

#include <cstdint>
#include <span>
#include <string>

namespace saithe::io {

/// Counts the texts of an array while they are read: how long they are is not known before.
class TextMemory {
 public:
  /// `where`: what messages call the array; `n`: how many will be read.
  TextMemory(std::string where, std::int64_t n, std::int64_t max_memory)
      : where_(std::move(where)), n_(n), max_memory_(max_memory) {}
  /// Throws Error(InvalidArgument) where all so far take more than
  /// most_bytes_of_cells(max_memory); it tells the --memory that is enough if those to come are as
  /// long.
  void add(std::span<const std::string> texts);

 private:
  std::string where_;
  std::int64_t n_;
  std::int64_t max_memory_;
  std::int64_t n_read_ = 0;
  std::int64_t bytes_ = 0;
};

}  // namespace saithe::io
