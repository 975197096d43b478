#pragma once

// The genes of several files, each once. Private to data/.

#include <string>
#include <unordered_set>
#include <vector>

#include "saithe/data/cell_source.h"
#include "saithe/data/gene_names.h"

namespace saithe {

/// Names and ids of a file's genes; ids are empty where it has none.
struct GeneList {
  std::vector<std::string> names;
  std::vector<std::string> ids;

  explicit GeneList(const Table& var);
  [[nodiscard]] const std::string& id(std::size_t gene) const;
};

/// Whether most of these are Ensembl ids.
bool are_mostly_ids(const std::vector<std::string>& genes);

/// The genes of all files, each once, in the order in which files are added.
class GeneMerger {
 public:
  GeneMerger(const CellSource& first, const GeneMatchOptions& options);

  /// For each gene of a file its place among the merged ones, to which new ones are added; genes of
  /// the file that are the same have one place. Throws Error(BadFormat) where a name by which the
  /// files meet stands twice, and as match_gene_columns().
  std::vector<GeneIndex> add(const CellSource& dataset);

  /// Where each merged gene is added up in the end: itself, or the first gene of the first file
  /// that has its name in the column by which another file has met.
  [[nodiscard]] const std::vector<GeneIndex>& destination() const { return destination_; }

  /// Which columns met, where they are not both the names, and what else match_gene_columns() says.
  [[nodiscard]] const std::vector<std::string>& notes() const { return notes_; }
  [[nodiscard]] const std::vector<std::string>& names() const { return names_; }
  /// Empty where a gene has none.
  [[nodiscard]] const std::vector<std::string>& ids() const { return ids_; }

 private:
  void tell(const GeneColumnMatch& match, const std::string& file);
  void match_without_ids(std::vector<GeneIndex>& places, const GeneList& list) const;
  void adopt_id(std::size_t gene, const std::string& id);
  void append(const std::string& name, const std::string& id);
  void add_up_repeated(const std::vector<std::string>& names);

  std::vector<std::string> names_;
  std::vector<std::string> ids_;
  std::vector<GeneColumn> others_;  // of the first file, by which others may find its genes
  // What later files call the genes, wherever they have ids: known where nothing else meets.
  std::vector<std::string> ids_of_others_;
  std::unordered_set<std::string> taken_others_;
  std::vector<GeneIndex> destination_;
  std::unordered_set<std::string> taken_names_;
  std::unordered_set<std::string> taken_ids_;
  GeneMatchOptions options_;
  std::string file_;  // whose genes come first
  std::vector<std::string> notes_;
};

}  // namespace saithe
