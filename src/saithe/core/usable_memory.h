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

/// Bytes as --memory takes them, rounded up: "92M".
std::string memory_text(std::int64_t bytes);

}  // namespace saithe
