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
  /// become one. Genes without a name there keep theirs; an index of Ensembl ids stays as the
  /// column gene_ids, if there is none. Throws Error(BadFormat) if there is no such column or it
  /// has an Ensembl id twice.
  RenamedGenes(std::unique_ptr<CellSource> cells, const std::string& column);
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
  /// Genes that were added to another of their name.
  [[nodiscard]] std::int64_t n_added() const { return n_added_; }

 private:
  std::unique_ptr<CellSource> cells_;
  Table var_;
  GeneMapping mapping_;
  std::int64_t n_added_ = 0;
};

}  // namespace saithe
