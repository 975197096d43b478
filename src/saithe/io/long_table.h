#pragma once

// Tables of text with one line per gene and cell: gene, cell, count, as UMI-tools writes them.
// Private to io/.

#include <memory>

#include "saithe/data/cell_source.h"
#include "saithe/io/delimited_text.h"

namespace saithe::io {

/// Whether the columns of a table are called gene, cell and count.
bool is_long_table(const TableStart& start);

/// Reads it from its first row on. Cells and genes come sorted by name, as AnnData's
/// read_umi_tools() has them; lines of the same gene and cell, which may come in any order, are
/// summed. Takes the names and context.max_memory while it reads, and keeps a quarter of that.
/// Throws Error(BadFormat) with the line.
std::unique_ptr<CellSource> read_long_table(LineReader& reader, const TableStart& start,
                                            const std::string& where, const Context& context);

}  // namespace saithe::io
