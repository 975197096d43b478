#include "saithe/nn/logistic_regression.h"

#include <algorithm>
#include <cmath>

#include "saithe/core/aligned_vector.h"
#include "saithe/core/parallel.h"
#include "saithe/kernels/cpu/weighted_rows.h"
#include "saithe/kernels/loss.h"
#include "saithe/nn/lbfgs.h"

namespace saithe {
namespace {

// Chunks have fixed borders, so that every sum has one order.
constexpr std::int64_t kChunkCells = 256;
constexpr std::int64_t kChunkGenes = 64;

/// Loss and gradient of one training set. Parameters are the weights (genes, types), then the
/// biases. Inside, rows of types are padded to the width of the kernel.
class LogisticLoss {
 public:
  LogisticLoss(CsrMatrix features, std::span<const float> shift, std::span<const LabelIndex> labels,
               std::span<const float> weights, LabelIndex n_types, double c, const Context& context)
      : context_(context),
        n_types_(as_size(n_types)),
        width_(kernels::cpu::padded_width(n_types_)),
        n_cells_(static_cast<double>(features.n_rows)),
        penalty_(1.0 / (c * n_cells_)),
        shift_(shift.begin(), shift.end()),
        by_cell_(std::move(features)),
        by_gene_(transpose(by_cell_.view())),
        gene_table_(as_size(by_cell_.n_cols) * width_),
        cell_table_(as_size(by_cell_.n_rows) * width_),
        labels_(labels.begin(), labels.end()),
        weights_(weights.begin(), weights.end()) {
    SAITHE_ASSERT(labels_.size() == as_size(by_cell_.n_rows));
    if (weights_.empty()) weights_.assign(labels_.size(), 1.0);
    chunk_losses_.resize(as_size((by_cell_.n_rows + kChunkCells - 1) / kChunkCells));
    chunk_bias_slopes_.resize(chunk_losses_.size() * n_types_);
  }

  [[nodiscard]] std::size_t n_parameters() const {
    return (as_size(by_cell_.n_cols) + 1) * n_types_;
  }

  double operator()(std::span<const double> x, std::span<double> gradient) {
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
      kernels::cpu::add_weighted_rows(by_cell_.view().row_values(cell).data(), genes.data(),
                                      genes.size(), gene_table_.data(), width_, logits.data());
      const std::span<double> slopes(cell_table_.data() + as_size(cell) * width_, n_types_);
      const double scale = weights_[as_size(cell)] / n_cells_;
      loss += scale * kernels::cell_loss(kernels::Loss::CrossEntropy,
                                         std::span<const double>(logits.data(), n_types_),
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
      kernels::cpu::add_weighted_rows(by_gene_.view().row_values(gene).data(), cells.data(),
                                      cells.size(), cell_table_.data(), width_, sum.data());
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

MlpParameters fit_logistic_regression(const CsrView& features, std::span<const float> shift,
                                      std::span<const LabelIndex> labels,
                                      std::span<const CellIndex> cells,
                                      std::span<const float> weights, LabelIndex n_types,
                                      const LogisticOptions& options, const Context& context) {
  std::vector<LabelIndex> own_labels;
  std::vector<float> own_weights;
  for (const CellIndex cell : cells) {
    own_labels.push_back(labels[as_size(cell)]);
    if (!weights.empty()) own_weights.push_back(weights[as_size(cell)]);
  }
  return fit_logistic_regression(select_rows(features, cells), shift, own_labels, own_weights,
                                 n_types, options, context);
}

MlpParameters fit_logistic_regression(CsrMatrix features, std::span<const float> shift,
                                      std::span<const LabelIndex> labels,
                                      std::span<const float> weights, LabelIndex n_types,
                                      const LogisticOptions& options, const Context& context) {
  if (!(options.c > 0) || !std::isfinite(options.c)) {
    fail(ErrorKind::InvalidArgument, "linear-c: {} is not above 0", options.c);
  }
  LogisticLoss loss(std::move(features), shift, labels, weights, n_types, options.c, context);
  std::vector<double> x(loss.n_parameters());
  minimize_lbfgs(
      [&](std::span<const double> at, std::span<double> gradient) { return loss(at, gradient); }, x,
      {options.max_iterations, options.tolerance}, context);
  const auto first_bias = static_cast<std::ptrdiff_t>(x.size() - as_size(n_types));
  MlpParameters parameters;
  parameters.weights.emplace_back(x.begin(), x.begin() + first_bias);
  parameters.biases.emplace_back(x.begin() + first_bias, x.end());
  return parameters;
}

}  // namespace saithe
