#pragma once

// Probabilities of a model's types -> probabilities of the terms above them, and for each cell the
// deepest term that is certain enough.
//
// A term's probability is the sum over the types whose term is that term or below it, each type
// once however many paths lead up. So a term is never less probable than a term below it, and what
// is said of a cell at one level cannot contradict another level (docs/methods_ontology.md).

#include <span>
#include <vector>

#include "saithe/classify/cell_ontology.h"
#include "saithe/core/context.h"
#include "saithe/core/types.h"
#include "saithe/matrix/dense_matrix.h"

namespace saithe {

/// What can be said of a cell with the probability asked for: a term, or a type that has none, or
/// (where neither is probable enough) nothing.
struct RolledUpCell {
  TermIndex term = kNoTerm;
  LabelIndex type = kNoLabel;  ///< a type without a term, which stands for itself
  float probability = 0;       ///< of that term or type; 0 where there is neither
};

/// Rolls the probabilities of one model's types up one ontology.
class OntologyRollup {
 public:
  /// `term_of_type` has the term of each type of the model, or kNoTerm; types may share a term.
  /// `types_exclude`: a cell is of one type, so that probabilities add up; else each type is
  /// decided by itself (one against the rest), and a term's probability is that any of its types is
  /// true of the cell, 1 - product of (1 - p). Throws Error(InvalidArgument) on a term that is no
  /// cell type of the ontology.
  OntologyRollup(const CellOntology& ontology, std::span<const TermIndex> term_of_type,
                 bool types_exclude = true);

  /// The cell types that are the term of a type or above one, ascending.
  [[nodiscard]] const std::vector<TermIndex>& terms() const { return terms_; }
  /// The types at or below terms()[i], ascending.
  [[nodiscard]] std::span<const LabelIndex> types_of(std::size_t i) const {
    return std::span(types_).subspan(begin_[i], begin_[i + 1] - begin_[i]);
  }

  /// Of each row of `probabilities` (n_cells, n_types), the probability of each of terms():
  /// (n_cells, terms().size()). Taken together in double precision in the order of the types, so
  /// that a term's is never below that of a term under it, to the bit. Throws
  /// Error(InvalidArgument) on another number of columns, or a value that is negative or no number.
  [[nodiscard]] DenseMatrix roll_up(DenseView probabilities, const Context& context) const;

  /// Of each row, the deepest term whose probability is at least `threshold` (less 1e-6, which
  /// float32 probabilities may lack of a sum of 1); of equally deep ones the most probable, of
  /// equally probable ones the first id. Types without a term take part as themselves only: the
  /// most probable of them (the first, if equal) is what is said where it passes the threshold and
  /// is more probable than that term. Throws as roll_up(), and Error(InvalidArgument) unless
  /// 0 < threshold <= 1.
  [[nodiscard]] std::vector<RolledUpCell> find_deepest(DenseView probabilities, double threshold,
                                                       const Context& context) const;

 private:
  [[nodiscard]] double probability_of(std::size_t i, std::span<const float> row) const;
  [[nodiscard]] RolledUpCell find_deepest(std::span<const float> row, double threshold) const;
  void require_probabilities(DenseView probabilities) const;

  std::int64_t n_types_ = 0;
  bool types_exclude_ = true;
  std::vector<TermIndex> terms_;
  std::vector<LabelIndex> types_;   // of all terms, end to end
  std::vector<std::size_t> begin_;  // where each term's begin; one more than there are terms
  struct Step {
    std::size_t i;  // into terms_
    int depth;
  };
  std::vector<Step> descent_;  // what find_deepest() tries, deepest first
  std::vector<LabelIndex> unmapped_;
};

}  // namespace saithe
