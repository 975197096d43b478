#include "saithe/classify/attribution.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace saithe {
namespace {

// What the integral may miss of the contrast's difference, which counts as this much at the least.
constexpr double kTolerance = 0.005;
constexpr double kSmallestDifference = 0.1;
// Halvings of a step that a kink lies in, and the share of the path below which a step may miss as
// much as one of this length.
constexpr int kMostHalvings = 16;
constexpr double kSmallestShare = 1.0 / 512;

void add_scaled(std::span<double> sum, double factor, std::span<const double> values) {
  for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += factor * values[i];
}

void add_scaled(std::span<double> sum, double factor, const float* values) {
  for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += factor * static_cast<double>(values[i]);
}

double dot(std::span<const double> a, std::span<const double> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

/// Eight sums side by side, so that a compiler may use vectors; one fixed order nevertheless.
double dot(const float* a, std::span<const double> b) {
  constexpr std::size_t kLanes = 8;
  std::array<double, kLanes> sums{};
  std::size_t i = 0;
  for (; i + kLanes <= b.size(); i += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      sums[lane] += static_cast<double>(a[i + lane]) * b[i + lane];
    }
  }
  double sum = 0;
  for (; i < b.size(); ++i) sum += static_cast<double>(a[i]) * b[i];
  for (const double lane : sums) sum += lane;
  return sum;
}

/// A weight (outputs, inputs) both ways round, because each pass runs along its own rows.
struct DenseLayer {
  std::size_t n_in = 0;
  std::size_t n_out = 0;
  std::vector<double> by_output;
  std::vector<double> by_input;
  std::vector<double> bias;

  DenseLayer(const MlpShape& shape, const MlpParameters& parameters, int layer)
      : n_in(as_size(shape.inputs_of(layer))),
        n_out(as_size(shape.outputs_of(layer))),
        by_output(parameters.weights[as_size(layer)].begin(),
                  parameters.weights[as_size(layer)].end()),
        by_input(by_output.size()),
        bias(parameters.biases[as_size(layer)].begin(), parameters.biases[as_size(layer)].end()) {
    for (std::size_t o = 0; o < n_out; ++o) {
      for (std::size_t i = 0; i < n_in; ++i) by_input[i * n_out + o] = by_output[o * n_in + i];
    }
  }
};

/// Buffers of one pass, kept for the next.
struct Passing {
  std::vector<std::vector<double>> active;      // after the ReLU of each hidden layer
  std::vector<std::vector<double>> normalized;  // before gain and bias
  std::vector<double> inverse_sd;
  std::vector<double> output;
  std::vector<double> gradient;
};

/// All of a member above the first layer's sums u.
class UpperLayers {
 public:
  explicit UpperLayers(const Member& member) : has_norm_(member.shape.layer_norm) {
    for (int layer = 1; layer < member.shape.n_layers(); ++layer) {
      layers_.emplace_back(member.shape, member.parameters, layer);
    }
    for (std::size_t i = 0; i < member.parameters.norm_gains.size(); ++i) {
      const auto& gain = member.parameters.norm_gains[i];
      const auto& bias = member.parameters.norm_biases[i];
      gains_.emplace_back(gain.begin(), gain.end());
      norm_biases_.emplace_back(bias.begin(), bias.end());
    }
  }

  [[nodiscard]] bool is_linear() const { return layers_.empty(); }

  /// The contrast of the logits at u; fills `passing` for gradient().
  double value(std::span<const double> u, std::span<const double> contrast,
               Passing& passing) const {
    passing.output.assign(u.begin(), u.end());
    passing.active.resize(layers_.size());
    passing.normalized.resize(layers_.size());
    passing.inverse_sd.resize(layers_.size());
    for (std::size_t l = 0; l < layers_.size(); ++l) {
      std::vector<double>& active = passing.active[l];
      active = passing.output;
      if (has_norm_) normalize(l, active, passing);
      for (double& a : active) a = std::max(a, 0.0);
      passing.output = layers_[l].bias;
      for (std::size_t i = 0; i < active.size(); ++i) {
        if (active[i] == 0) continue;
        add_scaled(passing.output, active[i],
                   std::span(layers_[l].by_input).subspan(i * layers_[l].n_out, layers_[l].n_out));
      }
    }
    return dot(passing.output, contrast);
  }

  /// The contrast's derivative by u, after value().
  std::span<const double> gradient(std::span<const double> contrast, Passing& passing) const {
    passing.gradient.assign(contrast.begin(), contrast.end());
    std::vector<double> below;
    for (std::size_t l = layers_.size(); l-- > 0;) {
      const DenseLayer& layer = layers_[l];
      below.assign(layer.n_in, 0.0);
      for (std::size_t o = 0; o < layer.n_out; ++o) {
        add_scaled(below, passing.gradient[o],
                   std::span(layer.by_output).subspan(o * layer.n_in, layer.n_in));
      }
      for (std::size_t i = 0; i < layer.n_in; ++i) {
        if (passing.active[l][i] <= 0) below[i] = 0;
      }
      if (has_norm_) normalize_backward(l, below, passing);
      passing.gradient.swap(below);
    }
    return passing.gradient;
  }

 private:
  void normalize(std::size_t l, std::vector<double>& y, Passing& passing) const {
    const auto n = static_cast<double>(y.size());
    double mean = 0;
    for (const double value : y) mean += value;
    mean /= n;
    double variance = 0;
    for (const double value : y) variance += (value - mean) * (value - mean);
    const double inverse_sd = 1 / std::sqrt(variance / n + kernels::kNormEpsilon);
    passing.inverse_sd[l] = inverse_sd;
    passing.normalized[l].resize(y.size());
    for (std::size_t i = 0; i < y.size(); ++i) {
      passing.normalized[l][i] = (y[i] - mean) * inverse_sd;
      y[i] = gains_[l][i] * passing.normalized[l][i] + norm_biases_[l][i];
    }
  }

  void normalize_backward(std::size_t l, std::vector<double>& dy, const Passing& passing) const {
    const auto n = static_cast<double>(dy.size());
    const std::vector<double>& normalized = passing.normalized[l];
    double mean = 0;
    double along = 0;
    for (std::size_t i = 0; i < dy.size(); ++i) {
      dy[i] *= gains_[l][i];
      mean += dy[i] / n;
      along += dy[i] * normalized[i] / n;
    }
    for (std::size_t i = 0; i < dy.size(); ++i) {
      dy[i] = passing.inverse_sd[l] * (dy[i] - mean - normalized[i] * along);
    }
  }

  bool has_norm_;
  std::vector<DenseLayer> layers_;
  std::vector<std::vector<double>> gains_;
  std::vector<std::vector<double>> norm_biases_;
};

/// A member and what of its first layer does not depend on the cell.
struct AttributedMember {
  const float* weights;  // (genes, units)
  std::size_t n_units;
  double share;  // what its logits count in the mean
  UpperLayers upper;
  std::vector<double> cell_base;             // first layer's sums of a cell without values
  std::vector<std::vector<double>> sums_of;  // of each background

  AttributedMember(const Member& member, const Background& background, std::span<const float> shift)
      : weights(member.parameters.weights.front().data()),
        n_units(as_size(member.shape.outputs_of(0))),
        share(member.share),
        upper(member),
        cell_base(member.parameters.biases.front().begin(),
                  member.parameters.biases.front().end()) {
    std::vector<double> background_base = cell_base;
    for (std::size_t gene = 0; gene < shift.size(); ++gene) {
      add_scaled(cell_base, -static_cast<double>(shift[gene]), row(gene));
      add_scaled(background_base, static_cast<double>(background.offset[gene]), row(gene));
    }
    const CsrView values = background.values.view();
    for (CellIndex b = 0; b < values.n_rows; ++b) {
      sums_of.push_back(sums(background_base, {values.row_columns(b), values.row_values(b)}));
    }
  }

  [[nodiscard]] const float* row(std::size_t gene) const { return weights + gene * n_units; }

  [[nodiscard]] std::vector<double> sums(const std::vector<double>& base,
                                         const CellFeatures& cell) const {
    std::vector<double> u = base;
    for (std::size_t i = 0; i < cell.genes.size(); ++i) {
      add_scaled(u, static_cast<double>(cell.values[i]), row(as_size(cell.genes[i])));
    }
    return u;
  }

  /// The mean gradient by u on the straight path between two u, at the middles of `n_steps` equal
  /// steps; of ever shorter ones where it bends, if its product with the way differs from the
  /// contrast's difference by more than `allowed`. The attributions of the genes add up to this
  /// product, because the first layer is linear.
  void integrate(std::span<const double> from, std::span<const double> to,
                 std::span<const double> contrast, int n_steps, double allowed,
                 std::vector<double>& mean, Passing& passing) const {
    mean.assign(contrast.begin(), contrast.end());
    if (upper.is_linear()) return;
    Path path{from, {to.begin(), to.end()}, std::vector<double>(n_units), contrast, allowed};
    add_scaled(path.way, -1, from);
    const double step = 1.0 / n_steps;
    mean.assign(n_units, 0.0);
    for (int i = 0; i < n_steps; ++i) {
      static_cast<void>(value_at(path, (i + 0.5) * step, passing));
      add_scaled(mean, step, upper.gradient(contrast, passing));
    }
    const double first = value_at(path, 0, passing);
    const double last = value_at(path, 1, passing);
    if (std::abs(dot(mean, path.way) - (last - first)) <= allowed) return;
    mean.assign(n_units, 0.0);
    double before = first;
    for (int i = 0; i < n_steps; ++i) {
      const double after = value_at(path, (i + 1) * step, passing);
      add_step(path, {i * step, (i + 1) * step, before, after}, 0, mean, passing);
      before = after;
    }
  }

 private:
  struct Path {
    std::span<const double> from;
    std::vector<double> way;
    std::vector<double> at;  // where the pass is
    std::span<const double> contrast;
    double allowed;
  };
  struct Step {
    double begin;
    double end;
    double value_at_begin;
    double value_at_end;
  };

  double value_at(Path& path, double position, Passing& passing) const {
    path.at.assign(path.from.begin(), path.from.end());
    add_scaled(path.at, position, path.way);
    return upper.value(path.at, path.contrast, passing);
  }

  /// Adds a step's gradient, or those of its halves where it does not explain the step's rise.
  void add_step(Path& path, const Step& step, int n_halvings, std::vector<double>& mean,
                Passing& passing) const {
    const double length = step.end - step.begin;
    const double middle = step.begin + length / 2;
    const double value = value_at(path, middle, passing);
    const auto gradient = upper.gradient(path.contrast, passing);
    const double miss =
        length * dot(gradient, path.way) - (step.value_at_end - step.value_at_begin);
    if (n_halvings == kMostHalvings ||
        std::abs(miss) <= path.allowed * std::max(length, kSmallestShare)) {
      add_scaled(mean, length, gradient);
      return;
    }
    add_step(path, {step.begin, middle, step.value_at_begin, value}, n_halvings + 1, mean, passing);
    add_step(path, {middle, step.end, value, step.value_at_end}, n_halvings + 1, mean, passing);
  }
};

}  // namespace

std::vector<double> contrast_of(const Model& model, LabelIndex type, LabelIndex other) {
  const auto n_types = as_size(model.types.n_types());
  std::vector<double> contrast(n_types);
  if (other != kNoLabel) {
    contrast[as_size(other)] -= 1;
  } else if (model.output == OutputKind::Softmax) {
    contrast.assign(n_types, -1.0 / static_cast<double>(n_types));
  }
  contrast[as_size(type)] += 1;
  return contrast;
}

struct Attributor::State {
  Background background;
  std::vector<float> constant;  // cell - background of a gene: value + constant - background value
  int n_steps = 0;
  std::vector<AttributedMember> members;

  /// The contrast at a cell less its mean at the backgrounds.
  [[nodiscard]] double difference(const CellFeatures& cell,
                                  std::span<const double> contrast) const {
    Passing passing;
    double sum = 0;
    for (const AttributedMember& member : members) {
      const double at_cell =
          member.upper.value(member.sums(member.cell_base, cell), contrast, passing);
      double above = 0;
      for (const std::vector<double>& u : member.sums_of) {
        above += at_cell - member.upper.value(u, contrast, passing);
      }
      sum += member.share * above;
    }
    return sum / static_cast<double>(background.values.n_rows);
  }

  /// Adds a member's attributions: (value + constant) w . g, less value_b w . g_b of the
  /// backgrounds, where g_b is the mean gradient on the path from background b and g their mean.
  void add_member(const AttributedMember& member, const CellFeatures& cell,
                  std::span<const double> contrast, double allowed, std::span<const float> values,
                  std::span<double> attributions) const {
    const std::vector<double> u = member.sums(member.cell_base, cell);
    const CsrView starts = background.values.view();
    const double weight = member.share / static_cast<double>(starts.n_rows);
    Passing passing;
    std::vector<double> path_mean;
    std::vector<double> gradient(member.n_units);
    for (CellIndex b = 0; b < starts.n_rows; ++b) {
      member.integrate(member.sums_of[as_size(b)], u, contrast, n_steps, allowed, path_mean,
                       passing);
      add_scaled(gradient, weight, path_mean);
      const auto genes = starts.row_columns(b);
      for (std::size_t i = 0; i < genes.size(); ++i) {
        const auto gene = as_size(genes[i]);
        attributions[gene] -= weight * static_cast<double>(starts.row_values(b)[i]) *
                              dot(member.row(gene), path_mean);
      }
    }
    for (std::size_t gene = 0; gene < attributions.size(); ++gene) {
      const double way = static_cast<double>(values[gene]) + static_cast<double>(constant[gene]);
      if (way != 0) attributions[gene] += way * dot(member.row(gene), gradient);
    }
  }

  /// Adds a member's share of the derivative at first-layer sums u.
  void add_gradient(const AttributedMember& member, std::span<const double> u, double weight,
                    std::span<const double> contrast, std::span<double> derivative) const {
    Passing passing;
    static_cast<void>(member.upper.value(u, contrast, passing));
    const auto by_sums = member.upper.gradient(contrast, passing);
    for (std::size_t gene = 0; gene < derivative.size(); ++gene) {
      derivative[gene] += weight * dot(member.row(gene), by_sums);
    }
  }
};

Attributor::Attributor(const Model& model, Background background, std::span<const float> shift,
                       int n_steps)
    : state_(std::make_unique<State>()) {
  SAITHE_ASSERT(n_steps > 0 && !model.members.empty() && background.values.n_rows > 0);
  SAITHE_ASSERT(shift.size() == background.offset.size());
  state_->background = std::move(background);
  state_->n_steps = n_steps;
  for (std::size_t gene = 0; gene < shift.size(); ++gene) {
    state_->constant.push_back(-shift[gene] - state_->background.offset[gene]);
  }
  for (const Member& member : model.members) {
    state_->members.emplace_back(member, state_->background, shift);
  }
}

Attributor::~Attributor() = default;

Completeness Attributor::attribute(const CellFeatures& cell, std::span<const double> contrast,
                                   std::span<double> attributions) const {
  std::fill(attributions.begin(), attributions.end(), 0.0);
  std::vector<float> values(attributions.size());
  for (std::size_t i = 0; i < cell.genes.size(); ++i) {
    values[as_size(cell.genes[i])] = cell.values[i];
  }
  Completeness completeness;
  completeness.difference = state_->difference(cell, contrast);
  // Of the whole and not of each path's own difference: those of members may cancel.
  const double allowed =
      kTolerance * std::max(std::abs(completeness.difference), kSmallestDifference);
  for (const AttributedMember& member : state_->members) {
    state_->add_member(member, cell, contrast, allowed, values, attributions);
  }
  for (const double attribution : attributions) completeness.sum += attribution;
  return completeness;
}

double Attributor::value(const CellFeatures& cell, std::span<const double> contrast) const {
  Passing passing;
  double sum = 0;
  for (const AttributedMember& member : state_->members) {
    const double own = member.upper.value(member.sums(member.cell_base, cell), contrast, passing);
    sum += member.share * own;
  }
  return sum;
}

std::vector<double> Attributor::gradient(const CellFeatures& cell,
                                         std::span<const double> contrast) const {
  std::vector<double> derivative(state_->constant.size());
  for (const AttributedMember& member : state_->members) {
    state_->add_gradient(member, member.sums(member.cell_base, cell), member.share, contrast,
                         derivative);
  }
  return derivative;
}

std::vector<double> Attributor::background_gradient(std::span<const double> contrast) const {
  std::vector<double> derivative(state_->constant.size());
  for (const AttributedMember& member : state_->members) {
    const double weight = member.share / static_cast<double>(member.sums_of.size());
    for (const std::vector<double>& u : member.sums_of) {
      state_->add_gradient(member, u, weight, contrast, derivative);
    }
  }
  return derivative;
}

const Background& Attributor::background() const {
  return state_->background;
}

}  // namespace saithe
