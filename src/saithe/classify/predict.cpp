#include "saithe/classify/predict.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "saithe/core/text_io.h"

namespace saithe {
namespace {

/// A query is refused when it has less than this share of the genes and of their weight.
constexpr double kMinShare = 0.3;

/// The share of the first layer's absolute weight that lies on the matched genes.
double matched_weight(const Model& model, const GeneMatch& match) {
  const auto n_units = as_size(model.shape.outputs_of(0));
  const auto& weights = model.parameters.weights.front();
  double matched = 0;
  double all = 0;
  for (std::size_t gene = 0; gene < match.is_present.size(); ++gene) {
    double sum = 0;
    for (std::size_t unit = 0; unit < n_units; ++unit) {
      sum += static_cast<double>(std::abs(weights[gene * n_units + unit]));
    }
    all += sum;
    if (match.is_present[gene]) matched += sum;
  }
  return all > 0 ? matched / all : 0;
}

std::string first_names(const std::vector<std::string>& names) {
  constexpr std::size_t kShown = 3;
  std::string text;
  for (std::size_t i = 0; i < std::min(kShown, names.size()); ++i) {
    text += (i == 0 ? "" : ", ") + printable(names[i]);
  }
  return text;
}

void require_compatible(const Model& model, const CellSource& source, const Predictions& result,
                        bool force) {
  const auto n_genes = static_cast<double>(model.preprocessor.n_genes());
  const double share = static_cast<double>(result.n_genes_matched) / n_genes;
  const bool is_poor = share < kMinShare && result.weight_matched < kMinShare;
  if (result.n_genes_matched > 0 && (force || !is_poor)) return;
  fail(ErrorKind::Incompatible,
       "{}: has {} of the model's {} genes ({:.1f} % of its weight); expected at least {:.0f} %. "
       "The model's genes begin {}, the file's {}. Check organism and gene names{}.",
       source.name(), result.n_genes_matched, model.preprocessor.n_genes(),
       100 * result.weight_matched, 100 * kMinShare, first_names(model.preprocessor.gene_names()),
       first_names(source.var().index()),
       result.n_genes_matched > 0 ? ", or add --force to predict nevertheless" : "");
}

void copy_rows(const DenseMatrix& block, CellIndex begin, DenseMatrix& target) {
  std::copy(block.data(), block.data() + block.n_rows() * block.n_cols(),
            target.data() + begin * target.n_cols());
}

}  // namespace

std::vector<bool> find_cells_with_counts(const CsrView& counts,
                                         std::span<const GeneIndex> model_gene) {
  std::vector<bool> has_counts(as_size(counts.n_rows));
  for (CellIndex cell = 0; cell < counts.n_rows; ++cell) {
    const auto genes = counts.row_columns(cell);
    const auto values = counts.row_values(cell);
    for (std::size_t i = 0; i < genes.size() && !has_counts[as_size(cell)]; ++i) {
      has_counts[as_size(cell)] = values[i] > 0 && model_gene[as_size(genes[i])] >= 0;
    }
  }
  return has_counts;
}

void assign_labels(DenseMatrix& probabilities, const std::vector<bool>& has_counts,
                   std::span<LabelIndex> labels, std::span<float> confidence) {
  for (std::int64_t cell = 0; cell < probabilities.n_rows(); ++cell) {
    const auto at = as_size(cell);
    const auto row = probabilities.row(cell);
    if (!std::all_of(row.begin(), row.end(), [](float p) { return std::isfinite(p); })) {
      fail(ErrorKind::Numerical,
           "the network's output is not finite for cell {} of its block: the weights or the counts "
           "are too large",
           cell);
    }
    if (!has_counts[at]) {
      std::fill(row.begin(), row.end(), 0.0F);
      labels[at] = kNoLabel;
      confidence[at] = 0;
      continue;
    }
    const auto best = std::max_element(row.begin(), row.end());
    labels[at] = static_cast<LabelIndex>(best - row.begin());
    confidence[at] = *best;
  }
}

Predictions predict(const Model& model, CellSource& source, const PredictOptions& options,
                    kernels::Device device, const Context& context) {
  if (options.block_cells < 1) {
    fail(ErrorKind::InvalidArgument, "block-cells: {} is not 1 or more", options.block_cells);
  }
  const GeneMatch match = model.preprocessor.match_genes(source.var());
  Predictions result;
  result.n_genes_matched = match.n_matched;
  result.weight_matched = matched_weight(model, match);
  require_compatible(model, source, result, options.force);

  // A gene the query lacks has z = 0: nothing is subtracted for it.
  std::vector<float> shift = model.preprocessor.shift();
  for (std::size_t gene = 0; gene < shift.size(); ++gene) {
    if (!match.is_present[gene]) shift[gene] = 0;
  }
  const auto backend = kernels::make_backend(device, context);
  const Mlp mlp(model.shape, model.parameters, shift, *backend);

  const CellIndex n_cells = source.n_cells();
  result.labels.resize(as_size(n_cells));
  result.confidence.resize(as_size(n_cells));
  const bool with_hidden = options.with_hidden && !model.shape.hidden.empty();
  if (options.with_probabilities) result.probabilities = {n_cells, model.shape.n_outputs};
  if (options.with_logits) result.logits = {n_cells, model.shape.n_outputs};
  if (with_hidden) result.hidden = {n_cells, model.shape.hidden.back()};

  for (CellIndex begin = 0; begin < n_cells; begin += options.block_cells) {
    context.throw_if_cancelled();
    const CellIndex end = std::min(begin + options.block_cells, n_cells);
    const CsrMatrix counts = source.read_cells(begin, end, context);
    require_counts(source, counts.view(), begin, true);
    const auto has_counts = find_cells_with_counts(counts.view(), match.model_gene);
    const Features features = model.preprocessor.apply(counts.view(), match, context);
    const Activations activations = mlp.forward(features.values.view(), with_hidden, context);
    DenseMatrix probabilities = softmax(activations.logits.view());
    const auto n = as_size(end - begin);
    assign_labels(probabilities, has_counts, std::span(result.labels).subspan(as_size(begin), n),
                  std::span(result.confidence).subspan(as_size(begin), n));
    if (options.with_probabilities) copy_rows(probabilities, begin, result.probabilities);
    if (options.with_logits) copy_rows(activations.logits, begin, result.logits);
    if (with_hidden) copy_rows(activations.hidden, begin, result.hidden);
    context.report("predicting", end, n_cells);
  }
  return result;
}

}  // namespace saithe
