#pragma once

// Which names are genes and which are cells, told by how they look: for tables that do not say
// what their rows are. Private to io/.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace saithe::io {

/// Whether it is an Ensembl id of any species, with or without a version: ENSG00000141510.18.
bool is_ensembl_id(std::string_view name);

/// Whether it can hardly be anything but a gene: an Ensembl, FlyBase or WormBase id, or a symbol
/// of a large family or of a gene that is found in every cell. Most genes of a genome are neither.
bool looks_like_gene(std::string_view name);

/// Whether it can hardly be anything but a cell: holds a barcode of bases, or is a numbered cell,
/// a well of a plate or the accession of a run.
bool looks_like_cell(std::string_view name);

/// Whether a column of numbers below that name may name rows: nothing, `index`, `cell_id`, `X` (as
/// R reads a blank), ... A gene or a cell may be called like anything else.
bool may_name_numbers(std::string_view corner);

/// Whether it is what HTSeq or STAR count beside the genes: `__no_feature`, `N_unmapped`.
bool names_counter(std::string_view name);

/// Whether a column is called as Scanpy, Seurat and people call measures and names of cells or
/// genes that stand beside the values: `nCount_RNA`, `pct_counts_mt`, `orig.ident`, `UMAP_1`,
/// `chromosome`. The case of letters does not count, nor '.', '_', '-' or ' ' between words.
bool names_measure(std::string_view name);

/// Which columns of a table are, all their names being known: no PC3 without PC1; and `reads` are
/// the counts of a cell where no other column follows the `n_texts` first.
std::vector<bool> measures_among(const std::vector<std::string>& names, std::size_t n_texts);

/// What the rows of a table are.
enum class RowsAre { Cells, Genes, Unknown };

/// Decides it by the names of rows and columns and by what stands in the table's corner.
RowsAre tell_rows(const std::vector<std::string>& rows, const std::vector<std::string>& columns,
                  std::string_view corner);

}  // namespace saithe::io
