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

/// Settles what genes are called that var's index names. An id that stands twice is an error
/// (Error(BadFormat)), in the column gene_ids or in the index. A symbol that stands more than once
/// is told of in a warning: where gene_ids tell its genes apart, make_index_unique(); elsewhere it
/// stays repeated, and stands for one gene (RenamedGenes, match_genes()). What make_index_unique()
/// wrote of a file without ids is taken back.
void settle_gene_names(Table& var, const std::string& where, const Context& context);

/// Makes repeated names of the index unique; they stay as they were in the column gene_symbols (or,
/// where that holds something else, gene_symbols_1, ...), by which they can be found. Returns how
/// many changed.
std::int64_t make_index_unique(Table& var);

/// var of a file with symbols and ids, in the column gene_ids; settled.
Table make_gene_table(std::vector<std::string> names, std::vector<std::string> ids,
                      const std::string& where, const Context& context);

/// var of a file with one name per gene; settled.
Table make_gene_table(std::vector<std::string> names, const std::string& where,
                      const Context& context);

/// Warns of the features that are left out because they are no genes, with their number by type.
void warn_of_other_features(const std::map<std::string, std::int64_t>& n_of_type,
                            const std::string& where, const Context& context);

/// "prefix1", "prefix2", ...: names for what a file does not name.
std::vector<std::string> numbered_names(const std::string& prefix, std::int64_t n);
/// A table of rows that are called so; their names take no memory.
Table table_of_numbers(const std::string& prefix, std::int64_t n);

}  // namespace saithe::io
