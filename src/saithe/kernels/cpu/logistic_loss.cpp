#include "saithe/kernels/cpu/logistic_loss.h"

#include <algorithm>

#include "saithe/core/aligned_vector.h"
#include "saithe/core/parallel.h"
#include "saithe/kernels/cpu/weighted_rows.h"
#include "saithe/matrix/two_way_rows.h"

namespace saithe::kernels::cpu {
namespace {

// Chunks have fixed borders, so that every sum has one order.
constexpr std::int64_t kChunkCells = 256;
constexpr std::int64_t kChunkGenes = 64;

/// Loss and gradient of one training set. Parameters are the weights (genes, types), then the
/// biases. Inside, rows of types are padded to the width of the kernel.
///
/// One pass over the blocks of cells: a block's derivatives by the logits are added to the genes'
/// sums while they are in the cache. Sums take the cells one by one, in their order, so that their
/// bits do not depend on where a block ends.
class CpuLogisticLoss final : public LogisticLoss {
 public:
  CpuLogisticLoss(const LogisticProblem& problem, const Context& context)
      : context_(context),
        n_types_(as_size(problem.n_types)),
        width_(padded_width(n_types_)),
        n_cells_(static_cast<double>(problem.features.n_rows())),
        penalty_(1.0 / (problem.c * n_cells_)),
        shift_(problem.shift.begin(), problem.shift.end()),
        cells_(problem.features, context.max_memory / kLogisticMemoryShare, context),
        gene_table_(as_size(cells_.n_cols()) * width_),
        gene_sums_(gene_table_.size()),
        labels_(problem.labels.begin(), problem.labels.end()),
        weights_(problem.weights.begin(), problem.weights.end()) {
    SAITHE_ASSERT(labels_.size() == as_size(cells_.n_rows()));
    chunk_losses_.resize(as_size((cells_.n_rows() + kChunkCells - 1) / kChunkCells));
    chunk_bias_slopes_.resize(chunk_losses_.size() * n_types_);
  }

  [[nodiscard]] std::size_t n_parameters() const override {
    return (as_size(cells_.n_cols()) + 1) * n_types_;
  }

  double operator()(std::span<const double> x, std::span<double> gradient) override {
    read_weights(x);
    std::fill(gene_sums_.begin(), gene_sums_.end(), 0.0);
    std::fill(chunk_losses_.begin(), chunk_losses_.end(), 0.0);
    std::fill(chunk_bias_slopes_.begin(), chunk_bias_slopes_.end(), 0.0);
    for (std::size_t i = 0; i < cells_.n_blocks(); ++i) pass_over(cells_.block(i));
    const std::size_t first_bias = n_parameters() - n_types_;
    const auto bias_slopes = gradient.subspan(first_bias);
    std::fill(bias_slopes.begin(), bias_slopes.end(), 0.0);
    double loss = 0;
    for (std::size_t chunk = 0; chunk < chunk_losses_.size(); ++chunk) {
      loss += chunk_losses_[chunk];
      for (std::size_t t = 0; t < n_types_; ++t) {
        bias_slopes[t] += chunk_bias_slopes_[chunk * n_types_ + t];
      }
    }
    for (std::size_t gene = 0; gene < shift_.size(); ++gene) {
      for (std::size_t t = 0; t < n_types_; ++t) {
        const std::size_t at = gene * width_ + t;
        gradient[gene * n_types_ + t] =
            gene_sums_[at] + (penalty_ * gene_table_[at] - shift_[gene] * bias_slopes[t]);
      }
    }
    double squares = 0;
    for (std::size_t i = 0; i < first_bias; ++i) squares += x[i] * x[i];
    return loss + 0.5 * penalty_ * squares;
  }

 private:
  /// The padded table of weights, and what every cell's logits begin with.
  void read_weights(std::span<const double> x) {
    base_.assign(width_, 0.0);
    std::copy(x.end() - static_cast<std::ptrdiff_t>(n_types_), x.end(), base_.begin());
    for (std::size_t gene = 0; gene < shift_.size(); ++gene) {
      const double* weight = x.data() + gene * n_types_;
      std::copy_n(weight, n_types_, gene_table_.data() + gene * width_);
      if (shift_[gene] == 0) continue;
      for (std::size_t t = 0; t < n_types_; ++t) base_[t] -= shift_[gene] * weight[t];
    }
  }

  void pass_over(const TwoWayBlock& block) {
    const auto n_cells = as_size(block.end - block.begin);
    if (cell_table_.size() < n_cells * width_) cell_table_.resize(n_cells * width_);
    // Chunks are those of all cells: one may end in the next block.
    const CellIndex first_chunk = block.begin / kChunkCells;
    const CellIndex end_chunk = (block.end - 1) / kChunkCells + 1;
    parallel_for(context_, end_chunk - first_chunk, 1,
                 [&](std::int64_t i, std::int64_t) { judge_cells(block, first_chunk + i); });
    parallel_for(context_, block.by_column.n_rows, kChunkGenes,
                 [&](std::int64_t begin, std::int64_t end) { add_up_genes(block, begin, end); });
  }

  /// Loss of the cells of a chunk that are in a block, and its derivative by each cell's logits.
  void judge_cells(const TwoWayBlock& block, CellIndex chunk) {
    double* bias_slopes = chunk_bias_slopes_.data() + as_size(chunk) * n_types_;
    std::vector<double> logits(width_);
    std::vector<double> probabilities(n_types_);
    double loss = chunk_losses_[as_size(chunk)];
    const CsrView cells = block.by_row.view();
    const CellIndex end = std::min(block.end, (chunk + 1) * kChunkCells);
    for (CellIndex cell = std::max(block.begin, chunk * kChunkCells); cell < end; ++cell) {
      logits = base_;
      const CellIndex row = cell - block.begin;
      const auto genes = cells.row_columns(row);
      add_weighted_rows(cells.row_values(row).data(), genes.data(), genes.size(),
                        gene_table_.data(), width_, logits.data());
      const std::span<double> slopes(cell_table_.data() + as_size(row) * width_, n_types_);
      const double weight = weights_.empty() ? 1 : static_cast<double>(weights_[as_size(cell)]);
      const double scale = weight / n_cells_;
      loss +=
          scale * cell_loss(Loss::CrossEntropy, std::span<const double>(logits.data(), n_types_),
                            as_size(labels_[as_size(cell)]), probabilities, slopes);
      for (std::size_t t = 0; t < n_types_; ++t) {
        slopes[t] *= scale;
        bias_slopes[t] += slopes[t];
      }
    }
    chunk_losses_[as_size(chunk)] = loss;
  }

  void add_up_genes(const TwoWayBlock& block, std::int64_t begin, std::int64_t end) {
    const CsrView genes = block.by_column.view();
    for (std::int64_t gene = begin; gene < end; ++gene) {
      const auto cells = genes.row_columns(gene);
      if (cells.empty()) continue;
      add_weighted_rows(genes.row_values(gene).data(), cells.data(), cells.size(),
                        cell_table_.data(), width_, gene_sums_.data() + as_size(gene) * width_);
    }
  }

  Context context_;
  std::size_t n_types_;
  std::size_t width_;
  double n_cells_;
  double penalty_;
  std::vector<double> shift_;
  std::vector<double> base_;  // biases less what centring subtracts from every cell's logits
  TwoWayRows cells_;
  AlignedVector<double> gene_table_;  // (genes, width): weights
  AlignedVector<double> gene_sums_;   // (genes, width): derivative by the uncentred weights
  AlignedVector<double> cell_table_;  // (cells of a block, width): derivative by the logits
  std::vector<LabelIndex> labels_;
  std::vector<float> weights_;  // empty: all 1
  std::vector<double> chunk_losses_;
  std::vector<double> chunk_bias_slopes_;
};

}  // namespace

std::unique_ptr<LogisticLoss> make_logistic_loss(const LogisticProblem& problem,
                                                 const Context& context) {
  return std::make_unique<CpuLogisticLoss>(problem, context);
}

}  // namespace saithe::kernels::cpu
