#include "saithe/nn/logistic_regression.h"

#include <cmath>

#include "saithe/nn/lbfgs.h"

namespace saithe {

MlpParameters fit_logistic_regression(const CsrView& features, std::span<const float> shift,
                                      std::span<const LabelIndex> labels,
                                      std::span<const CellIndex> cells,
                                      std::span<const float> weights, LabelIndex n_types,
                                      const LogisticOptions& options, kernels::Backend& backend,
                                      const Context& context) {
  std::vector<LabelIndex> own_labels;
  std::vector<float> own_weights;
  for (const CellIndex cell : cells) {
    own_labels.push_back(labels[as_size(cell)]);
    if (!weights.empty()) own_weights.push_back(weights[as_size(cell)]);
  }
  const MatrixRows rows(features);
  return fit_logistic_regression(RowSelection(rows, cells), shift, own_labels, own_weights, n_types,
                                 options, backend, context);
}

MlpParameters fit_logistic_regression(const RowSelection& features, std::span<const float> shift,
                                      std::span<const LabelIndex> labels,
                                      std::span<const float> weights, LabelIndex n_types,
                                      const LogisticOptions& options, kernels::Backend& backend,
                                      const Context& context) {
  if (!(options.c > 0) || !std::isfinite(options.c)) {
    fail(ErrorKind::InvalidArgument, "linear-c: {} is not above 0", options.c);
  }
  const auto loss =
      backend.make_logistic_loss({features, shift, labels, weights, n_types, options.c}, context);
  std::vector<double> x(loss->n_parameters());
  minimize_lbfgs(
      [&](std::span<const double> at, std::span<double> gradient) { return (*loss)(at, gradient); },
      x, {options.max_iterations, options.tolerance}, context);
  const auto first_bias = static_cast<std::ptrdiff_t>(x.size() - as_size(n_types));
  MlpParameters parameters;
  parameters.weights.emplace_back(x.begin(), x.begin() + first_bias);
  parameters.biases.emplace_back(x.begin() + first_bias, x.end());
  return parameters;
}

}  // namespace saithe
