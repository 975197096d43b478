#pragma once

// How much memory this process may take, so that a request that cannot be met is an error with a
// reason, and not the end of the process.

#include <cstdint>
#include <string>

namespace saithe {

/// Bytes of the machine's memory, or of the cgroup's limit where that is less.
std::int64_t usable_memory();

/// Throws Error(BadFormat), beginning with `where`, if n values of `value_bytes` each are more than
/// usable_memory().
void require_memory(const std::string& where, std::int64_t n, std::int64_t value_bytes);

/// What a run with `max_memory` may hold for all cells at once, while it holds nothing else of
/// them: as much, and 64 MB.
constexpr std::int64_t most_bytes_of_cells(std::int64_t max_memory) {
  return max_memory + (std::int64_t{1} << 26);
}
/// Throws Error(InvalidArgument), beginning with `what`, if n cells of `bytes_each` are more than
/// most_bytes_of_cells(max_memory).
void require_memory_for_cells(const std::string& what, std::int64_t n_cells,
                              std::int64_t bytes_each, std::int64_t max_memory);

/// The same while n of them have been read, and nobody knows how many there will be.
void require_memory_so_far(const std::string& what, std::int64_t n, std::int64_t bytes_each,
                           std::int64_t max_memory);

/// Bytes as --memory takes them, rounded up: "92M".
std::string memory_text(std::int64_t bytes);

}  // namespace saithe
