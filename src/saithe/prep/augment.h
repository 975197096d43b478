#pragma once

// Training cells changed a little in every epoch, so that a network learns types and not cells:
// counts thinned as by a shallower sequencing, and genes left out.

#include <cstdint>
#include <span>
#include <vector>

#include "saithe/core/context.h"
#include "saithe/core/options.h"
#include "saithe/matrix/csr_matrix.h"
#include "saithe/prep/input_cells.h"

namespace saithe {

/// How much is changed; all 0: nothing.
struct AugmentOptions {
  double input_mask = 0;      ///< share of the expressed genes left out of each cell
  double thin_share = 0;      ///< share of the cells whose counts are thinned
  double thin_minimum = 0.3;  ///< a thinned cell keeps a share of its counts between this and 1

  template <typename Visitor>
  static void describe(Visitor& visit, AugmentOptions& options) {
    visit("input-mask", options.input_mask,
          "share of its expressed genes that a training cell lacks in an epoch");
    visit("thin-share", options.thin_share,
          "share of the training cells whose counts are thinned in an epoch");
    visit("thin-minimum", options.thin_minimum,
          "smallest share of its counts that a thinned cell keeps");
  }
  template <typename Visitor>
  static void needs(Visitor& need, const AugmentOptions& options) {
    need({"thin-minimum"}, options.thin_share > 0, "with --thin-share 0");
  }
};

class CellDraws;

/// Makes the features of an epoch.
class Augmenter {
 public:
  /// The cells are borrowed. Throws Error(InvalidArgument) unless 0 <= input_mask < 1,
  /// 0 <= thin_share <= 1 and 0 < thin_minimum <= 1, or if scaled genes are to be changed.
  Augmenter(const InputCells& cells, const AugmentOptions& options, const Context& context);

  /// Features of `cells` in an epoch, rows in their order. A cell is thinned with probability
  /// thin_share: each of its molecules stays with probability p, uniform in [thin_minimum, 1],
  /// and it is normalised by its new total. Then each expressed gene is left out with probability
  /// input_mask and the others are divided by 1 - input_mask. Counts above 64 are thinned by the
  /// normal approximation. Log-normalised values are never thinned. Genes that were not measured
  /// in a cell have their mean, thinned or not, and are never left out. The draws depend on (seed,
  /// epoch, cell) alone.
  [[nodiscard]] CsrMatrix features_of_epoch(std::span<const CellIndex> cells, std::uint64_t seed,
                                            int epoch) const;
  /// Whether anything is changed at all.
  [[nodiscard]] bool changes_anything() const;

 private:
  struct RowWriter;
  void thin(CellIndex cell, std::span<const GeneIndex> genes, std::span<const float> counts,
            CellDraws& draws, RowWriter& out) const;
  AugmentOptions options_;
  Context context_;
  const InputCells& cells_;
  bool holds_counts_;
};

}  // namespace saithe
