#pragma once

// What a novelty score knows of the features of training cells: normal about each type's mean, with
// a few factors in common. It tells how coordinates of a cell vary that are sums of any of its
// features.

#include <Eigen/Dense>
#include <span>

#include "saithe/classify/novelty.h"
#include "saithe/classify/type_sums.h"

namespace saithe {

using RowMajorMatrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// The features of type t are normal with the mean center + V m_t and the covariance V C V' + R.
struct FeatureFactors {
  RowMajorMatrix axes;        ///< V (inputs, axes)
  RowMajorMatrix type_means;  ///< m (types, axes)
  Eigen::VectorXd residual;   ///< R (inputs): what the axes leave of each feature's variance
  Eigen::MatrixXd within;     ///< C (axes, axes)
  Eigen::MatrixXd all;        ///< (axes, axes): C and the covariance of the types' means

  /// The covariance within types of sums of features, whose weights are the columns of `weights`
  /// (inputs, sums).
  [[nodiscard]] RowMajorMatrix covariance_of(const RowMajorMatrix& weights) const;
};

/// The factors of a fitted novelty score.
FeatureFactors feature_factors(const NoveltyModel& novelty);

/// V and a linear member's weights (inputs, types) side by side: what every feature adds to the
/// coordinates of a cell.
RowMajorMatrix coordinate_weights(const NoveltyModel& novelty, std::span<const float> weights);

/// Takes the covariance of the coordinates from the factors, where the first member is linear with
/// these weights. That of the training cells' own logits is too small: they were fitted to them.
void take_factor_covariance(NoveltyModel& novelty, std::span<const float> weights);

/// The mean features of each type as complete cells have them, (types, inputs): each feature's over
/// the cells in which it was measured, and what the axes let expect of the others where none of a
/// type's has it; `center` for a type without cells.
RowMajorMatrix fit_type_means(const NoveltyModel& novelty, const FeatureSumsOfTypes& sums,
                              std::span<const double> center);

/// The part of fit_novelty() that is about scores, of training cells that lack inputs, whose scores
/// have these at their means; type_means as fit_type_means() gives them. The covariance is that of
/// least squares over the groups. Means and covariances of logits are left at 0. Labels are of all
/// rows of `scores`.
void fit_scores_of_groups(NoveltyModel& novelty, const RowMajorMatrix& type_means,
                          std::span<const double> center, DenseView scores,
                          std::span<const LabelIndex> labels,
                          std::span<const CellsWithInputs> groups);

}  // namespace saithe
