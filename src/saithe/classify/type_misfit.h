#pragma once

// How badly all features of a cell, not only those that the axes see, look like its likest type.

#include <cstdint>
#include <span>
#include <vector>

#include "saithe/classify/novelty.h"
#include "saithe/core/context.h"
#include "saithe/matrix/csr_matrix.h"
#include "saithe/matrix/dense_matrix.h"

namespace saithe {

/// The mean features of each type as the axes keep them, on the inputs that a query has.
struct TypeProfiles {
  std::vector<double> scores;     ///< (T, A) of each type's mean cell, of all inputs
  std::vector<double> of_center;  ///< (A): what the axes make of the training means
  std::vector<double> norms;      ///< (T): lengths; 0 for a type without training cells
};

/// Columns of what feature_sums() gives.
enum FeatureSum : std::uint8_t {
  kSumOfSquares,
  kExpressedInputs,  ///< features other than 0
  kProductWithMean,  ///< with the training means
  kFeatureSums       ///< number of columns
};

/// Three sums over the features of each cell, (cells, kFeatureSums). `center`: the training means.
DenseMatrix feature_sums(const CsrView& features, std::span<const double> center,
                         const Context& context);

/// Profiles of a model's types, of its distributions on all inputs. `is_present`: which inputs the
/// query has; empty: all.
TypeProfiles make_type_profiles(const NoveltyModel& novelty, std::span<const double> center,
                                const std::vector<bool>& is_present = {});

/// Fits NoveltyModel::misfit to training cells, rows of their scores and sums: the least squares
/// line of 1 - the highest cosine between a cell's features and a profile, on the logarithm of its
/// expressed inputs. Of cells that lack inputs both are brought to what they were with all,
/// the opposite of misfit_without_genes().
void fit_misfit(NoveltyModel& novelty, std::span<const CellsWithInputs> training,
                std::span<const double> center, DenseView scores, DenseView sums);

/// By how many standard deviations each cell's misfit lies above that line. Empty for a model
/// without NoveltyModel::misfit.
std::vector<double> standard_misfits(const NoveltyModel& novelty, const TypeProfiles& profiles,
                                     DenseView scores, DenseView sums, const Context& context);

/// The line for cells that have only the inputs `is_present`: fewer are expressed, and each type's
/// mean cell, with its features' variances, has another cosine. `whole`: the model of all inputs.
std::vector<double> misfit_without_genes(const NoveltyModel& whole, std::span<const double> center,
                                         const std::vector<bool>& is_present);

}  // namespace saithe
