#pragma once

// What the readers of all formats do alike with the names of genes. Private to io/.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "saithe/core/context.h"
#include "saithe/data/table.h"

namespace saithe::io {

/// What 10x calls the features that are genes.
inline constexpr const char* kGeneExpression = "Gene Expression";

/// Gene symbols made unique as Scanpy does: the second ABC becomes ABC-1. Returns how many changed.
std::int64_t make_names_unique(std::vector<std::string>& names);

/// Throws Error(BadFormat) naming the first id that stands twice.
void require_unique_gene_ids(const std::vector<std::string>& ids, const std::string& where);

/// var of a 10x file: the index is the symbols made unique, the column gene_ids the ids.
Table make_gene_table(std::vector<std::string> names, std::vector<std::string> ids,
                      const std::string& where);

/// var of a file with one name per gene. Ensembl ids must be unique (Error(BadFormat)); other names
/// that stand more than once are numbered, with a warning.
Table make_gene_table(std::vector<std::string> names, const std::string& where,
                      const Context& context);

/// Warns of the features that are left out because they are no genes, with their number by type.
void warn_of_other_features(const std::map<std::string, std::int64_t>& n_of_type,
                            const std::string& where, const Context& context);

/// Warns if a barcode stands twice; all cells are kept.
void warn_of_repeated_barcodes(const std::vector<std::string>& barcodes, const std::string& file,
                               const Context& context);

/// "prefix1", "prefix2", ...: names for what a file does not name.
std::vector<std::string> numbered_names(const std::string& prefix, std::int64_t n);

}  // namespace saithe::io
