#pragma once

// A multilayer perceptron on sparse input: Linear, layer normalisation if asked for, ReLU and
// dropout for each hidden layer, and a last Linear to the logits. Orchestrates Backend operations;
// does no arithmetic itself.

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "saithe/core/context.h"
#include "saithe/kernels/backend.h"
#include "saithe/matrix/csr_matrix.h"
#include "saithe/matrix/dense_matrix.h"
#include "saithe/nn/mlp_shape.h"

namespace saithe {

/// What a forward pass gives for a set of cells.
struct Activations {
  DenseMatrix logits;  ///< (cells, types)
  DenseMatrix hidden;  ///< (cells, units of the last hidden layer); empty unless asked for
};

/// A network on a device.
class Mlp {
 public:
  /// `shift` is what the first layer subtracts of each gene (Features::shift).
  Mlp(MlpShape shape, const MlpParameters& parameters, std::span<const float> shift,
      kernels::Backend& backend);
  ~Mlp();
  [[nodiscard]] const MlpShape& shape() const;
  [[nodiscard]] MlpParameters parameters() const;

  /// Evaluation mode (no dropout) over all rows, in fixed blocks: a row's bits depend on it alone.
  [[nodiscard]] Activations forward(const CsrView& features, bool with_hidden,
                                    const Context& context) const;

  /// One training step on the rows `rows`, in training mode, and Adam. `next_rows` are the rows of
  /// the following step (empty at the end of an epoch); with them the next forward is fused.
  /// `weights`, if not empty, is the weight of each cell's loss, one for each row of `features`.
  struct StepResult {
    double mean_loss = 0;
    std::int64_t n_correct = 0;
  };
  StepResult train_step(const CsrView& features, std::span<const LabelIndex> labels,
                        std::span<const CellIndex> rows, std::span<const CellIndex> next_rows,
                        kernels::Loss loss, const kernels::AdamStep& adam, std::uint64_t seed,
                        std::span<const float> weights = {});
  /// Features that many steps use, on the network's device if they fit. They are borrowed.
  [[nodiscard]] std::unique_ptr<kernels::SparseRows> upload_rows(const CsrView& features) const;
  /// train_step() without waiting for the device. `features` stay until finish_steps().
  void start_step(const kernels::SparseRows& features, std::span<const LabelIndex> labels,
                  std::span<const CellIndex> rows, std::span<const CellIndex> next_rows,
                  kernels::Loss loss, const kernels::AdamStep& adam, std::uint64_t seed,
                  std::span<const float> weights = {});
  /// Waits for the steps since the last call and returns their results.
  std::vector<StepResult> finish_steps();

  /// Adam's moments, in the order and sizes of parameters(): zero before the first step. With
  /// parameters() and the number of steps they are all that a training needs to go on.
  struct Moments {
    MlpParameters first;
    MlpParameters second;
  };
  [[nodiscard]] Moments moments() const;
  /// Goes on from there. Throws Error(Internal) unless the sizes are those of the network.
  void set_moments(const Moments& moments);

  /// Keeps a copy of all weights and biases on the device, and goes back to it.
  void save_snapshot();
  void restore_snapshot();
  /// Frees what only training needs: moments, gradients, the snapshot.
  void end_training();

  /// The gradient of the mean loss at the present weights, dropout off: for tests.
  [[nodiscard]] MlpParameters gradient(const CsrView& features, std::span<const LabelIndex> labels,
                                       std::span<const CellIndex> rows, kernels::Loss loss);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Row-wise softmax of logits (n, T), in double, rounded to float32.
DenseMatrix softmax(DenseView logits);

}  // namespace saithe
