#include "saithe/classify/ensemble.h"

#include <algorithm>
#include <cmath>

#include "saithe/classify/calibration.h"
#include "saithe/classify/type_misfit.h"

namespace saithe {
namespace {

/// 1 / (1 + e^-x) of every logit.
DenseMatrix sigmoid(DenseView logits) {
  DenseMatrix result(logits.n_rows, logits.n_cols);
  for (std::int64_t r = 0; r < logits.n_rows; ++r) {
    const auto source = logits.row(r);
    const auto target = result.row(r);
    for (std::size_t t = 0; t < source.size(); ++t) {
      target[t] = static_cast<float>(1 / (1 + std::exp(-static_cast<double>(source[t]))));
    }
  }
  return result;
}

/// Scores on a model's axes about its mean cell, as a linear layer.
std::unique_ptr<Mlp> make_axes(const Model& model, std::span<const float> shift,
                               kernels::Backend& backend) {
  const auto n_axes = as_size(model.novelty.n_axes);
  if (n_axes == 0) return nullptr;
  const Preprocessor& preprocessor = model.preprocessor;
  MlpParameters parameters;
  parameters.weights.push_back(model.novelty.axes);
  std::vector<double> at_mean(n_axes);
  // Scaled features are centred by `shift`.
  for (std::size_t gene = 0; !preprocessor.options().scale && gene < shift.size(); ++gene) {
    for (std::size_t axis = 0; axis < n_axes; ++axis) {
      at_mean[axis] -=
          preprocessor.mean()[gene] * static_cast<double>(model.novelty.axes[gene * n_axes + axis]);
    }
  }
  parameters.biases.emplace_back(at_mean.begin(), at_mean.end());
  MlpShape shape;
  shape.n_inputs = static_cast<std::int64_t>(shift.size());
  shape.n_outputs = static_cast<int>(n_axes);
  return std::make_unique<Mlp>(shape, parameters, shift, backend);
}

void add_scaled(const DenseMatrix& from, double share, DenseMatrix& to) {
  const auto factor = static_cast<float>(share);
  const std::int64_t n = from.n_rows() * from.n_cols();
  for (std::int64_t i = 0; i < n; ++i) to.data()[i] += factor * from.data()[i];
}

}  // namespace

const Member& Model::network() const {
  for (const Member& member : members) {
    if (!member.shape.hidden.empty()) return member;
  }
  return members.front();
}

std::int64_t Model::n_parameters() const {
  std::int64_t n = 0;
  for (const Member& member : members) n += member.shape.n_parameters();
  return n;
}

Ensemble::Ensemble(const Model& model, std::span<const float> shift, kernels::Backend& backend)
    : model_(model) {
  SAITHE_ASSERT(!model.members.empty());
  const Member& first = model.members.front();
  const bool is_linear = model.members.size() == 1 && first.shape.hidden.empty();
  if (model.output == OutputKind::OneVsRest && is_linear && model.novelty.n_axes == 0) {
    decisions_ = std::make_unique<LinearDecisions>(first, model.preprocessor, shift);
    unscaled_ = model.preprocessor.unscaled();
    return;
  }
  for (const Member& member : model.members) {
    if (&member == &model.network()) network_ = members_.size();
    members_.push_back(std::make_unique<Mlp>(member.shape, member.parameters, shift, backend));
  }
  axes_ = make_axes(model, shift, backend);
}

bool Ensemble::has_hidden() const {
  return model_.has_hidden_layer();
}

EnsembleOutput Ensemble::forward(const CsrView& features, bool with_hidden,
                                 const Context& context) const {
  EnsembleOutput output;
  if (axes_ != nullptr) {
    output.scores = axes_->forward(features, false, context).logits;
    output.sums = feature_sums(features, model_.preprocessor.center(), context);
  }
  if (decisions_ != nullptr) {
    output.logits = decisions_->of(features, context);
    output.probabilities = sigmoid(output.logits.view());
    return output;
  }
  for (std::size_t i = 0; i < members_.size(); ++i) {
    const bool looks_inside = with_hidden && i == network_;
    Activations activations = members_[i]->forward(features, looks_inside, context);
    if (looks_inside) output.hidden = std::move(activations.hidden);
    DenseMatrix probabilities = model_.output == OutputKind::Softmax
                                    ? softmax(activations.logits.view())
                                    : sigmoid(activations.logits.view());
    if (i == 0) {
      output.logits = std::move(activations.logits);
      output.probabilities = DenseMatrix(probabilities.n_rows(), probabilities.n_cols());
    }
    add_scaled(probabilities, model_.members[i].share, output.probabilities);
  }
  if (model_.output == OutputKind::Softmax) {
    apply_calibration(output.probabilities, model_.calibration);
  }
  return output;
}

}  // namespace saithe
