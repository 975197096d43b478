#include "saithe/classify/train.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "saithe/classify/model_json.h"
#include "saithe/classify/predict.h"
#include "saithe/core/option_text.h"

namespace saithe {
namespace {

constexpr std::size_t kMaxHiddenLayers = 63;

void require_options(const TrainOptions& options) {
  if (options.hidden.size() > kMaxHiddenLayers ||
      std::any_of(options.hidden.begin(), options.hidden.end(), [](int n) { return n < 1; })) {
    fail(ErrorKind::InvalidArgument, "--hidden {}: expected at most {} layers of 1 unit or more",
         option_text(options.hidden), kMaxHiddenLayers);
  }
  if (options.dropout.size() > options.hidden.size() ||
      std::any_of(options.dropout.begin(), options.dropout.end(),
                  [](double rate) { return !(rate >= 0 && rate < 1); })) {
    fail(ErrorKind::InvalidArgument,
         "--dropout {}: expected at most one rate from 0 to below 1 for each of the {} hidden "
         "layers",
         option_text(options.dropout), options.hidden.size());
  }
  if (!std::isfinite(options.preprocessor.max_value)) {
    fail(ErrorKind::InvalidArgument, "--max-value {}: expected a finite number",
         options.preprocessor.max_value);
  }
  if ((options.split == SplitKind::ByDonor) != !options.donor_key.empty()) {
    fail(ErrorKind::InvalidArgument,
         "--split {} with --donor-key '{}': a split by donor needs both --split donor and the name "
         "of the column of donors",
         to_text(options.split), options.donor_key);
  }
}

/// Whole donors may take a type with them; the other splits tell by themselves.
void warn_of_untrained_types(const TrainingData& data, const Split& split, const Context& context) {
  std::vector<LabelIndex> trained;
  for (const CellIndex cell : split.training) trained.push_back(data.labels[as_size(cell)]);
  const auto n_trained = count_labels(trained, data.types.n_types());
  for (LabelIndex type = 0; type < data.types.n_types(); ++type) {
    if (n_trained[as_size(type)] > 0) continue;
    context.warn(fmt::format(
        "no donor of the training set has a cell of '{}': the model cannot learn this type",
        data.types.name(type)));
  }
}

Split split_cells(const TrainingData& data, const TrainOptions& options, const Context& context) {
  const auto& names = data.types.names();
  if (options.split == SplitKind::Random) {
    return split_random(data.labels, names, options.validation_fraction, context);
  }
  if (options.split == SplitKind::Stratified) {
    return split_stratified(data.labels, names, options.validation_fraction, context);
  }
  const Table& obs = data.dataset.obs();
  if (obs.find(options.donor_key) == nullptr) {
    fail(ErrorKind::BadFormat, "{}: obs has no column '{}' (--donor-key); its columns are {}",
         data.dataset.name(), options.donor_key, obs.column_names());
  }
  Split split =
      split_by_donor(obs.as_text(options.donor_key), options.validation_fraction, context);
  warn_of_untrained_types(data, split, context);
  return split;
}

/// Drops the genes that too few training cells express.
void filter_genes(TrainingData& data, std::span<const CellIndex> training, int min_cells) {
  const auto n_cells = count_cells_per_gene(data.dataset.counts.view(), training);
  std::vector<GeneIndex> kept;
  std::vector<GeneIndex> kept_of_input;
  for (std::size_t gene = 0; gene < n_cells.size(); ++gene) {
    if (n_cells[gene] < min_cells) continue;
    kept.push_back(static_cast<GeneIndex>(gene));
    kept_of_input.push_back(data.qc.genes[gene]);
  }
  FilterStep step;
  step.name = fmt::format("min_cells {} (training cells)", min_cells);
  step.n_genes_dropped = static_cast<std::int64_t>(n_cells.size() - kept.size());
  data.qc.steps.push_back(step);
  if (kept.empty()) {
    fail(ErrorKind::BadFormat,
         "{}: none of the {} genes is expressed in {} of the {} training cells or more "
         "(--min-cells)",
         data.dataset.name(), n_cells.size(), min_cells, training.size());
  }
  if (kept.size() < n_cells.size()) data.dataset = select_genes(data.dataset, kept);
  data.qc.genes = std::move(kept_of_input);
}

std::vector<std::string> gene_ids_of(const Table& var) {
  if (var.find("gene_ids") == nullptr) return {};
  auto ids = var.as_text("gene_ids");
  const bool has_any =
      std::any_of(ids.begin(), ids.end(), [](const auto& id) { return !id.empty(); });
  return has_any ? ids : std::vector<std::string>{};
}

/// Everything of the model but the weights.
Model make_model(const TrainingData& data, const Split& split, const TrainOptions& options,
                 const Context& context) {
  Model model;
  model.types = data.types;
  const std::span<const CellIndex> scaled_on =
      options.scale_on == ScaleOn::Training ? split.training : std::span<const CellIndex>{};
  model.preprocessor =
      Preprocessor::fit(data.dataset.counts.view(), scaled_on, data.dataset.var().index(),
                        gene_ids_of(data.dataset.var()), options.preprocessor, context);
  model.shape.n_inputs = model.preprocessor.n_genes();
  model.shape.hidden = options.hidden;
  model.shape.dropout = options.dropout;
  model.shape.n_outputs = model.types.n_types();
  model.loss = options.trainer.loss;
  model.options = options_as_text(options);
  model.saithe_version = SAITHE_VERSION;
  model.seed = context.seed();
  return model;
}

Evaluation judge(const TrainResult& result, std::span<const CellIndex> cells) {
  std::vector<LabelIndex> truth;
  truth.reserve(cells.size());
  for (const CellIndex cell : cells) truth.push_back(result.labels[as_size(cell)]);
  const DenseMatrix probabilities = select_rows(result.probabilities.view(), cells);
  const DenseMatrix logits = select_rows(result.activations.logits.view(), cells);
  return evaluate(probabilities.view(), truth, result.model.types, logits.view(),
                  result.model.loss);
}

/// Predictions for all cells in evaluation mode, and their scores.
void judge_all(TrainResult& result, const Mlp& mlp, const CsrView& features,
               const Context& context) {
  result.activations = mlp.forward(features, true, context);
  result.probabilities = softmax(result.activations.logits.view());
  std::vector<GeneIndex> all_genes(as_size(result.dataset.n_genes()));
  std::iota(all_genes.begin(), all_genes.end(), GeneIndex{0});
  result.predicted.resize(result.labels.size());
  result.confidence.resize(result.labels.size());
  assign_labels(result.probabilities,
                find_cells_with_counts(result.dataset.counts.view(), all_genes), result.predicted,
                result.confidence);
  result.training = judge(result, result.split.training);
  result.validation = judge(result, result.split.validation);
}

}  // namespace

TrainOptions TrainOptions::preset(const std::string& name) {
  TrainOptions options;
  if (name == "default") return options;
  if (name != "walkthrough") {
    fail(ErrorKind::InvalidArgument,
         "there is no preset '{}'; the presets are default, walkthrough", name);
  }
  options.qc.min_genes = 200;
  options.qc.min_cells = 3;
  options.qc.max_genes = 2500;
  options.qc.max_percent_mt = 5;
  options.split = SplitKind::Random;
  options.scale_on = ScaleOn::All;
  options.trainer.loss = kernels::Loss::Article;
  return options;
}

TrainResult train(TrainingData data, const TrainOptions& options, kernels::Device device,
                  const Context& context, const std::function<void(const EpochRecord&)>& on_epoch) {
  require_options(options);
  TrainResult result;
  result.split = split_cells(data, options, context);
  if (options.scale_on == ScaleOn::Training && options.qc.min_cells > 0) {
    filter_genes(data, result.split.training, options.qc.min_cells);
  }
  result.model = make_model(data, result.split, options, context);
  require_storable(result.model, data.dataset.name());
  result.dataset = std::move(data.dataset);
  result.labels = std::move(data.labels);
  result.qc = std::move(data.qc);

  context.throw_if_cancelled();
  const Features features = result.model.preprocessor.apply(result.dataset.counts.view(), context);
  const auto backend = kernels::make_backend(device, context);
  Mlp mlp(result.model.shape, initial_parameters(result.model.shape, context.seed()),
          features.shift, *backend);
  result.history = train_network(mlp, features.values.view(), result.labels, result.split.training,
                                 result.split.validation, options.trainer, context, on_epoch);
  result.model.was_interrupted = result.history.was_interrupted;
  mlp.end_training();  // its memory makes room for the copy of the weights
  result.model.parameters = mlp.parameters();

  // An interrupted training is judged like any other.
  Context uninterrupted = context;
  uninterrupted.cancelled = nullptr;
  judge_all(result, mlp, features.values.view(), uninterrupted);
  return result;
}

}  // namespace saithe
