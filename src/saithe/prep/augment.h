#pragma once

// Training cells changed a little in every epoch, so that a network learns types and not cells:
// counts thinned as by a shallower sequencing, and genes left out.

#include <cstdint>
#include <span>
#include <vector>

#include "saithe/core/context.h"
#include "saithe/core/options.h"
#include "saithe/matrix/csr_matrix.h"
#include "saithe/prep/preprocessor.h"

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
};

/// Makes the features of an epoch.
class Augmenter {
 public:
  /// `values` are cells x genes of the reference, of the preprocessor's kind. The preprocessor is
  /// borrowed. Throws
  /// Error(InvalidArgument) unless 0 <= input_mask < 1, 0 <= thin_share <= 1 and
  /// 0 < thin_minimum <= 1, or if scaled genes are to be changed.
  Augmenter(const CsrView& values, const Preprocessor& preprocessor, const AugmentOptions& options,
            const Context& context, const MeasuredGenes& measured = {});

  /// Features of `cells` in an epoch; all other rows are empty. A cell is thinned with probability
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
  AugmentOptions options_;
  Context context_;
  const Preprocessor& preprocessor_;
  MeasuredGenes measured_;
  std::vector<double> target_sums_;  // of the sources
  bool holds_counts_;
  CsrMatrix inputs_;            // the values of the inputs
  CsrMatrix features_;          // what they are unchanged, of measured genes
  std::vector<double> totals_;  // of each cell, over all genes
};

}  // namespace saithe
