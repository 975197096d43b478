#include "saithe/classify/missing_genes.h"

#include <algorithm>

#include "saithe/classify/feature_factors.h"
#include "saithe/classify/type_misfit.h"

namespace saithe {
namespace {

using Matrix = RowMajorMatrix;
using MatrixMap = Eigen::Map<const Matrix>;
using FloatMap = Eigen::Map<Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>>;

// No gene's own variance counts as less than this share of the mean: a gene that hardly any
// training cell expresses must not, where a query does, decide all others.
constexpr double kSmallestShareOfVariance = 0.01;

/// B (genes, axes): the expected factors of a cell are its features of the genes that are there,
/// less their means, times B. Rows of missing genes are 0.
Matrix factor_weights(const FeatureFactors& features, const std::vector<bool>& is_present) {
  const double smallest = std::max(kSmallestShareOfVariance * features.residual.mean(), 1e-300);
  Matrix scaled = features.axes;  // R^-1 V of the genes that are there
  for (std::int64_t gene = 0; gene < scaled.rows(); ++gene) {
    scaled.row(gene) *=
        is_present[as_size(gene)] ? 1 / std::max(features.residual(gene), smallest) : 0;
  }
  // (all^-1 + V' R^-1 V)^-1, also where `all` has no inverse.
  const std::int64_t n_axes = scaled.cols();
  const Eigen::MatrixXd precision = features.axes.transpose() * scaled;
  const Eigen::MatrixXd posterior =
      (Eigen::MatrixXd::Identity(n_axes, n_axes) + features.all * precision)
          .partialPivLu()
          .solve(features.all);
  return scaled * posterior;
}

/// Adds to a first layer's weights on the genes that are there what the missing ones would say.
void complete_first_layer(Member& member, const Matrix& axes, const Matrix& factors,
                          const Preprocessor& preprocessor, const std::vector<bool>& is_present) {
  const std::int64_t n_units = member.shape.outputs_of(0);
  FloatMap weights(member.parameters.weights.front().data(), axes.rows(), n_units);
  Matrix of_factors = Matrix::Zero(axes.cols(), n_units);  // V' W of the missing genes
  for (std::int64_t gene = 0; gene < axes.rows(); ++gene) {
    if (is_present[as_size(gene)]) continue;
    of_factors.noalias() += axes.row(gene).transpose() * weights.row(gene).cast<double>();
  }
  const std::vector<double> center = preprocessor.center();
  Eigen::RowVectorXd at_mean = Eigen::RowVectorXd::Zero(n_units);
  for (std::int64_t gene = 0; gene < axes.rows(); ++gene) {
    if (!is_present[as_size(gene)]) continue;
    const Eigen::RowVectorXd added = factors.row(gene) * of_factors;
    weights.row(gene) += added.cast<float>();
    // The layer subtracts the shift of a gene, not its mean.
    at_mean +=
        (center[as_size(gene)] - static_cast<double>(preprocessor.shift()[as_size(gene)])) * added;
  }
  auto& biases = member.parameters.biases.front();
  for (std::size_t unit = 0; unit < biases.size(); ++unit) {
    const double away = at_mean(static_cast<std::int64_t>(unit));
    biases[unit] = static_cast<float>(static_cast<double>(biases[unit]) - away);
  }
}

/// The distributions of the coordinates of cells without the missing genes: they vary less, and
/// types come closer to each other. `whole` and `completed` are the linear first member's weights.
void narrow_novelty(NoveltyModel& novelty, const FeatureFactors& features,
                    std::span<const float> whole, std::span<const float> completed,
                    const std::vector<bool>& is_present) {
  // What every feature adds to the coordinates, and what the genes that are there do.
  const Matrix all = coordinate_weights(novelty, whole);
  Matrix present = coordinate_weights(novelty, completed);
  for (std::int64_t gene = 0; gene < present.rows(); ++gene) {
    if (!is_present[as_size(gene)]) present.row(gene).setZero();
  }
  const Matrix means = MatrixMap(novelty.means.data(), novelty.n_types, novelty.n_coordinates()) -
                       features.type_means * (features.axes.transpose() * (all - present));
  const Matrix covariance = features.covariance_of(present);
  novelty.means.assign(means.data(), means.data() + means.size());
  novelty.covariance.assign(covariance.data(), covariance.data() + covariance.size());
}

}  // namespace

std::optional<Model> with_expected_genes(const Model& model, const std::vector<bool>& is_present) {
  const bool lacks_genes =
      std::find(is_present.begin(), is_present.end(), false) != is_present.end();
  if (model.novelty.n_axes == 0 || model.novelty.n_types == 0 || !lacks_genes) return std::nullopt;
  Model result = model;
  const FeatureFactors features = feature_factors(model.novelty);
  const Matrix factors = factor_weights(features, is_present);
  for (Member& member : result.members) {
    complete_first_layer(member, features.axes, factors, model.preprocessor, is_present);
  }
  if (model.members.front().shape.hidden.empty()) {
    const auto weights_of = [](const Model& of) -> std::span<const float> {
      return of.members.front().parameters.weights.front();
    };
    narrow_novelty(result.novelty, features, weights_of(model), weights_of(result), is_present);
  }
  if (!model.novelty.misfit.empty()) {
    result.novelty.misfit =
        misfit_without_genes(model.novelty, model.preprocessor.center(), is_present);
  }
  return result;
}

}  // namespace saithe
