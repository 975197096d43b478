#include "saithe/nn/mlp.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>

#include "saithe/core/random.h"

namespace saithe {

using kernels::Buffer;

namespace {

// Cells that prediction takes through the network at once.
constexpr std::int64_t kForwardRows = 2048;
// A device without room for so few has none for the network.
constexpr std::int64_t kFewestForwardRows = 32;

/// A parameter with its gradient and Adam's moments; those exist once training has begun.
struct Parameter {
  std::unique_ptr<Buffer> value;
  std::unique_ptr<Buffer> gradient;
  std::unique_ptr<Buffer> first_moment;
  std::unique_ptr<Buffer> second_moment;

  void prepare_training(kernels::Backend& backend) {
    if (gradient != nullptr) return;
    gradient = backend.allocate(value->size());
    first_moment = backend.allocate(value->size());
    second_moment = backend.allocate(value->size());
  }
  void end_training() {
    gradient.reset();
    first_moment.reset();
    second_moment.reset();
  }
  [[nodiscard]] kernels::Backend::AdamParameter with(const kernels::AdamStep& adam) const {
    return {gradient.get(), value.get(), first_moment.get(), second_moment.get(), adam};
  }
};

std::unique_ptr<Buffer> upload(kernels::Backend& backend, std::span<const float> values) {
  auto buffer = backend.allocate(static_cast<std::int64_t>(values.size()));
  backend.upload(values, *buffer);
  return buffer;
}

AlignedVector<float> download(kernels::Backend& backend, const Buffer& buffer) {
  AlignedVector<float> values(as_size(buffer.size()));
  backend.download(buffer, values);
  return values;
}

void require_shape(const MlpShape& shape, const MlpParameters& parameters) {
  const bool has_layers =
      shape.n_inputs > 0 && shape.n_outputs > 0 &&
      std::all_of(shape.hidden.begin(), shape.hidden.end(), [](int units) { return units > 0; });
  if (!has_layers) fail(ErrorKind::InvalidArgument, "a layer of the network has no units");
  for (const double rate : shape.dropout) {
    if (!(rate >= 0 && rate < 1)) {
      fail(ErrorKind::InvalidArgument, "dropout: {} is not in [0, 1)", rate);
    }
  }
  SAITHE_ASSERT(parameters.weights.size() == as_size(shape.n_layers()));
  for (int layer = 0; layer < shape.n_layers(); ++layer) {
    SAITHE_ASSERT(parameters.weights[as_size(layer)].size() ==
                  as_size(shape.inputs_of(layer) * shape.outputs_of(layer)));
    SAITHE_ASSERT(parameters.biases[as_size(layer)].size() == as_size(shape.outputs_of(layer)));
  }
  const std::size_t n_norms = shape.layer_norm ? shape.hidden.size() : 0;
  SAITHE_ASSERT(parameters.norm_gains.size() == n_norms &&
                parameters.norm_biases.size() == n_norms);
  for (std::size_t layer = 0; layer < n_norms; ++layer) {
    SAITHE_ASSERT(parameters.norm_gains[layer].size() == as_size(shape.hidden[layer]) &&
                  parameters.norm_biases[layer].size() == as_size(shape.hidden[layer]));
  }
}

constexpr auto kNoDropout = [](int /*layer*/) { return kernels::Dropout{}; };

/// What a normalised layer keeps for its way back.
struct NormRecord {
  std::unique_ptr<Buffer> normalized;
  std::unique_ptr<Buffer> inverse_sd;
};

}  // namespace

struct Mlp::State {
  State(MlpShape network_shape, kernels::Backend& device)
      : shape(std::move(network_shape)), backend(device) {}

  MlpShape shape;
  kernels::Backend& backend;
  std::unique_ptr<kernels::SparseInputLayer> input;  // layer 0
  std::vector<Parameter> weights;                    // layers 1 and on, at layer - 1
  std::vector<Parameter> biases;
  std::vector<Parameter> norm_gains;  // of hidden layer i; empty without normalisation
  std::vector<Parameter> norm_biases;

  // Of the training step: outputs of each layer and the loss's derivative by them.
  std::int64_t capacity = 0;
  std::vector<std::unique_ptr<Buffer>> outputs;
  std::vector<std::unique_ptr<Buffer>> gradients;
  std::vector<NormRecord> norms;

  // The minibatch whose first layer was computed ahead, by the step before.
  std::unique_ptr<Buffer> ahead;
  std::unique_ptr<kernels::SparseMinibatch> ahead_minibatch;
  std::vector<CellIndex> ahead_rows;
  const float* ahead_values = nullptr;

  std::vector<AlignedVector<float>> snapshot;  // of all but the first layer, in one order

  [[nodiscard]] int last() const { return shape.n_layers() - 1; }
  void reserve(std::int64_t n_rows);
  [[nodiscard]] bool is_ahead(const CsrView& features, std::span<const CellIndex> rows) const;
  /// Calls visit(parameter) for all but the first layer's, in a fixed order.
  template <typename Visit>
  void for_each_parameter(Visit visit) {
    for (auto* group : {&weights, &biases, &norm_gains, &norm_biases}) {
      for (Parameter& parameter : *group) visit(parameter);
    }
  }
  /// Calls visit(parameter, its first, its second moment) for the same parameters.
  template <typename BothMoments, typename Visit>
  void for_each_moment(BothMoments& moments, Visit visit) {
    auto& [first, second] = moments;
    for (std::size_t i = 0; i < weights.size(); ++i) {
      visit(weights[i], first.weights[i + 1], second.weights[i + 1]);
      visit(biases[i], first.biases[i + 1], second.biases[i + 1]);
    }
    for (std::size_t i = 0; i < norm_gains.size(); ++i) {
      visit(norm_gains[i], first.norm_gains[i], second.norm_gains[i]);
      visit(norm_biases[i], first.norm_biases[i], second.norm_biases[i]);
    }
  }
  [[nodiscard]] std::vector<NormRecord> make_norm_records(std::int64_t n_rows) const;
  void normalize(std::int64_t n_rows, std::size_t layer, Buffer& y, NormRecord& record) const;
  /// Whether the inputs of a layer become activations in an operation of their own: those of the
  /// first layer's step are sums, and the normalisation lies between the product and its ReLU.
  [[nodiscard]] bool is_activated_apart(int layer) const { return layer == 1 || shape.layer_norm; }
  void run_layers(std::int64_t n_rows, std::vector<std::unique_ptr<Buffer>>& buffers,
                  std::vector<NormRecord>& records,
                  const std::function<kernels::Dropout(int)>& dropout_of) const;
  void forward_blocks(const CsrView& features, std::int64_t n_block, Activations& result,
                      const Context& context) const;
  void backward(std::int64_t n_rows);
  void backward_norm(std::int64_t n_rows, std::size_t layer);
  [[nodiscard]] kernels::Dropout dropout(int layer, std::uint64_t seed, std::int64_t step) const;
};

void Mlp::State::reserve(std::int64_t n_rows) {
  if (n_rows <= capacity) return;
  capacity = n_rows;
  outputs.clear();
  gradients.clear();
  for (int layer = 0; layer < shape.n_layers(); ++layer) {
    outputs.push_back(backend.allocate(n_rows * shape.outputs_of(layer)));
    gradients.push_back(backend.allocate(n_rows * shape.outputs_of(layer)));
  }
  norms = make_norm_records(n_rows);
  ahead = backend.allocate(n_rows * shape.outputs_of(0));
  ahead_minibatch.reset();
}

std::vector<NormRecord> Mlp::State::make_norm_records(std::int64_t n_rows) const {
  std::vector<NormRecord> records;
  for (std::size_t layer = 0; layer < norm_gains.size(); ++layer) {
    records.push_back({backend.allocate(n_rows * shape.hidden[layer]), backend.allocate(n_rows)});
  }
  return records;
}

/// Normalises the sums of a hidden layer, if the network does that.
void Mlp::State::normalize(std::int64_t n_rows, std::size_t layer, Buffer& y,
                           NormRecord& record) const {
  backend.layer_norm_forward(n_rows, shape.hidden[layer], *norm_gains[layer].value,
                             *norm_biases[layer].value, y, *record.normalized, *record.inverse_sd);
}

bool Mlp::State::is_ahead(const CsrView& features, std::span<const CellIndex> rows) const {
  return ahead_minibatch != nullptr && ahead_values == features.values.data() &&
         std::equal(rows.begin(), rows.end(), ahead_rows.begin(), ahead_rows.end());
}

kernels::Dropout Mlp::State::dropout(int layer, std::uint64_t seed, std::int64_t step) const {
  return {
      shape.dropout_after(layer), seed,
      stream::kDropout + static_cast<std::uint64_t>(step) * 64 + static_cast<std::uint64_t>(layer)};
}

/// Layers 1 and on; buffers[0] holds the first layer's sums. dropout_of(layer) is what a hidden
/// layer's outputs are thinned with.
void Mlp::State::run_layers(std::int64_t n_rows, std::vector<std::unique_ptr<Buffer>>& buffers,
                            std::vector<NormRecord>& records,
                            const std::function<kernels::Dropout(int)>& dropout_of) const {
  for (int layer = 1; layer <= last(); ++layer) {
    const auto at = as_size(layer);
    if (shape.layer_norm) normalize(n_rows, at - 1, *buffers[at - 1], records[at - 1]);
    if (is_activated_apart(layer)) {
      backend.relu_dropout_forward(n_rows, shape.inputs_of(layer), dropout_of(layer - 1),
                                   *buffers[at - 1]);
    }
    const bool with_relu = layer < last() && !is_activated_apart(layer + 1);
    backend.linear_forward(n_rows, *buffers[at - 1], shape.inputs_of(layer), *weights[at - 1].value,
                           *biases[at - 1].value, shape.outputs_of(layer), *buffers[at],
                           with_relu ? std::optional(dropout_of(layer)) : std::nullopt);
  }
}

/// Evaluation mode, `n_block` cells at a time; fills the matrices of `result` that have rows.
void Mlp::State::forward_blocks(const CsrView& features, std::int64_t n_block, Activations& result,
                                const Context& context) const {
  std::vector<std::unique_ptr<Buffer>> buffers;
  for (int layer = 0; layer <= last(); ++layer) {
    buffers.push_back(backend.allocate(n_block * shape.outputs_of(layer)));
  }
  std::vector<NormRecord> records = make_norm_records(n_block);
  for (CellIndex begin = 0; begin < features.n_rows; begin += n_block) {
    context.throw_if_cancelled();
    const CellIndex end = std::min(begin + n_block, features.n_rows);
    const std::int64_t n = end - begin;
    input->forward_rows(features, begin, end, *buffers[0]);
    run_layers(n, buffers, records, kNoDropout);
    const auto copy_rows = [&](const Buffer& buffer, DenseMatrix& target) {
      backend.download(buffer, std::span<float>(target.data() + begin * target.n_cols(),
                                                as_size(n * target.n_cols())));
    };
    copy_rows(*buffers[as_size(last())], result.logits);
    if (result.hidden.n_rows() > 0) copy_rows(*buffers[as_size(last()) - 1], result.hidden);
  }
}

/// From gradients.back() to gradients[0], and the gradients of all dense parameters.
void Mlp::State::backward(std::int64_t n_rows) {
  for (int layer = last(); layer >= 1; --layer) {
    const auto at = as_size(layer);
    Parameter& weight = weights[at - 1];
    Parameter& bias = biases[at - 1];
    backend.linear_backward(n_rows, *outputs[at - 1], shape.inputs_of(layer), *weight.value,
                            *gradients[at], shape.outputs_of(layer), *weight.gradient,
                            *bias.gradient, gradients[at - 1].get(),
                            shape.dropout_after(layer - 1));
    if (shape.layer_norm) backward_norm(n_rows, at - 1);
  }
}

void Mlp::State::backward_norm(std::int64_t n_rows, std::size_t layer) {
  backend.layer_norm_backward(n_rows, shape.hidden[layer], *norm_gains[layer].value,
                              *norms[layer].normalized, *norms[layer].inverse_sd, *gradients[layer],
                              *norm_gains[layer].gradient, *norm_biases[layer].gradient);
}

Mlp::Mlp(MlpShape shape, const MlpParameters& parameters, std::span<const float> shift,
         kernels::Backend& backend)
    : state_(std::make_unique<State>(std::move(shape), backend)) {
  const MlpShape& s = state_->shape;
  require_shape(s, parameters);
  state_->input = backend.make_sparse_input(s.n_inputs, s.outputs_of(0));
  state_->input->set_parameters(parameters.weights[0], parameters.biases[0], shift);
  for (int layer = 1; layer < s.n_layers(); ++layer) {
    state_->weights.push_back({upload(backend, parameters.weights[as_size(layer)]), {}, {}, {}});
    state_->biases.push_back({upload(backend, parameters.biases[as_size(layer)]), {}, {}, {}});
  }
  for (std::size_t layer = 0; layer < parameters.norm_gains.size(); ++layer) {
    state_->norm_gains.push_back({upload(backend, parameters.norm_gains[layer]), {}, {}, {}});
    state_->norm_biases.push_back({upload(backend, parameters.norm_biases[layer]), {}, {}, {}});
  }
}

Mlp::~Mlp() = default;

const MlpShape& Mlp::shape() const {
  return state_->shape;
}

MlpParameters Mlp::parameters() const {
  const MlpShape& s = state_->shape;
  MlpParameters parameters;
  parameters.weights.emplace_back(as_size(s.n_inputs * s.outputs_of(0)));
  parameters.biases.emplace_back(as_size(s.outputs_of(0)));
  state_->input->get_parameters(parameters.weights[0], parameters.biases[0]);
  for (std::size_t layer = 0; layer < state_->weights.size(); ++layer) {
    parameters.weights.push_back(download(state_->backend, *state_->weights[layer].value));
    parameters.biases.push_back(download(state_->backend, *state_->biases[layer].value));
  }
  for (std::size_t layer = 0; layer < state_->norm_gains.size(); ++layer) {
    parameters.norm_gains.push_back(download(state_->backend, *state_->norm_gains[layer].value));
    parameters.norm_biases.push_back(download(state_->backend, *state_->norm_biases[layer].value));
  }
  return parameters;
}

Mlp::Moments Mlp::moments() const {
  State& s = *state_;
  Moments moments{zero_parameters(s.shape), zero_parameters(s.shape)};
  s.input->get_moments(moments.first.weights[0], moments.second.weights[0], moments.first.biases[0],
                       moments.second.biases[0]);
  s.for_each_moment(moments, [&](const Parameter& parameter, auto& first, auto& second) {
    if (parameter.gradient == nullptr) return;  // no step yet
    s.backend.download(*parameter.first_moment, first);
    s.backend.download(*parameter.second_moment, second);
  });
  return moments;
}

void Mlp::set_moments(const Moments& moments) {
  State& s = *state_;
  require_shape(s.shape, moments.first);
  require_shape(s.shape, moments.second);
  s.input->set_moments(moments.first.weights[0], moments.second.weights[0], moments.first.biases[0],
                       moments.second.biases[0]);
  s.for_each_moment(moments, [&](Parameter& parameter, const auto& first, const auto& second) {
    parameter.prepare_training(s.backend);
    s.backend.upload(first, *parameter.first_moment);
    s.backend.upload(second, *parameter.second_moment);
  });
}

Activations Mlp::forward(const CsrView& features, bool with_hidden, const Context& context) const {
  const State& s = *state_;
  Activations result;
  result.logits = DenseMatrix(features.n_rows, s.shape.n_outputs);
  if (with_hidden && s.last() > 0) {
    result.hidden = DenseMatrix(features.n_rows, s.shape.inputs_of(s.last()));
  }
  std::int64_t n_block = std::min(kForwardRows, features.n_rows);
  while (true) {
    try {
      s.forward_blocks(features, n_block, result, context);
      return result;
    } catch (const kernels::OutOfDeviceMemory&) {
      // The results do not depend on it: what is there already is written once more.
      if (n_block <= kFewestForwardRows) throw;
      n_block /= 2;
    }
  }
}

Mlp::StepResult Mlp::train_step(const CsrView& features, std::span<const LabelIndex> labels,
                                std::span<const CellIndex> rows,
                                std::span<const CellIndex> next_rows, kernels::Loss loss,
                                const kernels::AdamStep& adam, std::uint64_t seed,
                                std::span<const float> weights) {
  start_step(kernels::SparseRows(features), labels, rows, next_rows, loss, adam, seed, weights);
  return finish_steps().back();
}

std::unique_ptr<kernels::SparseRows> Mlp::upload_rows(const CsrView& features) const {
  return state_->backend.upload_rows(features);
}

std::vector<Mlp::StepResult> Mlp::finish_steps() {
  std::vector<StepResult> results;
  for (const auto& loss : state_->backend.take_losses()) {
    results.push_back({loss.mean_loss, loss.n_correct});
  }
  return results;
}

void Mlp::start_step(const kernels::SparseRows& features, std::span<const LabelIndex> labels,
                     std::span<const CellIndex> rows, std::span<const CellIndex> next_rows,
                     kernels::Loss loss, const kernels::AdamStep& adam, std::uint64_t seed,
                     std::span<const float> weights) {
  State& s = *state_;
  const auto n_rows = static_cast<std::int64_t>(rows.size());
  s.reserve(std::max(n_rows, static_cast<std::int64_t>(next_rows.size())));
  s.for_each_parameter([&](Parameter& parameter) { parameter.prepare_training(s.backend); });

  std::unique_ptr<kernels::SparseMinibatch> minibatch;
  if (s.is_ahead(features.host(), rows)) {
    minibatch = std::move(s.ahead_minibatch);
    std::swap(s.outputs[0], s.ahead);
  } else {
    minibatch = s.input->prepare(features, rows);
    s.input->forward(*minibatch, *s.outputs[0]);
  }
  // Asked for at once, so that a device can prepare it beside this step.
  auto next = next_rows.empty() ? nullptr : s.input->prepare(features, next_rows);
  s.run_layers(n_rows, s.outputs, s.norms,
               [&](int layer) { return s.dropout(layer, seed, adam.step); });

  std::vector<LabelIndex> row_labels;
  std::vector<float> row_weights;
  row_labels.reserve(rows.size());
  for (const CellIndex row : rows) {
    row_labels.push_back(labels[as_size(row)]);
    if (!weights.empty()) row_weights.push_back(weights[as_size(row)]);
  }
  const auto last = as_size(s.last());
  s.backend.softmax_cross_entropy(n_rows, s.shape.n_outputs, loss, *s.outputs[last], row_labels,
                                  row_weights, s.gradients[last].get());
  s.backward(n_rows);
  const kernels::AdamStep vector_adam = kernels::vector_step(adam);
  std::vector<kernels::Backend::AdamParameter> dense;
  for (const Parameter& weight : s.weights) dense.push_back(weight.with(adam));
  for (const auto* vectors : {&s.biases, &s.norm_gains, &s.norm_biases}) {
    for (const Parameter& vector : *vectors) dense.push_back(vector.with(vector_adam));
  }
  s.backend.adam_step(dense);

  s.input->step(*minibatch, *s.gradients[0], adam, next.get(), next ? s.ahead.get() : nullptr);
  s.ahead_minibatch = std::move(next);
  s.ahead_rows.assign(next_rows.begin(), next_rows.end());
  s.ahead_values = features.host().values.data();
  minibatch.reset();  // before the step is sent off: its memory is free when that is done
  s.backend.submit();
}

MlpParameters Mlp::gradient(const CsrView& features, std::span<const LabelIndex> labels,
                            std::span<const CellIndex> rows, kernels::Loss loss) {
  State& s = *state_;
  const auto n_rows = static_cast<std::int64_t>(rows.size());
  s.reserve(n_rows);
  s.for_each_parameter([&](Parameter& parameter) { parameter.prepare_training(s.backend); });
  const auto minibatch = s.input->prepare(kernels::SparseRows(features), rows);
  s.input->forward(*minibatch, *s.outputs[0]);
  s.run_layers(n_rows, s.outputs, s.norms, kNoDropout);
  std::vector<LabelIndex> row_labels;
  for (const CellIndex row : rows) row_labels.push_back(labels[as_size(row)]);
  const auto last = as_size(s.last());
  s.backend.softmax_cross_entropy(n_rows, s.shape.n_outputs, loss, *s.outputs[last], row_labels, {},
                                  s.gradients[last].get());
  static_cast<void>(s.backend.take_losses());

  MlpParameters gradient;
  gradient.weights.resize(last + 1);
  gradient.biases.resize(last + 1);
  // Dropout is off here: the layers are taken back with rate 0.
  std::vector<double> rates(s.shape.hidden.size(), 0.0);
  std::swap(rates, s.shape.dropout);
  s.backward(n_rows);
  std::swap(rates, s.shape.dropout);
  for (std::size_t at = 1; at <= last; ++at) {
    gradient.weights[at] = download(s.backend, *s.weights[at - 1].gradient);
    gradient.biases[at] = download(s.backend, *s.biases[at - 1].gradient);
  }
  for (std::size_t layer = 0; layer < s.norm_gains.size(); ++layer) {
    gradient.norm_gains.push_back(download(s.backend, *s.norm_gains[layer].gradient));
    gradient.norm_biases.push_back(download(s.backend, *s.norm_biases[layer].gradient));
  }
  gradient.weights[0].resize(as_size(s.shape.n_inputs * s.shape.outputs_of(0)));
  gradient.biases[0].resize(as_size(s.shape.outputs_of(0)));
  s.input->gradient(*minibatch, *s.gradients[0], gradient.weights[0], gradient.biases[0]);
  return gradient;
}

void Mlp::save_snapshot() {
  State& s = *state_;
  s.input->save_snapshot();
  s.snapshot.clear();
  s.for_each_parameter(
      [&](Parameter& parameter) { s.snapshot.push_back(download(s.backend, *parameter.value)); });
}

void Mlp::restore_snapshot() {
  State& s = *state_;
  s.input->restore_snapshot();
  s.ahead_minibatch.reset();
  auto saved = s.snapshot.begin();
  s.for_each_parameter([&](Parameter& parameter) {
    SAITHE_ASSERT(saved != s.snapshot.end());
    s.backend.upload(*saved++, *parameter.value);
  });
}

void Mlp::end_training() {
  State& s = *state_;
  s.input->end_training();
  s.for_each_parameter([](Parameter& parameter) { parameter.end_training(); });
  s.snapshot.clear();
  s.norms.clear();
  s.ahead_minibatch.reset();
  s.ahead.reset();
  s.outputs.clear();
  s.gradients.clear();
  s.capacity = 0;
}

DenseMatrix softmax(DenseView logits) {
  DenseMatrix probabilities(logits.n_rows, logits.n_cols);
  std::vector<double> row(as_size(logits.n_cols));
  for (std::int64_t r = 0; r < logits.n_rows; ++r) {
    const auto source = logits.row(r);
    std::copy(source.begin(), source.end(), row.begin());
    kernels::softmax_of(row, row);
    std::transform(row.begin(), row.end(), probabilities.row(r).begin(),
                   [](double value) { return static_cast<float>(value); });
  }
  return probabilities;
}

}  // namespace saithe
