#pragma once

// The genes of a model found in a query: by names or ids, in whichever column they meet most.

#include <cstdint>
#include <string>
#include <vector>

#include "saithe/core/types.h"
#include "saithe/data/gene_names.h"
#include "saithe/data/table.h"

namespace saithe {

/// The genes of a reference, all of them, and what is known of each.
struct ReferenceGenes {
  std::vector<std::string> names;
  std::vector<std::string> ids;     ///< may be empty
  std::vector<double> count_share;  ///< of the training cells' counts, also of those that are in no
                                    ///< gene here (count_shares()); empty: a cell's total is taken
                                    ///< over all genes of the query
  std::vector<GeneIndex> inputs;    ///< those that are inputs of the model, ascending

  bool operator==(const ReferenceGenes&) const = default;
};

/// Which column of a query belongs to which gene of the model.
struct GeneMatch {
  std::vector<GeneIndex> model_gene;  ///< per query gene: the model's input, or -1
  std::vector<bool> is_counted;       ///< per query gene: it belongs to a cell's total
  std::vector<bool> is_present;       ///< per input of the model
  std::int64_t n_matched = 0;         ///< inputs that are present
  std::int64_t n_added = 0;           ///< query genes that are the same as an earlier one
  double count_share = 1;             ///< share of the training counts on the genes present
  std::string matched_by;             ///< "gene names", "gene_ids", ...
  std::vector<std::string> notes;     ///< what else a person should know of it
};

/// A query of so many genes holds its cells whole, not a selection of their genes.
inline constexpr std::int64_t kWholeFileGenes = 10000;

/// Finds a reference's genes in a query: its names or ids, in the column of var that has most of
/// them (match_gene_columns()). Genes of the query that are the same gene are added up; the values
/// of all of them count for a cell's total. Of a reference that holds some of the genes of its
/// cells (logarithms of selected genes), all genes of a query with kWholeFileGenes or more count
/// for the total, as in the reference. Throws Error(BadFormat), beginning with `where`, if there is
/// no column options.gene_column, or an Ensembl id stands twice in the one that is used.
GeneMatch match_genes(const ReferenceGenes& reference, const Table& var,
                      const GeneMatchOptions& options, const std::string& where);
/// What match_genes() finds in the reference itself.
GeneMatch match_reference(const ReferenceGenes& reference);

}  // namespace saithe
