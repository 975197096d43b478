#include "saithe/core/usable_memory.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "saithe/core/types.h"

namespace saithe {

std::int64_t usable_memory() {
  static const std::int64_t bytes = [] {
    std::int64_t least =
        static_cast<std::int64_t>(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGE_SIZE);
    for (const char* path :
         {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}) {
      std::ifstream file(path);
      std::int64_t limit = 0;  // "max" is no number: there is no limit
      if (file >> limit && limit > 0) least = std::min(least, limit);
    }
    return least;
  }();
  return bytes;
}

void require_memory(const std::string& where, std::int64_t n, std::int64_t value_bytes) {
  const std::int64_t bytes = checked_multiply(n, value_bytes, where.c_str());
  if (bytes <= usable_memory()) return;
  constexpr double kGigabyte = 1e9;
  fail(ErrorKind::BadFormat,
       "{}: {} values would have to be in memory at once, which takes {:.1f} GB; there are {:.1f} "
       "GB. Give fewer cells, or use a machine with more memory.",
       where, n, static_cast<double>(bytes) / kGigabyte,
       static_cast<double>(usable_memory()) / kGigabyte);
}

void require_memory_for_cells(const std::string& what, std::int64_t n_cells,
                              std::int64_t bytes_each, std::int64_t max_memory) {
  const std::int64_t bytes = checked_multiply(n_cells, bytes_each, what.c_str());
  if (bytes <= most_bytes_of_cells(max_memory)) return;
  fail(ErrorKind::InvalidArgument,
       "{} takes {} bytes for each of {} cells, {} in all, more than --memory ({}) allows. Give "
       "--memory {}, or fewer cells.",
       what, bytes_each, n_cells, memory_text(bytes), memory_text(max_memory),
       memory_text(bytes - most_bytes_of_cells(0)));
}

void require_memory_so_far(const std::string& what, std::int64_t n, std::int64_t bytes_each,
                           std::int64_t max_memory) {
  const std::int64_t bytes = checked_multiply(n, bytes_each, what.c_str());
  if (bytes <= most_bytes_of_cells(max_memory)) return;
  fail(ErrorKind::InvalidArgument,
       "{}: the names in it take more than --memory ({}) allows: {} for {} of them so far. Give it "
       "more, or the cells as an h5ad.",
       what, memory_text(max_memory), memory_text(bytes), n);
}

std::string memory_text(std::int64_t bytes) {
  constexpr std::int64_t kMebibyte = std::int64_t{1} << 20;
  return std::to_string(bytes / kMebibyte + (bytes % kMebibyte == 0 ? 0 : 1)) + "M";
}

}  // namespace saithe
