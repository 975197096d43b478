#pragma once

// Cells read in blocks with other genes than their file's: genes left out, and genes that are the
// same added up.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "saithe/data/cell_source.h"

namespace saithe {

/// Where the genes of a source go. Values of genes that meet are added up: as counts, or, where the
/// source's first cells hold fractions, as what the logarithms ln(1 + x) stand for.
class GeneMapping {
 public:
  GeneMapping() = default;
  /// new_gene[g] is the place of gene g, -1 to leave it out.
  GeneMapping(std::vector<GeneIndex> new_gene, GeneIndex n_genes);
  /// Cells [begin, end) of the source. Not for several threads at once.
  [[nodiscard]] CsrMatrix read_cells(CellSource& source, CellIndex begin, CellIndex end,
                                     const Context& context);

 private:
  std::vector<GeneIndex> new_gene_;
  GeneIndex n_genes_ = 0;
  bool meet_any_ = false;
  std::optional<bool> are_logarithms_;  // not known before the first block is read
};

/// A source whose genes are called by another column of its var.
class RenamedGenes final : public CellSource {
 public:
  /// Makes the column `column` of var ("index": the index) the genes' names; the genes of one name
  /// become one, also of Ensembl ids that differ by their versions. Genes without a name there keep
  /// theirs; an index of Ensembl ids stays as the column gene_ids, if there is none. Throws
  /// Error(BadFormat) if there is no such column or it has an Ensembl id twice.
  RenamedGenes(std::unique_ptr<CellSource> cells, const std::string& column);
  /// Makes genes one whose `keys` (one per gene) are equal; names stay.
  RenamedGenes(std::unique_ptr<CellSource> cells, const std::vector<std::string>& keys);
  [[nodiscard]] const std::string& name() const override { return cells_->name(); }
  [[nodiscard]] const Table& obs() const override { return cells_->obs(); }
  [[nodiscard]] const Table& var() const override { return var_; }
  [[nodiscard]] CsrMatrix read_cells(CellIndex begin, CellIndex end,
                                     const Context& context) override {
    return mapping_.read_cells(*cells_, begin, end, context);
  }
  [[nodiscard]] std::int64_t most_stored(CellIndex begin, CellIndex end) const override {
    return cells_->most_stored(begin, end);
  }
  [[nodiscard]] bool are_values_chosen() const override { return cells_->are_values_chosen(); }
  /// The names of the genes that were added to another of theirs.
  [[nodiscard]] const std::vector<std::string>& added() const { return added_; }

 private:
  /// Adds up the genes of one key; which are kept. `names` are what the added ones are called.
  std::vector<CellIndex> merge(const std::vector<std::string>& names,
                               const std::vector<std::string>& keys);

  std::unique_ptr<CellSource> cells_;
  Table var_;
  GeneMapping mapping_;
  std::vector<std::string> added_;
};

/// What tells the genes of var apart: their gene_ids, if there are any, otherwise their names;
/// Ensembl ids without their versions. One key per gene. Throws Error(BadFormat), beginning with
/// `where`, if an Ensembl id stands twice.
std::vector<std::string> gene_keys(const Table& var, const std::string& where);

}  // namespace saithe
