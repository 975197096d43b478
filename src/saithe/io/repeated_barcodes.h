#pragma once

// Cells of one file with the same barcode. Private to io/.

#include <cstdint>
#include <string>

#include "saithe/core/context.h"
#include "saithe/data/table.h"

namespace saithe::io {

/// Names that stand more than once in a table.
struct RepeatedNames {
  std::int64_t n_rows = 0;  ///< rows with the name of an earlier one
  std::string example;      ///< one of these, the first where few names are repeated
};

/// Looks for them block by block, in memory of 8 bytes a row for at most `n_in_memory` rows; what
/// is more lies in a temporary file.
RepeatedNames find_repeated_names(const Table& table, std::int64_t n_in_memory = 1 << 23);

/// Warns of cells with the barcode of an earlier one. `file`: what messages call it.
void warn_of_repeated_barcodes(const Table& obs, const std::string& file, const Context& context);

}  // namespace saithe::io
