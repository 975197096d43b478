#pragma once

// Labels beside the counts: a table of two tab-separated columns, barcode and cell type
// (a first line that begins with "barcode" is skipped).

#include <filesystem>
#include <string>
#include <vector>

#include "saithe/data/cell_source.h"

namespace saithe {

/// How many entries met when labels were joined to cells by barcode.
struct LabelJoin {
  std::vector<CellIndex> cells;            ///< cells of the file that have a label, in its order
  std::vector<std::string> labels;         ///< their labels
  std::int64_t n_cells_without_label = 0;  ///< cells of the file that the table lacks
  std::int64_t n_labels_without_cell = 0;  ///< rows of the table whose barcode the file lacks
};

/// Joins the table's labels to the barcodes of `source`.
/// Throws Error(NotFound); Error(BadFormat) with the line on a malformed line or a barcode twice,
/// and where no barcode is in common or a barcode to be joined stands twice in the file.
LabelJoin join_labels(const std::filesystem::path& labels_path, const CellSource& source);

}  // namespace saithe
