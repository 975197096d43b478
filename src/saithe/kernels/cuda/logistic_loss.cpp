#include "saithe/kernels/cuda/logistic_loss.h"

#include <algorithm>
#include <numeric>

#include "saithe/kernels/cuda/device_buffer.h"
#include "saithe/matrix/two_way_rows.h"

namespace saithe::kernels::cuda {
namespace {

// Values of genes that are put together on the host before they are sent.
constexpr std::int64_t kSentValues = std::int64_t{1} << 21;

/// Sparse rows on the device, sent there piece by piece.
class RowsOnDevice {
 public:
  RowsOnDevice(const std::shared_ptr<Queue>& queue, const std::vector<std::int64_t>& starts)
      : queue_(queue),
        starts_(device_array<std::int64_t>(queue, std::ssize(starts))),
        columns_(device_array<GeneIndex>(queue, starts.back())),
        values_(device_array<float>(queue, starts.back())) {
    copy_in(*queue, starts_.as<std::int64_t>(), std::span<const std::int64_t>(starts));
  }
  /// Values from a position on.
  void send(std::int64_t position, std::span<const GeneIndex> columns,
            std::span<const float> values) {
    copy_in(*queue_, columns_.as<GeneIndex>() + position, columns);
    copy_in(*queue_, values_.as<float>() + position, values);
  }
  [[nodiscard]] DeviceRows rows() const {
    const auto* const begin = starts_.as<std::int64_t>();
    return {begin, begin + 1, 0, columns_.as<GeneIndex>(), values_.as<float>()};
  }

 private:
  std::shared_ptr<Queue> queue_;
  DeviceMemory starts_;
  DeviceMemory columns_;
  DeviceMemory values_;
};

RowsOnDevice send_cells(const std::shared_ptr<Queue>& queue, TwoWayRows& cells) {
  std::vector<std::int64_t> starts = {0};
  for (std::size_t i = 0; i < cells.n_blocks(); ++i) {
    const CsrMatrix& rows = cells.block(i).by_row;
    const std::int64_t before = starts.back();
    for (CellIndex row = 0; row < rows.n_rows; ++row) {
      starts.push_back(before + rows.row_start[as_size(row) + 1]);
    }
  }
  RowsOnDevice sent(queue, starts);
  for (std::size_t i = 0; i < cells.n_blocks(); ++i) {
    const TwoWayBlock& block = cells.block(i);
    sent.send(starts[as_size(block.begin)], block.by_row.columns, block.by_row.values);
  }
  return sent;
}

/// The values of the genes [begin, end), whose places are `starts`, each gene's of all blocks.
void send_genes(TwoWayRows& cells, std::size_t begin, std::size_t end,
                const std::vector<std::int64_t>& starts, RowsOnDevice& sent) {
  std::vector<std::int64_t> next(starts.begin() + static_cast<std::ptrdiff_t>(begin),
                                 starts.begin() + static_cast<std::ptrdiff_t>(end));
  for (std::int64_t& position : next) position -= starts[begin];
  std::vector<GeneIndex> columns(as_size(starts[end] - starts[begin]));
  std::vector<float> values(columns.size());
  for (std::size_t i = 0; i < cells.n_blocks(); ++i) {
    const TwoWayBlock& block = cells.block(i);
    const auto first = static_cast<GeneIndex>(block.begin);
    for (std::size_t gene = begin; gene < end; ++gene) {
      const auto rows = block.by_column.view().row_columns(static_cast<CellIndex>(gene));
      const std::int64_t at = next[gene - begin];
      std::ranges::transform(rows, columns.begin() + at,
                             [&](GeneIndex row) { return first + row; });
      std::ranges::copy(block.by_column.view().row_values(static_cast<CellIndex>(gene)),
                        values.begin() + at);
      next[gene - begin] += std::ssize(rows);
    }
  }
  sent.send(starts[begin], columns, values);
}

RowsOnDevice send_genes(const std::shared_ptr<Queue>& queue, TwoWayRows& cells) {
  std::vector<std::int64_t> starts(as_size(cells.n_cols()) + 1);
  for (std::size_t i = 0; i < cells.n_blocks(); ++i) {
    const CsrMatrix& genes = cells.block(i).by_column;
    for (std::size_t gene = 0; gene + 1 < starts.size(); ++gene) {
      starts[gene + 1] += genes.row_start[gene + 1] - genes.row_start[gene];
    }
  }
  std::partial_sum(starts.begin(), starts.end(), starts.begin());
  RowsOnDevice sent(queue, starts);
  for (std::size_t begin = 0, end = 0; begin + 1 < starts.size(); begin = end) {
    end = begin + 1;
    while (end + 1 < starts.size() && starts[end + 1] - starts[begin] <= kSentValues) ++end;
    send_genes(cells, begin, end, starts, sent);
  }
  return sent;
}

class CudaLogisticLoss final : public LogisticLoss {
 public:
  /// `cells` are the problem's features; they may go then.
  CudaLogisticLoss(const std::shared_ptr<Queue>& queue, const LogisticProblem& problem,
                   TwoWayRows& cells)
      : queue_(queue),
        n_cells_(problem.features.n_rows()),
        n_genes_(problem.features.n_cols()),
        n_types_(problem.n_types),
        penalty_(1.0 / (problem.c * static_cast<double>(n_cells_))),
        cells_(send_cells(queue, cells)),
        genes_(send_genes(queue, cells)),
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
                                                 const LogisticProblem& problem,
                                                 const Context& context) {
  TwoWayRows cells(problem.features, context.max_memory / kLogisticMemoryShare, context);
  return std::make_unique<CudaLogisticLoss>(queue, problem, cells);
}

}  // namespace saithe::kernels::cuda
