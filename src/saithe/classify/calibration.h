#pragma once

// Probabilities that mean what they say: fitted on cells that were not trained on.

#include <span>
#include <string>
#include <vector>

#include "saithe/data/label_set.h"
#include "saithe/matrix/dense_matrix.h"

namespace saithe {

/// What makes a model's probabilities calibrated ones.
struct Calibration {
  double temperature = 1;
  /// (T): what is added to each type's log probability. Empty: nothing. A model whose types weigh
  /// alike in training takes rare ones for as likely as common ones; where types overlap this
  /// gives their shares back.
  std::vector<double> type_offsets;

  bool operator==(const Calibration&) const = default;
};

/// "temperature 0.950", and by how much the odds of the type of the lowest offset are lowered
/// beside that of the highest.
std::string describe(const Calibration& calibration);

/// p^(1/T) e^offset of each probability, every row scaled to a sum of 1; a row of zeros stays. In
/// place. Without offsets it is Guo et al. 2017, arXiv:1706.04599, whose logits / T this is for a
/// softmax.
void apply_calibration(DenseMatrix& probabilities, const Calibration& calibration);

/// Mean -ln of the true type's probability at a temperature (cut at 2^-52).
double nll_at_temperature(DenseView probabilities, std::span<const LabelIndex> labels,
                          std::span<const CellIndex> cells, double temperature);

/// The temperature, in [0.5, 10], of least NLL over the rows `cells`.
double fit_temperature(DenseView probabilities, std::span<const LabelIndex> labels,
                       std::span<const CellIndex> cells);

/// The fitted temperature if it helps cells that it was not fitted on (each half of the cells
/// judged by the other half's temperature) by more than chance: a mean gain in NLL of two standard
/// errors or more. Otherwise 1.
double choose_temperature(DenseView probabilities, std::span<const LabelIndex> labels,
                          std::span<const CellIndex> cells);

/// The temperature and the strength, in [0, `most`], of least NLL together: offsets are strength x
/// ln `type_shares` (T).
Calibration fit_calibration(DenseView probabilities, std::span<const LabelIndex> labels,
                            std::span<const CellIndex> cells, std::span<const double> type_shares,
                            double most);

/// fit_calibration() where it helps cells that it was not fitted on more than choose_temperature(),
/// by the same rule; otherwise the latter alone. `type_shares`: each type's share of the training
/// cells, above 0; `most`: the power of them by which cells weighed less in training (0: none).
/// Types that no cell has are left out of the fit: they could only be found less likely the better.
Calibration choose_calibration(DenseView probabilities, std::span<const LabelIndex> labels,
                               std::span<const CellIndex> cells,
                               std::span<const double> type_shares, double most);

}  // namespace saithe
