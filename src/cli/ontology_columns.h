#pragma once

// What predict adds when it is given an ontology: for each cell the Cell Ontology id of its label,
// and the deepest term that is certain enough.

#include <cstddef>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "kept_predictions.h"
#include "result_names.h"
#include "saithe/classify/cell_ontology.h"
#include "saithe/classify/label_mapping.h"
#include "saithe/classify/ontology_rollup.h"
#include "saithe/data/label_set.h"
#include "saithe/io/write_h5ad.h"
#include "session.h"

namespace saithe::cli {

struct OntologyOptions {
  std::string ontology;
  std::string ontology_map;
  double ontology_threshold = 0.5;

  template <typename Visitor>
  static void describe(Visitor& visit, OntologyOptions& options) {
    visit("ontology", options.ontology,
          "add Cell Ontology columns: an OBO file, plain or gzip, or bundled");
    visit("ontology-map", options.ontology_map,
          "terms of labels that the ontology does not know by name: a table, label and CL id, or "
          "bundled for those of the bundled model");
    visit("ontology-threshold", options.ontology_threshold,
          "report the deepest term whose probability is at least this");
  }
  template <typename Visitor>
  static void needs(Visitor& need, const OntologyOptions& options) {
    need({"ontology-map", "ontology-threshold"}, !options.ontology.empty(),
         "without an ontology: add --ontology FILE or bundled");
  }
};

/// The ontology columns of one run: cells are added block by block, in their order.
class OntologyColumns {
 public:
  /// Nothing without --ontology. Reads ontology and table, and says which types have no term and
  /// which terms are near. Throws Error(InvalidArgument) on options that make no sense, and what
  /// CellOntology::read() and read_label_table() throw.
  static std::unique_ptr<OntologyColumns> make(const OntologyOptions& options,
                                               const LabelSet& types, bool types_exclude,
                                               Session& session);

  /// Adds cells: the label of each (kNoLabel: unassigned) and their probabilities (n_cells,
  /// n_types).
  void add(std::span<const LabelIndex> labels, DenseView probabilities, const Context& context);

  /// "ontology_term_id\trolled_up\trolled_up_ontology_term_id\trolled_up_confidence".
  static const char* tsv_header();
  /// The four fields of the cells [begin, end), with tabs between; empty where there is nothing to
  /// say.
  [[nodiscard]] std::vector<std::string> tsv_fields(CellIndex begin, CellIndex end) const;

  /// Adds obs and uns entries, which read from here and from `kept`: its labels are those of obs
  /// names.label, so that LABEL_ontology_term_id fits it: "unknown" where it is unassigned or
  /// without a term, as CELLxGENE writes it.
  void annotate(const KeptPredictions& kept, Annotations& annotations,
                const ResultNames& names) const;

 private:
  OntologyColumns(CellOntology ontology, std::vector<LabelMapping> mappings, bool types_exclude,
                  double threshold, std::int64_t max_memory);
  void add_columns(const KeptPredictions& kept, Annotations& annotations,
                   const ResultNames& names) const;
  /// "unknown" where there is none.
  [[nodiscard]] const std::string& known_id(TermIndex term) const;
  [[nodiscard]] const std::string& id_of(TermIndex term) const;
  [[nodiscard]] std::string name_of(const RolledUpCell& cell) const;
  void say_mapping(Session& session) const;

  CellOntology ontology_;
  std::vector<LabelMapping> mappings_;  // of the model's types, in their order
  OntologyRollup rollup_;
  double threshold_;
  struct Cell {
    LabelIndex label;
    RolledUpCell rolled_up;
  };
  SpilledRows<Cell> cells_;
  std::set<std::pair<TermIndex, LabelIndex>> seen_;  // the terms that cells have, or their types
};

}  // namespace saithe::cli
