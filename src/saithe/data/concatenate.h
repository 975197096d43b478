#pragma once

// Several labelled files as one data set: cells one below the other, genes matched by name or id.

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "saithe/core/options.h"
#include "saithe/data/cell_source.h"
#include "saithe/data/gene_names.h"
#include "saithe/data/mapped_genes.h"

namespace saithe {

/// Which genes a data set of several files has.
enum class GeneChoice {
  Common,  ///< those of every file
  Union    ///< those of any file; in the cells of a file that lacks one it is missing, never 0
};
template <>
struct EnumNames<GeneChoice> {
  static constexpr std::pair<GeneChoice, const char*> values[] = {{GeneChoice::Common, "common"},
                                                                  {GeneChoice::Union, "union"}};
};

struct ConcatenateOptions {
  GeneChoice genes = GeneChoice::Common;
  GeneMatchOptions matching = {};  ///< how the genes of one file are found in another

  template <typename Visitor>
  static void describe(Visitor& visit, ConcatenateOptions& options) {
    visit("genes", options.genes,
          "genes of several reference files: common (to all), union (what a file lacks is missing "
          "in its cells, not 0)");
  }
};

/// What the column `reference` calls these paths: the names without folders, or with as many as
/// tell them apart. Throws Error(InvalidArgument) if one is given twice.
std::vector<std::string> reference_names(std::span<const std::string> paths);

/// The column of obs that names the file of each of the cells of several files.
const char* reference_column(const Table& obs);

/// The cells of all data sets, in their order.
///
/// Genes are matched by a column of the one that usually names genes and any column of the other,
/// whichever pair overlaps most (match_gene_columns()); `say` is told which, where it is not the
/// names, and of genes that were added up. With matching.gene_column, that column is first made
/// each data set's gene names (rename_genes()); without, genes of one name that have no ids are
/// added up, as are those whose Ensembl ids differ by version. The result has the gene order, names
/// and ids of the data set with most genes (ties: the one whose names sort first), so that the
/// order of the data sets matters to nothing but the order of the cells. var keeps names and
/// gene_ids; obs the columns that all have, and `reference` (`reference_file` where they have
/// that), the name of the file. Barcodes stay as they are, repeated or not. A single data set is
/// otherwise returned as it is. Throws Error(BadFormat) naming the files if a gene is repeated that
/// has ids, an Ensembl id stands twice, two files share under 30 % of the smaller one's genes, or
/// no gene is common to all.
Dataset concatenate(std::vector<Dataset> datasets, const ConcatenateOptions& options,
                    const std::function<void(const std::string&)>& say = {});

/// A source with its genes called by the column that options.matching asks for, or as they are
/// called where none is asked for; genes that are the same (of one name in that column; without
/// one, of one key, gene_keys()) are added up. `say` is told of them. Throws as RenamedGenes and
/// gene_keys().
std::unique_ptr<CellSource> rename_genes(std::unique_ptr<CellSource> cells,
                                         const GeneMatchOptions& options,
                                         const std::function<void(const std::string&)>& say);

/// The same of sources that are read in blocks; nothing but obs and var is in memory.
class ConcatenatedCells final : public CellSource {
 public:
  ConcatenatedCells(std::vector<std::unique_ptr<CellSource>> parts,
                    const ConcatenateOptions& options,
                    const std::function<void(const std::string&)>& say = {});
  ~ConcatenatedCells() override;
  [[nodiscard]] const std::string& name() const override { return name_; }
  [[nodiscard]] const Table& obs() const override { return obs_; }
  [[nodiscard]] const Table& var() const override { return var_; }
  [[nodiscard]] const MeasuredGenes& measured_genes() const override { return measured_; }
  [[nodiscard]] CsrMatrix read_cells(CellIndex begin, CellIndex end,
                                     const Context& context) override;
  [[nodiscard]] std::int64_t most_stored(CellIndex begin, CellIndex end) const override;
  [[nodiscard]] bool are_values_chosen() const override;
  /// make_barcodes_distinct() of obs.
  std::int64_t make_barcodes_distinct();

 private:
  template <typename Visit>
  void for_each_part(CellIndex begin, CellIndex end, Visit visit) const;

  std::vector<std::unique_ptr<CellSource>> parts_;
  std::vector<GeneMapping> mappings_;  // of each part's genes
  std::string name_;
  Table obs_;
  Table var_;
  MeasuredGenes measured_;
};

/// Makes repeated barcodes distinct: the first stays, the others get "-1", "-2", ..., skipping what
/// is taken, as AnnData's obs_names_make_unique. Returns how many were changed.
std::int64_t make_barcodes_distinct(Table& obs);

}  // namespace saithe
