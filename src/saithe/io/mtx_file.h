#pragma once

// Matrix Market coordinate files. Private to io/.

#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "saithe/core/context.h"
#include "saithe/matrix/packed_rows.h"

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
/// `new_gene`: the column that each gene of the file gets, from 0 up; -1: left out; empty: all
/// stay. Entries may come in any order; an entry twice is summed. Takes context.max_memory while it
/// reads, and keeps what RowGatherer does. Throws Error(BadFormat) with the line. Source:
/// math.nist.gov/MatrixMarket/formats.html.
std::shared_ptr<PackedRows> read_mtx(const std::filesystem::path& path,
                                     const std::function<bool(const MtxSizes&)>& are_cells_in_rows,
                                     std::span<const GeneIndex> new_gene, const Context& context);

}  // namespace saithe::io
