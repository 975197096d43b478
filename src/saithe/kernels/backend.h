#pragma once

// The operations of a network, whatever the device: a dozen coarse ones, each worth a virtual call.
//
// All matrices are row-major float32 in Buffers of the device; copies between host and device are
// explicit. B cells of a minibatch, G genes, H hidden units, T cell types, I inputs, O outputs.
// Arithmetic has a fixed order: the same bits for any number of threads. tests/backends checks
// every operation against kernels/cpu/reference.h.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "saithe/core/context.h"
#include "saithe/core/error.h"
#include "saithe/kernels/device.h"
#include "saithe/kernels/loss.h"
#include "saithe/matrix/csr_matrix.h"
#include "saithe/matrix/row_source.h"

namespace saithe::kernels {

/// float32 memory of a device.
class Buffer {
 public:
  virtual ~Buffer() = default;
  [[nodiscard]] virtual std::int64_t size() const = 0;
};

/// What layer normalisation adds to a variance (PyTorch's default).
inline constexpr double kNormEpsilon = 1e-5;

/// One step of Adam (Kingma & Ba 2015, arXiv:1412.6980); with weight_decay, of AdamW (Loshchilov &
/// Hutter 2019, arXiv:1711.05101), as torch.optim computes them.
struct AdamStep {
  std::int64_t step = 1;  ///< from 1
  double learning_rate = 1e-4;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0;
  bool decays_vectors = true;  ///< false: biases and normalisation gains do not decay
};

/// The same step for a bias or another vector.
inline AdamStep vector_step(const AdamStep& adam) {
  AdamStep step = adam;
  if (!adam.decays_vectors) step.weight_decay = 0;
  return step;
}

/// Dropout of one layer in one step: unit u of row r is dropped where
/// Random(seed, stream).uniform_float(r * n_units + u) < rate.
struct Dropout {
  double rate = 0;
  std::uint64_t seed = 0;
  std::uint64_t stream = 0;
};

/// Sparse features of cells, borrowed. Those of Backend::upload_rows() may lie on the device, too;
/// of others a device is sent what it asks for.
class SparseRows {
 public:
  explicit SparseRows(const CsrView& host) : host_(host) {}
  virtual ~SparseRows() = default;
  SparseRows(const SparseRows&) = delete;
  SparseRows& operator=(const SparseRows&) = delete;
  [[nodiscard]] const CsrView& host() const { return host_; }

 private:
  CsrView host_;
};

/// A minibatch of sparse features, sorted once as the device likes it and used by two passes.
class SparseMinibatch {
 public:
  virtual ~SparseMinibatch() = default;
};

/// The first layer: y (B, H) = b + (x - shift) W, with x sparse (B, G), W (G, H).
///
/// Weights and moments live inside, in the order that the device likes.
class SparseInputLayer {
 public:
  virtual ~SparseInputLayer() = default;
  /// weights (G, H) row-major, bias (H), shift (G). Moments start at zero.
  virtual void set_parameters(std::span<const float> weights, std::span<const float> bias,
                              std::span<const float> shift) = 0;
  virtual void get_parameters(std::span<float> weights, std::span<float> bias) const = 0;
  /// Adam's moments of weights (G, H) and bias (H), so that a training can go on elsewhere: zero
  /// before the first step. set_parameters() comes before set_moments().
  virtual void get_moments(std::span<float> first_weights, std::span<float> second_weights,
                           std::span<float> first_bias, std::span<float> second_bias) const = 0;
  virtual void set_moments(std::span<const float> first_weights,
                           std::span<const float> second_weights, std::span<const float> first_bias,
                           std::span<const float> second_bias) = 0;
  /// Gathers the rows `rows` of `features` (all genes), which may go once a step has used it.
  virtual std::unique_ptr<SparseMinibatch> prepare(const SparseRows& features,
                                                   std::span<const CellIndex> rows) const = 0;
  /// out (B, H), overwritten. Any split of the cells into calls gives the same bits.
  virtual void forward(const SparseMinibatch& x, Buffer& out) const = 0;
  /// The same for the rows [begin, end) of `features`, without preparing a minibatch: prediction.
  virtual void forward_rows(const CsrView& features, CellIndex begin, CellIndex end,
                            Buffer& out) const = 0;
  /// Adam on W and b by the gradient dy (B, H) of `x`; in the same pass the forward product of the
  /// updated weights with `next` into next_out, if there is a next minibatch.
  virtual void step(const SparseMinibatch& x, const Buffer& dy, const AdamStep& adam,
                    const SparseMinibatch* next, Buffer* next_out) = 0;
  /// Keeps a copy of weights and bias, and goes back to it. Moments are not kept.
  virtual void save_snapshot() = 0;
  virtual void restore_snapshot() = 0;
  /// Frees the moments and the snapshot: the layer only predicts from now on, or starts anew.
  virtual void end_training() = 0;
  /// The gradient itself: dw (G, H), db (H). For tests; step() never stores it.
  virtual void gradient(const SparseMinibatch& x, const Buffer& dy, std::span<float> dw,
                        std::span<float> db) const = 0;
};

/// Mean weighted cross-entropy of a linear model, and its penalty, as a function of the parameters:
/// weights (G, T), then biases (T).
class LogisticLoss {
 public:
  virtual ~LogisticLoss() = default;
  [[nodiscard]] virtual std::size_t n_parameters() const = 0;
  /// The value at x, and its gradient there. Sums have a fixed order.
  virtual double operator()(std::span<const double> x, std::span<double> gradient) = 0;
};

/// Of context.max_memory, the share that a LogisticLoss takes of the host's memory: a training
/// holds beside it its reference and the inputs of two models.
inline constexpr std::int64_t kLogisticMemoryShare = 4;

/// What a LogisticLoss is of: over all rows,
///   mean of weight x cross-entropy of b + (features - shift) W  +  |W|^2 / (2 c n).
struct LogisticProblem {
  RowSelection features;               ///< read once, by make_logistic_loss()
  std::span<const float> shift;        ///< (G)
  std::span<const LabelIndex> labels;  ///< of each row
  std::span<const float> weights;      ///< of each row; empty: all 1
  LabelIndex n_types = 0;
  double c = 1;
};

/// A device and its operations.
class Backend {
 public:
  virtual ~Backend() = default;
  [[nodiscard]] virtual std::string name() const = 0;
  /// What it computes with: the instruction set of a processor, or the model of a GPU.
  [[nodiscard]] virtual std::string hardware() const = 0;

  [[nodiscard]] virtual std::unique_ptr<Buffer> allocate(std::int64_t size) = 0;  ///< zeros
  virtual void upload(std::span<const float> source, Buffer& target) = 0;
  virtual void download(const Buffer& source, std::span<float> target) = 0;

  [[nodiscard]] virtual std::unique_ptr<SparseInputLayer> make_sparse_input(
      std::int64_t n_genes, std::int64_t n_units) = 0;
  /// Features that are used again and again: copied to the device if they fit. They are borrowed.
  [[nodiscard]] virtual std::unique_ptr<SparseRows> upload_rows(const CsrView& features) {
    return std::make_unique<SparseRows>(features);
  }
  /// Of the host's memory, about a quarter of context.max_memory is for the features, both ways;
  /// what is more lies in a temporary file. The bits do not depend on it.
  [[nodiscard]] virtual std::unique_ptr<LogisticLoss> make_logistic_loss(
      const LogisticProblem& problem, const Context& context) = 0;
  /// y (B, O) = b + x (B, I) w^T, w (O, I); with `relu`, then what relu_dropout_forward() does.
  /// Each row's bits depend on that row alone.
  virtual void linear_forward(std::int64_t n_rows, const Buffer& x, std::int64_t n_in,
                              const Buffer& w, const Buffer& b, std::int64_t n_out, Buffer& y,
                              std::optional<Dropout> relu) = 0;
  /// dw (O, I) = dy^T x, db (O) = column sums of dy, dx (B, I) = dy w unless null; with `relu_rate`
  /// x came from relu_dropout_forward() with that rate, and dx goes through its way back.
  virtual void linear_backward(std::int64_t n_rows, const Buffer& x, std::int64_t n_in,
                               const Buffer& w, const Buffer& dy, std::int64_t n_out, Buffer& dw,
                               Buffer& db, Buffer* dx, std::optional<double> relu_rate) = 0;
  /// y = max(y, 0), then dropout with the kept units divided by 1 - rate (none if rate is 0).
  virtual void relu_dropout_forward(std::int64_t n_rows, std::int64_t n_units,
                                    const Dropout& dropout, Buffer& y) = 0;
  /// dy = dy / (1 - rate) where y > 0, else 0; y is what relu_dropout_forward left.
  virtual void relu_dropout_backward(std::int64_t n_rows, std::int64_t n_units, double rate,
                                     const Buffer& y, Buffer& dy) = 0;
  /// y = gain (y - mean) / sqrt(variance + kNormEpsilon) + bias, each row by its own mean and
  /// variance (Ba, Kiros, Hinton 2016, arXiv:1607.06450, as torch.nn.LayerNorm). `normalized`
  /// (B, H) and `inverse_sd` (B) keep what the way back needs.
  virtual void layer_norm_forward(std::int64_t n_rows, std::int64_t n_units, const Buffer& gain,
                                  const Buffer& bias, Buffer& y, Buffer& normalized,
                                  Buffer& inverse_sd) = 0;
  /// dy (B, H) by the output becomes that by the input; dgain and dbias (H) are overwritten.
  virtual void layer_norm_backward(std::int64_t n_rows, std::int64_t n_units, const Buffer& gain,
                                   const Buffer& normalized, const Buffer& inverse_sd, Buffer& dy,
                                   Buffer& dgain, Buffer& dbias) = 0;
  /// Row-wise softmax.
  virtual void softmax(std::int64_t n_rows, std::int64_t n_types, const Buffer& logits,
                       Buffer& probabilities) = 0;
  /// Mean over the rows of weight x loss (in double; without `weights`, all weigh 1), and the
  /// number of rows whose largest logit is the label: for take_losses(), so that nothing has to
  /// wait. With dlogits the gradient of that mean.
  struct LossResult {
    double mean_loss = 0;
    std::int64_t n_correct = 0;
  };
  virtual void softmax_cross_entropy(std::int64_t n_rows, std::int64_t n_types, Loss loss,
                                     const Buffer& logits, std::span<const LabelIndex> labels,
                                     std::span<const float> weights, Buffer* dlogits) = 0;
  /// The results of softmax_cross_entropy() since it was last asked, in the order of the calls.
  virtual std::vector<LossResult> take_losses() = 0;
  /// A dense parameter of any shape, its gradient, and Adam's moments.
  struct AdamParameter {
    const Buffer* gradient;
    Buffer* parameter;
    Buffer* first_moment;
    Buffer* second_moment;
    AdamStep adam;
  };
  /// One Adam step on each parameter.
  virtual void adam_step(std::span<const AdamParameter> parameters) = 0;

  /// Starts what was asked for so far, without waiting for it. Whoever calls it where a like
  /// sequence of operations ends, as after each training step, lets a device record that sequence.
  virtual void submit() {}
};

/// The backend for a device. Auto takes best_device(). Throws Error(Device) that says what is
/// missing for a GPU: the driver, the device, or a build that has the backend.
std::unique_ptr<Backend> make_backend(Device device, const Context& context);

/// A GPU where one works, else the processor.
Device best_device();

}  // namespace saithe::kernels
