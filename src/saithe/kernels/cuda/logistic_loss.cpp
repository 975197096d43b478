#include "saithe/kernels/cuda/logistic_loss.h"

#include <utility>

#include "saithe/kernels/cuda/device_buffer.h"
#include "saithe/kernels/cuda/resident_rows.h"

namespace saithe::kernels::cuda {
namespace {

/// The rows of a matrix on the device. The host's copy may go.
class RowsOnDevice {
 public:
  RowsOnDevice(const std::shared_ptr<Queue>& queue, const CsrView& matrix)
      : memory_(queue, matrix), rows_(memory_.all()) {}
  [[nodiscard]] const DeviceRows& rows() const { return rows_; }

 private:
  ResidentRows memory_;
  DeviceRows rows_;
};

class CudaLogisticLoss final : public LogisticLoss {
 public:
  CudaLogisticLoss(const std::shared_ptr<Queue>& queue, const LogisticProblem& problem)
      : queue_(queue),
        n_cells_(problem.features.n_rows),
        n_genes_(problem.features.n_cols),
        n_types_(problem.n_types),
        penalty_(1.0 / (problem.c * static_cast<double>(n_cells_))),
        cells_(queue, problem.features.view()),
        genes_(queue, transpose(problem.features.view()).view()),
        shift_(device_array<float>(queue, n_genes_)),
        labels_(device_array<LabelIndex>(queue, n_cells_)),
        weights_(device_array<float>(queue, static_cast<std::int64_t>(problem.weights.size()))),
        x_(device_array<double>(queue, (n_genes_ + 1) * n_types_)),
        gradient_(device_array<double>(queue, n_genes_ * n_types_)),
        base_(device_array<double>(queue, n_types_)),
        bias_slopes_(device_array<double>(queue, n_types_)),
        logits_(device_array<double>(queue, n_cells_ * n_types_)),
        probabilities_(device_array<double>(queue, n_cells_ * n_types_)),
        slopes_(device_array<double>(queue, n_cells_ * n_types_)),
        row_losses_(device_array<double>(queue, n_cells_)),
        row_correct_(device_array<std::int32_t>(queue, n_cells_)),
        loss_(device_array<LossSum>(queue, 1)) {
    SAITHE_ASSERT(problem.labels.size() == as_size(n_cells_));
    SAITHE_ASSERT(problem.weights.empty() || problem.weights.size() == problem.labels.size());
    SAITHE_ASSERT(problem.shift.size() == as_size(n_genes_));
    copy_in(*queue_, shift_.as<float>(), problem.shift);
    copy_in(*queue_, labels_.as<LabelIndex>(), problem.labels);
    copy_in(*queue_, weights_.as<float>(), problem.weights);
  }

  [[nodiscard]] std::size_t n_parameters() const override {
    return as_size((n_genes_ + 1) * n_types_);
  }

  double operator()(std::span<const double> x, std::span<double> gradient) override {
    SAITHE_ASSERT(x.size() == n_parameters() && gradient.size() == n_parameters());
    copy_in(*queue_, x_.as<double>(), x);
    judge_cells();
    add_column_sums<double>(queue_, n_cells_, n_types_, slopes_.as<double>(), nullptr,
                            bias_slopes_.as<double>(), sums_);
    queue_->add<LogisticGradient>(
        n_genes_, 1, LogisticGradient::kThreads, LogisticGradient::kThreads * sizeof(double),
        {n_types_, genes_.rows(), shift_.as<float>(), penalty_, x_.as<double>(),
         slopes_.as<double>(), bias_slopes_.as<double>(), gradient_.as<double>()});
    const std::size_t first_bias = as_size(n_genes_ * n_types_);
    copy_out(*queue_, gradient_.as<const double>(), gradient.first(first_bias));
    copy_out(*queue_, bias_slopes_.as<const double>(), gradient.subspan(first_bias));
    LossSum sum{};
    copy_out(*queue_, loss_.as<const LossSum>(), std::span(&sum, 1));
    double squares = 0;
    for (const double weight : x.first(first_bias)) squares += weight * weight;
    return sum.mean_loss + 0.5 * penalty_ * squares;
  }

 private:
  /// Losses, and their derivatives by the logits.
  void judge_cells() {
    queue_->add<LogisticBase>(
        n_types_, 1, LogisticBase::kThreads, LogisticBase::kThreads * sizeof(double),
        {n_genes_, n_types_, x_.as<double>(), shift_.as<float>(), base_.as<double>()});
    queue_->add_elements<LogisticLogits>(n_cells_ * n_types_,
                                         {n_cells_, n_types_, cells_.rows(), x_.as<double>(),
                                          base_.as<double>(), logits_.as<double>()});
    SoftmaxLoss<double>::Args args{};
    args.n_types = n_types_;
    args.inverse_rows = 1.0 / static_cast<double>(n_cells_);
    args.logits = logits_.as<double>();
    args.labels = labels_.as<LabelIndex>();
    args.weights = weights_.n_bytes() == 0 ? nullptr : weights_.as<float>();
    args.probabilities = probabilities_.as<double>();
    args.row_losses = row_losses_.as<double>();
    args.row_correct = row_correct_.as<std::int32_t>();
    args.slopes = slopes_.as<double>();
    queue_->add<SoftmaxLoss<double>>(n_cells_, 1, kTypeThreads, kTypeThreads * sizeof(double),
                                     args);
    queue_->add<SumLosses>(1, 1, SumLosses::kThreads, SumLosses::kThreads * sizeof(double),
                           {n_cells_, args.row_losses, args.row_correct, loss_.as<LossSum>()});
  }

  std::shared_ptr<Queue> queue_;
  std::int64_t n_cells_;
  std::int64_t n_genes_;
  std::int64_t n_types_;
  double penalty_;
  RowsOnDevice cells_;
  RowsOnDevice genes_;
  DeviceMemory shift_;
  DeviceMemory labels_;
  DeviceMemory weights_;
  DeviceMemory x_;
  DeviceMemory gradient_;
  DeviceMemory base_;
  DeviceMemory bias_slopes_;
  DeviceMemory logits_;
  DeviceMemory probabilities_;
  DeviceMemory slopes_;
  DeviceMemory row_losses_;
  DeviceMemory row_correct_;
  DeviceMemory loss_;
  DeviceMemory sums_;
};

}  // namespace

std::unique_ptr<LogisticLoss> make_logistic_loss(const std::shared_ptr<Queue>& queue,
                                                 LogisticProblem problem) {
  return std::make_unique<CudaLogisticLoss>(queue, problem);
}

}  // namespace saithe::kernels::cuda
