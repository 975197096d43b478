#pragma once

// Cells with their labels, from whichever place the user names: an obs column or a table.

#include <filesystem>
#include <string>
#include <vector>

#include "saithe/data/cell_source.h"
#include "saithe/data/concatenate.h"
#include "saithe/io/open.h"
#include "session.h"

namespace saithe::cli {

/// Where the labels are: exactly one is given.
struct LabelPlace {
  std::string key;              ///< obs column
  std::filesystem::path table;  ///< two columns, barcode and label
};

/// Adds --label-key and --labels.
void add_label_flags(CLI::App& app, LabelPlace& place);

/// The label of each cell of a source, empty where it has none. Says what the table did not match.
/// Throws Error(InvalidArgument) unless one place is given, Error(BadFormat) if it does not fit.
std::vector<std::string> find_labels(const LabelPlace& place, const CellSource& source,
                                     Session& session);

/// Cells and the label of each.
struct LabelledCells {
  std::unique_ptr<CellSource> cells;
  std::vector<std::string> labels;  ///< empty where a cell has none
};

/// Opens one or several labelled files as one source with distinct barcodes; says which genes it
/// has. Throws as open_source(), find_labels(), ConcatenatedCells, and Error(BadFormat) if some
/// hold counts and others logarithms.
LabelledCells open_references(const std::vector<std::string>& paths, const ReadOptions& reading,
                              const ConcatenateOptions& options, const LabelPlace& place,
                              Session& session);

/// A column of obs as text; throws Error(BadFormat) that lists the columns if there is none.
std::vector<std::string> obs_text(const CellSource& source, const std::string& key,
                                  const char* option);

}  // namespace saithe::cli
