#pragma once

// Where cells come from: a file read in blocks, or memory. One virtual call per block, never per
// value.

#include <filesystem>
#include <string>

#include "saithe/core/context.h"
#include "saithe/data/measured_genes.h"
#include "saithe/data/table.h"
#include "saithe/matrix/csr_matrix.h"
#include "saithe/matrix/row_source.h"

namespace saithe {

/// Counts of cells x genes with obs and var, read block by block.
///
/// var().index() holds the gene names in use (symbols or ids); var() may have a column "gene_ids".
class CellSource {
 public:
  virtual ~CellSource() = default;
  /// What messages call this source: the path of the file.
  [[nodiscard]] virtual const std::string& name() const = 0;
  [[nodiscard]] virtual const Table& obs() const = 0;
  [[nodiscard]] virtual const Table& var() const = 0;
  /// Which genes each cell has; complete, unless the cells are of several files.
  [[nodiscard]] virtual const MeasuredGenes& measured_genes() const;
  /// Whether the file stores booleans, which are read as 0 and 1.
  [[nodiscard]] virtual bool holds_booleans() const { return false; }
  /// Whether opening it told what its values are: it chose them among the matrices of a file.
  [[nodiscard]] virtual bool are_values_chosen() const { return false; }
  /// Cells [begin, end) x all genes, validated. Throws Error(BadFormat) on a damaged file.
  [[nodiscard]] virtual CsrMatrix read_cells(CellIndex begin, CellIndex end,
                                             const Context& context) = 0;
  /// At most how many values the cells [begin, end) have; nothing is read to tell it. All genes of
  /// each, where the source does not know better.
  [[nodiscard]] virtual std::int64_t most_stored(CellIndex begin, CellIndex end) const;
  /// The end of the block to be read from cell `begin` on: `most_cells` cells, fewer where they may
  /// have more values than a block may (most_block_values()), one at least.
  [[nodiscard]] CellIndex block_end(CellIndex begin, CellIndex most_cells,
                                    const Context& context) const;

  [[nodiscard]] CellIndex n_cells() const { return obs().n_rows(); }
  [[nodiscard]] GeneIndex n_genes() const { return static_cast<GeneIndex>(var().n_rows()); }
};

/// All of it in memory.
class Dataset : public CellSource {
 public:
  Dataset() = default;
  Dataset(std::string name, CsrMatrix matrix, Table obs, Table var)
      : counts(std::move(matrix)),
        name_(std::move(name)),
        obs_(std::move(obs)),
        var_(std::move(var)) {}

  [[nodiscard]] const std::string& name() const override { return name_; }
  [[nodiscard]] const Table& obs() const override { return obs_; }
  [[nodiscard]] const Table& var() const override { return var_; }
  [[nodiscard]] Table& obs() { return obs_; }
  [[nodiscard]] Table& var() { return var_; }
  [[nodiscard]] CsrMatrix read_cells(CellIndex begin, CellIndex end,
                                     const Context& context) override;
  [[nodiscard]] std::int64_t most_stored(CellIndex begin, CellIndex end) const override;

  [[nodiscard]] const MeasuredGenes& measured_genes() const override { return measured; }

  CsrMatrix counts;
  MeasuredGenes measured;  ///< complete, unless the cells are of several files

 private:
  std::string name_;
  Table obs_;
  Table var_;
};

/// The cells `cells` of a data set, in that order.
Dataset select_cells(const Dataset& dataset, std::span<const CellIndex> cells);
/// The genes `genes` of a data set, in that order.
Dataset select_genes(const Dataset& dataset, std::span<const GeneIndex> genes);

/// Throws Error(BadFormat) naming cell and gene at the first value that is negative, not finite,
/// or, with `whole_numbers`, not an integer.
void require_counts(const CellSource& source, const CsrView& counts, CellIndex first_cell,
                    bool whole_numbers, const Context& context);

}  // namespace saithe
