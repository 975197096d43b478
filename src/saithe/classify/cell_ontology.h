#pragma once

// The Cell Ontology as a graph of cell types: terms, their names, and what each of them is a kind
// of.
//
// Read from an OBO file (format 1.2 or 1.4; https://owlcollab.github.io/oboformat/doc/), plain or
// gzip. Only is_a makes the graph: relationship and intersection_of lines say other things of a
// term (what it develops from, what defines it) and are skipped, as are Typedef stanzas.

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "saithe/core/options.h"

namespace saithe {

/// A term of an ontology; kNoTerm where there is none. Ascending indices are ascending ids.
using TermIndex = std::int32_t;
inline constexpr TermIndex kNoTerm = -1;

/// How a synonym's meaning relates to its term's: only Exact means the same.
enum class SynonymScope { Exact, Broad, Narrow, Related };
template <>
struct EnumNames<SynonymScope> {
  static constexpr std::pair<SynonymScope, const char*> values[] = {
      {SynonymScope::Exact, "EXACT"},
      {SynonymScope::Broad, "BROAD"},
      {SynonymScope::Narrow, "NARROW"},
      {SynonymScope::Related, "RELATED"}};
};

struct OntologySynonym {
  std::string text;
  SynonymScope scope = SynonymScope::Related;
};

/// One term as the file has it.
struct OntologyTerm {
  std::string id;
  std::string name;  ///< the id where the file gives none
  std::vector<OntologySynonym> synonyms;
  std::vector<TermIndex> parents;            ///< is_a, ascending; none of an obsolete term
  std::vector<std::string> alternative_ids;  ///< ids of terms that were merged into this one
  std::vector<std::string> replacements;     ///< replaced_by of an obsolete term
  std::vector<std::string> considered;       ///< consider of an obsolete term
  bool is_obsolete = false;
  bool is_cell_type = false;  ///< a live term of the Cell Ontology itself: its id begins "CL:"
  /// Cell types above it on the longest is_a path upwards: 0 for the root, "cell" (CL:0000000).
  /// The longest, so that a term is always deeper than each of its ancestors.
  int depth = 0;
};

/// The terms of one OBO file, sorted by id.
class CellOntology {
 public:
  /// Throws Error(NotFound); Error(BadFormat), naming file and line, on what is no OBO 1.2 or 1.4,
  /// a malformed line, an id twice, a parent "CL:..." that the file lacks or that is obsolete, a
  /// cycle of is_a, and a file without cell types. Parents from other ontologies (CARO, UBERON) are
  /// terms, too; those that the file only mentions have neither name nor parents.
  static CellOntology read(const std::filesystem::path& path);

  /// The file's data-version, as "cl/releases/2022-11-25/cl-basic.owl"; empty if it tells none.
  [[nodiscard]] const std::string& release() const { return release_; }
  [[nodiscard]] const std::vector<OntologyTerm>& terms() const { return terms_; }
  [[nodiscard]] const OntologyTerm& term(TermIndex index) const {
    return terms_[static_cast<std::size_t>(index)];
  }
  /// The term of that id, or into which it was merged (alt_id); kNoTerm if there is none.
  [[nodiscard]] TermIndex find(std::string_view id) const;
  /// The cell type that an id stands for today: find(), or for an obsolete term what its only
  /// replaced_by leads to. kNoTerm if that is no live term of the Cell Ontology.
  [[nodiscard]] TermIndex find_cell_type(std::string_view id) const;
  /// The term and all above it, each once, ascending.
  [[nodiscard]] std::vector<TermIndex> find_ancestors(TermIndex term) const;

 private:
  std::string release_;
  std::vector<OntologyTerm> terms_;
  std::unordered_map<std::string, TermIndex> term_of_id_;  // with alternative ids
};

}  // namespace saithe
