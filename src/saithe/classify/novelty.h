#pragma once

// How much liker a cell is to an unseen type than to those that a model knows: what makes a cell
// unassigned.

#include <cstdint>
#include <span>
#include <vector>

#include "saithe/core/aligned_vector.h"
#include "saithe/core/context.h"
#include "saithe/data/label_set.h"
#include "saithe/matrix/dense_matrix.h"
#include "saithe/matrix/row_source.h"
#include "saithe/prep/input_cells.h"

namespace saithe {

/// What cells of an unseen type are expected to be like. Chosen inside the training cells
/// (docs/methods_training.md, "Unassigned").
struct UnseenTypeShape {
  /// The covariance between types is that of the T known ones, with T - 1 degrees of freedom, and
  /// as if so many more had been seen that differ in every direction alike.
  double degrees = 2;
  /// By how many standard deviations its cells fit worse.
  double misfit = 1.5;

  bool operator==(const UnseenTypeShape&) const = default;
};

/// The training cells as a mixture of one normal distribution for each type, all with one
/// covariance, over S coordinates of a cell: its scores on A principal axes of the features, which
/// see what no known type differs by, then the T logits of the first member.
struct NoveltyModel {
  std::int64_t n_types = 0;              ///< T; 0: the model has no novelty score
  std::int64_t n_axes = 0;               ///< A
  AlignedVector<float> axes;             ///< (inputs, A): unit vectors as columns
  std::vector<double> type_shares;       ///< (T): share of the training cells
  std::vector<double> means;             ///< (T, S): mean coordinates of each type's training cells
  std::vector<double> covariance;        ///< (S, S): within types
  std::vector<double> feature_variance;  ///< (inputs): of each feature, within types
  /// Intercept, slope and standard deviation of training cells' misfits (type_misfit.h) on the
  /// logarithm of their expressed inputs. Empty: a model whose novelty is the distance alone.
  std::vector<double> misfit;
  UnseenTypeShape unseen_type;
  /// Quantiles 0, 1/1000, ..., 1 of the distances of held-out cells of known types, ascending.
  /// Empty where no cell was held out: then nothing is rejected.
  std::vector<double> held_out_quantiles;

  /// S.
  [[nodiscard]] std::int64_t n_coordinates() const { return n_axes + n_types; }
  /// The mean logits of a type's training cells; all 0 where it had none.
  [[nodiscard]] std::span<const double> mean_logits(LabelIndex type) const;

  bool operator==(const NoveltyModel&) const = default;
};

/// Principal axes of a model's novelty score.
inline constexpr int kNoveltyAxes = 15;
/// Number of entries of NoveltyModel::held_out_quantiles.
inline constexpr std::size_t kNoveltyQuantiles = 1001;

/// The axes of a novelty score and the variance of the features: from the rows `drawn` of features
/// (cells, inputs) whose mean is about `center`; labels[i] is of row i. What was not measured in a
/// cell has that mean, and does not count in the variance. The features are read twice, block by
/// block.
void fit_novelty_axes(NoveltyModel& novelty, const RowSource& features,
                      std::span<const CellsWithInputs> drawn, std::span<const LabelIndex> labels,
                      std::span<const double> center, const Context& context);

/// The rest but the quantiles, from the training cells `cells`: rows of their scores on these axes
/// and of the first member's logits, and indices of `labels`.
void fit_novelty(NoveltyModel& novelty, DenseView scores, DenseView logits,
                 std::span<const LabelIndex> labels, std::span<const CellIndex> cells);

/// -2 ln sum_t share_t exp(-d_t / 2) of each cell, d_t its squared Mahalanobis distance to type t,
/// with a tenth of the covariance beside its diagonal left out: at least 0, about the distance to
/// the nearest type, less what its share makes it likely. Throws Error(Numerical) if the covariance
/// is none.
///
/// A model with NoveltyModel::misfit weighs that distance against an unseen type: S + distance -
/// its squared distance from where types lie, as a normal distribution whose covariance between
/// types is the known ones' shrunken towards that within types, + 4 times `misfits`, the cells'
/// standardised ones; of the sum x then 2 ln(1 + exp(x / 2)), which is above 0.
std::vector<double> novelty_distances(const NoveltyModel& novelty, DenseView scores,
                                      DenseView logits, std::span<const double> misfits,
                                      const Context& context);

/// Whether distances can be taken: the covariance is one.
bool has_usable_covariance(const NoveltyModel& novelty);

/// Quantiles of distances of held-out cells, for held_out_quantiles.
std::vector<double> distance_quantiles(std::vector<double> distances);

/// The distance above which a share `false_reject_rate` of the held-out cells lay. Infinite without
/// held-out cells. Throws Error(InvalidArgument) unless the rate is from 0 to below 1.
double novelty_threshold(const NoveltyModel& novelty, double false_reject_rate);

}  // namespace saithe
