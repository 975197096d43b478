#pragma once

// Matrix Market coordinate files. Private to io/.

#include <filesystem>
#include <functional>

#include "saithe/core/context.h"
#include "saithe/matrix/csr_matrix.h"

namespace saithe::io {

/// Whether a file that begins with `head` says that it is Matrix Market.
bool is_matrix_market(std::string_view head);

/// The sizes that a file announces.
struct MtxSizes {
  std::int64_t n_rows = 0;
  std::int64_t n_columns = 0;
  std::int64_t n_stored = 0;
};

/// Reads a plain or gzip file of the kinds "coordinate integer general" and "... real general".
/// `are_cells_in_rows` is asked once, with the sizes: what is returned is cells x genes either way.
/// Entries may come in any order; an entry twice is summed. Throws Error(BadFormat) with the line.
/// Source: math.nist.gov/MatrixMarket/formats.html.
CsrMatrix read_mtx(const std::filesystem::path& path,
                   const std::function<bool(const MtxSizes&)>& are_cells_in_rows,
                   const Context& context);

}  // namespace saithe::io
