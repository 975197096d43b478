#pragma once

// How far a cell lies from every type that a model knows: what makes a cell unassigned.

#include <cstdint>
#include <span>
#include <vector>

#include "saithe/data/label_set.h"
#include "saithe/matrix/dense_matrix.h"

namespace saithe {

/// Squared Mahalanobis distance of a cell's logits to the nearest type's mean, all types sharing
/// one covariance (Lee et al. 2018, arXiv:1807.03888, on the logits of the first member).
struct NoveltyModel {
  std::int64_t n_types = 0;       ///< 0: the model has no novelty score
  std::vector<double> means;      ///< (types, types): row k is the mean logits of type k
  std::vector<double> precision;  ///< (types, types): inverse covariance within types
  /// Quantiles 0, 1/1000, ..., 1 of the distances of held-out cells of known types, ascending.
  /// Empty where no cell was held out: then nothing is rejected.
  std::vector<double> held_out_quantiles;

  bool operator==(const NoveltyModel&) const = default;
};

/// Number of entries of NoveltyModel::held_out_quantiles.
inline constexpr std::size_t kNoveltyQuantiles = 1001;

/// Means and covariance of the training cells' logits. A tenth of the covariance is replaced by its
/// mean variance on the diagonal. `cells` are rows of `logits` (n, T) and indices of `labels`.
NoveltyModel fit_novelty(DenseView logits, std::span<const LabelIndex> labels,
                         std::span<const CellIndex> cells);

/// The distance of each row of logits (n, T).
std::vector<double> novelty_distances(const NoveltyModel& novelty, DenseView logits);

/// Quantiles of distances of held-out cells, for held_out_quantiles.
std::vector<double> distance_quantiles(std::vector<double> distances);

/// The distance above which a share `false_reject_rate` of the held-out cells lay. Infinite without
/// held-out cells. Throws Error(InvalidArgument) unless the rate is from 0 to below 1.
double novelty_threshold(const NoveltyModel& novelty, double false_reject_rate);

}  // namespace saithe
