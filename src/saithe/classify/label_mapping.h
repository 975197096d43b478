#pragma once

// Names of cell types -> terms of the Cell Ontology.
//
// Nothing is guessed: a label gets a term only where a table, an id, a name or an EXACT synonym
// says so. For every other label the nearest terms are listed, so that a person can decide.

#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "saithe/classify/cell_ontology.h"

namespace saithe {

/// What gave a label its term, strongest first.
enum class MappedBy {
  Table,           ///< a line of the user's table, which may also say that it has none
  Id,              ///< the label is an id, as CL:0000236
  Name,            ///< the label is a term's name
  Synonym,         ///< the label is an EXACT synonym
  NormalizedName,  ///< so it is after normalize_type_name() of both
  Nothing
};
template <>
struct EnumNames<MappedBy> {
  static constexpr std::pair<MappedBy, const char*> values[] = {
      {MappedBy::Table, "table"},
      {MappedBy::Id, "id"},
      {MappedBy::Name, "name"},
      {MappedBy::Synonym, "synonym"},
      {MappedBy::NormalizedName, "normalized-name"},
      {MappedBy::Nothing, "nothing"}};
};

/// The term of one label.
struct LabelMapping {
  std::string label;
  TermIndex term = kNoTerm;
  MappedBy by = MappedBy::Nothing;
  /// Several terms fit equally well, so none was taken: `candidates` are all of them.
  bool is_ambiguous = false;
  /// Of a label without a term (unless the table says so): the nearest terms, nearest first.
  std::vector<TermIndex> candidates;
};

/// A user's table: label -> term; kNoTerm where the table leaves the id empty.
using LabelTable = std::map<std::string, TermIndex, std::less<>>;

/// Reads lines of two tab-separated columns, label and id (plain or gzip; a first line that begins
/// with "label<TAB>" is skipped). An empty id: the label shall have no term. Throws
/// Error(NotFound); Error(BadFormat), naming file and line, on another number of columns, a label
/// twice, and an id that is no live term of the Cell Ontology in `ontology`.
LabelTable read_label_table(const std::filesystem::path& path, const CellOntology& ontology);

/// The term of each label: of `table`, else the id, else the name, else the EXACT synonym, else the
/// normalised name or EXACT synonym. The first of these that finds any term decides; where it finds
/// several, the label is ambiguous and has none. Obsolete terms are found by id only, and then
/// their replacement is taken.
std::vector<LabelMapping> map_labels(const CellOntology& ontology,
                                     std::span<const std::string> labels, const LabelTable& table);

/// A name without case, punctuation and plural, words separated by single spaces: "CD14+ Monocytes"
/// and "CD14-positive monocyte" are both "cd14 positive monocyte". A '+', and a '-' that ends a
/// marker ("CD16- monocyte", "CD4-CD8- T cell"), become words; Greek letters are spelled out.
std::string normalize_type_name(std::string_view name);

}  // namespace saithe
