#pragma once

// Matrices of all barcodes of a sequencing run (10x calls them raw), most of which are no cells.
// Private to io/.

#include <filesystem>
#include <functional>

#include "saithe/core/context.h"
#include "saithe/core/types.h"

namespace saithe::io {

/// Warns where most barcodes have counts of under 100 genes, and names the matrix of cells where it
/// lies beside this one ("raw" is "filtered" in its name). A sample of some thousand barcodes is
/// looked at; `n_genes_of` says how many genes of a barcode have counts. Matrices of fewer than
/// 2 000 genes, of which cells may well have few, are let pass.
void warn_of_empty_barcodes(const std::filesystem::path& path, CellIndex n_barcodes,
                            std::int64_t n_genes,
                            const std::function<std::int64_t(CellIndex)>& n_genes_of,
                            const Context& context);

}  // namespace saithe::io
