#include "saithe/kernels/cpu/logistic_loss.h"

#include <algorithm>
#include <utility>

#include "saithe/core/aligned_vector.h"
#include "saithe/core/parallel.h"
#include "saithe/kernels/cpu/weighted_rows.h"

namespace saithe::kernels::cpu {
namespace {

// Chunks have fixed borders, so that every sum has one order.
constexpr std::int64_t kChunkCells = 256;
constexpr std::int64_t kChunkGenes = 64;

/// Loss and gradient of one training set. Parameters are the weights (genes, types), then the
/// biases. Inside, rows of types are padded to the width of the kernel.
class CpuLogisticLoss final : public LogisticLoss {
 public:
  CpuLogisticLoss(LogisticProblem problem, const Context& context)
      : context_(context),
        n_types_(as_size(problem.n_types)),
        width_(padded_width(n_types_)),
        n_cells_(static_cast<double>(problem.features.n_rows)),
        penalty_(1.0 / (problem.c * n_cells_)),
        shift_(problem.shift.begin(), problem.shift.end()),
        by_cell_(std::move(problem.features)),
        by_gene_(transpose(by_cell_.view())),
        gene_table_(as_size(by_cell_.n_cols) * width_),
        cell_table_(as_size(by_cell_.n_rows) * width_),
        labels_(problem.labels.begin(), problem.labels.end()),
        weights_(problem.weights.begin(), problem.weights.end()) {
    SAITHE_ASSERT(labels_.size() == as_size(by_cell_.n_rows));
    if (weights_.empty()) weights_.assign(labels_.size(), 1.0);
    chunk_losses_.resize(as_size((by_cell_.n_rows + kChunkCells - 1) / kChunkCells));
    chunk_bias_slopes_.resize(chunk_losses_.size() * n_types_);
  }

  [[nodiscard]] std::size_t n_parameters() const override {
    return (as_size(by_cell_.n_cols) + 1) * n_types_;
  }

  double operator()(std::span<const double> x, std::span<double> gradient) override {
    read_weights(x);
    parallel_for(context_, by_cell_.n_rows, kChunkCells,
                 [&](std::int64_t begin, std::int64_t end) { judge_cells(begin, end); });
    const std::size_t first_bias = as_size(by_cell_.n_cols) * n_types_;
    const auto bias_slopes = gradient.subspan(first_bias);
    std::fill(bias_slopes.begin(), bias_slopes.end(), 0.0);
    double loss = 0;
    for (std::size_t chunk = 0; chunk < chunk_losses_.size(); ++chunk) {
      loss += chunk_losses_[chunk];
      for (std::size_t t = 0; t < n_types_; ++t) {
        bias_slopes[t] += chunk_bias_slopes_[chunk * n_types_ + t];
      }
    }
    parallel_for(context_, by_gene_.n_rows, kChunkGenes, [&](std::int64_t begin, std::int64_t end) {
      add_up_genes(bias_slopes, begin, end, gradient);
    });
    double squares = 0;
    for (std::size_t i = 0; i < first_bias; ++i) squares += x[i] * x[i];
    return loss + 0.5 * penalty_ * squares;
  }

 private:
  /// The padded table of weights, and what every cell's logits begin with.
  void read_weights(std::span<const double> x) {
    const std::size_t n_genes = as_size(by_cell_.n_cols);
    base_.assign(width_, 0.0);
    std::copy(x.end() - static_cast<std::ptrdiff_t>(n_types_), x.end(), base_.begin());
    for (std::size_t gene = 0; gene < n_genes; ++gene) {
      const double* weight = x.data() + gene * n_types_;
      std::copy_n(weight, n_types_, gene_table_.data() + gene * width_);
      if (shift_[gene] == 0) continue;
      for (std::size_t t = 0; t < n_types_; ++t) base_[t] -= shift_[gene] * weight[t];
    }
  }

  /// Loss of a chunk of cells, and its derivative by each cell's logits.
  void judge_cells(CellIndex begin, CellIndex end) {
    const auto chunk = as_size(begin / kChunkCells);
    double* bias_slopes = chunk_bias_slopes_.data() + chunk * n_types_;
    std::fill_n(bias_slopes, n_types_, 0.0);
    std::vector<double> logits(width_);
    std::vector<double> probabilities(n_types_);
    double loss = 0;
    for (CellIndex cell = begin; cell < end; ++cell) {
      logits = base_;
      const auto genes = by_cell_.view().row_columns(cell);
      add_weighted_rows(by_cell_.view().row_values(cell).data(), genes.data(), genes.size(),
                        gene_table_.data(), width_, logits.data());
      const std::span<double> slopes(cell_table_.data() + as_size(cell) * width_, n_types_);
      const double scale = weights_[as_size(cell)] / n_cells_;
      loss +=
          scale * cell_loss(Loss::CrossEntropy, std::span<const double>(logits.data(), n_types_),
                            as_size(labels_[as_size(cell)]), probabilities, slopes);
      for (std::size_t t = 0; t < n_types_; ++t) {
        slopes[t] *= scale;
        bias_slopes[t] += slopes[t];
      }
    }
    chunk_losses_[chunk] = loss;
  }

  void add_up_genes(std::span<const double> bias_slopes, std::int64_t begin, std::int64_t end,
                    std::span<double> gradient) const {
    std::vector<double> sum(width_);
    for (std::int64_t gene = begin; gene < end; ++gene) {
      const double* weight = gene_table_.data() + as_size(gene) * width_;
      std::fill(sum.begin(), sum.end(), 0.0);
      for (std::size_t t = 0; t < n_types_; ++t) {
        sum[t] = penalty_ * weight[t] - shift_[as_size(gene)] * bias_slopes[t];
      }
      const auto cells = by_gene_.view().row_columns(gene);
      add_weighted_rows(by_gene_.view().row_values(gene).data(), cells.data(), cells.size(),
                        cell_table_.data(), width_, sum.data());
      std::copy_n(sum.data(), n_types_, gradient.data() + as_size(gene) * n_types_);
    }
  }

  Context context_;
  std::size_t n_types_;
  std::size_t width_;
  double n_cells_;
  double penalty_;
  std::vector<double> shift_;
  std::vector<double> base_;  // biases less what centring subtracts from every cell's logits
  CsrMatrix by_cell_;
  CsrMatrix by_gene_;
  AlignedVector<double> gene_table_;  // (genes, width): weights
  AlignedVector<double> cell_table_;  // (cells, width): derivative by the logits
  std::vector<LabelIndex> labels_;
  std::vector<double> weights_;
  std::vector<double> chunk_losses_;
  std::vector<double> chunk_bias_slopes_;
};

}  // namespace

std::unique_ptr<LogisticLoss> make_logistic_loss(LogisticProblem problem, const Context& context) {
  return std::make_unique<CpuLogisticLoss>(std::move(problem), context);
}

}  // namespace saithe::kernels::cpu
