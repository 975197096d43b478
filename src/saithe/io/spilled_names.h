#pragma once

// Names of cells that were read of text, however many there are. Private to io/.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "saithe/core/spilled_rows.h"
#include "saithe/data/table.h"

namespace saithe::io {

/// Names that are appended one by one and become those of a table's rows. Beyond a limit they lie
/// in a temporary file.
class SpilledNames {
 public:
  /// At most about `max_bytes` are in memory.
  explicit SpilledNames(std::int64_t max_bytes) : bytes_(1, max_bytes), begins_(1, max_bytes) {}

  /// Throws Error(Output) if the temporary file cannot be written.
  void append(std::string_view name);
  [[nodiscard]] std::int64_t size() const { return n_names_; }
  /// The one that was appended first; empty if there is none.
  [[nodiscard]] const std::string& first() const { return first_; }

  /// A table without columns whose rows have these names.
  static Table table_of(SpilledNames names);

 private:
  void close_block();
  [[nodiscard]] std::vector<std::string> read(std::int64_t begin, std::int64_t end) const;

  std::int64_t n_names_ = 0;
  std::string first_;
  std::string block_;                 // of the last names: each with its length before it
  SpilledRows<char> bytes_;           // of the blocks before
  SpilledRows<std::int64_t> begins_;  // of all blocks, in these
};

}  // namespace saithe::io
