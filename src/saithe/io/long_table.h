#pragma once

// Tables of text with one line per gene and cell: gene, cell, count, as UMI-tools writes them, or
// in another order. Private to io/.

#include <memory>

#include "saithe/data/cell_source.h"
#include "saithe/io/delimited_text.h"

namespace saithe::io {

/// Which fields of a line are which.
struct LongColumns {
  std::size_t gene = 0;
  std::size_t cell = 1;
  std::size_t count = 2;
};

/// The columns of a table that are called gene, cell and count, or as programs and people call them
/// (gene_id, barcode, counts, ...); nothing if others stand beside them. R's numbers of rows, a
/// first column without a name, may do so.
std::optional<LongColumns> find_long_columns(const TableStart& start);

/// Throws Error(BadFormat), naming `where`, on columns of texts called gene and cell with others
/// beside them than one count: each line would be taken for a gene or a cell.
void require_no_other_long_table(const TableStart& start, const std::string& where);

/// Reads such a table from its first row on. Cells and genes come sorted by name, as AnnData's
/// read_umi_tools() has them; lines of the same gene and cell, which may come in any order, are
/// summed. Takes the names and context.max_memory while it reads, and keeps a quarter of that.
/// Throws Error(BadFormat) with the line.
std::unique_ptr<CellSource> read_long_table(LineReader& reader, const TableStart& start,
                                            const LongColumns& columns, const std::string& where,
                                            const Context& context);

}  // namespace saithe::io
