#pragma once

// Labelled counts of a PBMC-like mixture, drawn from a stated model (docs/methods_simulate.md).

#include <cstdint>
#include <memory>

#include "saithe/core/context.h"
#include "saithe/core/options.h"
#include "saithe/data/cell_source.h"

namespace saithe {

/// What to draw.
struct SimulateOptions {
  std::int64_t n_cells = 2700;
  int n_genes = 20000;
  int n_types = 8;  ///< up to 8 at PBMC3K's proportions; more are drawn beside them
  int n_donors = 1;
  double donor_effect = 0.2;  ///< sd of a donor's log shift of each gene
  double label_noise = 0;     ///< share of cells that carry a wrong label
  double poor_cells = 0.02;   ///< share of damaged cells: few counts, many mitochondrial
  /// Mean number of expressed genes of a good cell; 0: 850, or half of the genes if these are
  /// fewer.
  int stored_per_cell = 0;

  template <typename Visitor>
  static void describe(Visitor& visit, SimulateOptions& options) {
    visit("cells", options.n_cells, "number of cells");
    visit("genes", options.n_genes, "number of genes");
    visit("types", options.n_types, "number of cell types");
    visit("donors", options.n_donors, "number of donors");
    visit("donor-effect", options.donor_effect, "standard deviation of a donor's log shift");
    visit("label-noise", options.label_noise, "share of cells with a wrong label");
    visit("poor-cells", options.poor_cells, "share of damaged cells");
    visit("stored-per-cell", options.stored_per_cell,
          "mean number of expressed genes of a cell (0: 850, at most half of the genes)");
  }
};

/// Cells that are drawn when they are read: obs has cell_type, true_cell_type, donor, is_poor.
/// Any block gives the same cells, whatever the borders. Throws Error(InvalidArgument).
class SimulatedCells {
 public:
  SimulatedCells(const SimulateOptions& options, const Context& context);
  ~SimulatedCells();
  [[nodiscard]] const Table& var() const;
  /// Draws the cells [begin, end) with their obs rows.
  [[nodiscard]] Dataset draw(CellIndex begin, CellIndex end, const Context& context) const;

 private:
  struct Recipe;
  std::unique_ptr<Recipe> recipe_;
};

}  // namespace saithe
