#include "saithe/classify/train.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>

#include "saithe/classify/calibration.h"
#include "saithe/classify/ensemble.h"
#include "saithe/classify/held_out.h"
#include "saithe/classify/learned_types.h"
#include "saithe/classify/model_json.h"
#include "saithe/classify/predict.h"
#include "saithe/classify/reference_output.h"
#include "saithe/classify/training_checkpoint.h"
#include "saithe/classify/training_memory.h"
#include "saithe/classify/training_split.h"
#include "saithe/core/option_text.h"
#include "saithe/core/random.h"
#include "saithe/core/sha256.h"
#include "saithe/prep/folds.h"
#include "saithe/prep/input_cells.h"

namespace saithe {
namespace {

constexpr int kMaxDonorFolds = 10;  // more donors are dealt into so many
constexpr int kFolds = 5;
constexpr std::size_t kSha256Digits = 64;
constexpr std::int64_t kMaxAxesCells = 10000;  // whose axes the novelty score takes

void require_options(const TrainOptions& options) {
  require_recipe(options);
  if (!std::isfinite(options.preprocessor.max_value)) {
    fail(ErrorKind::InvalidArgument, "--max-value {}: expected a finite number",
         options.preprocessor.max_value);
  }
  const bool wants_donors =
      options.validate == Validation::ByDonor ||
      (options.validate == Validation::HeldOut && options.split == SplitKind::ByDonor);
  if (wants_donors != !options.donor_key.empty()) {
    fail(ErrorKind::InvalidArgument,
         "--validate {}, --split {}, --donor-key '{}': validation by donor needs the name of the "
         "column of donors, and a column of donors needs --validate by-donor, or --validate "
         "held-out with --split donor",
         to_text(options.validate), to_text(options.split), options.donor_key);
  }
  if (options.min_cells_per_type < 1) {
    fail(ErrorKind::InvalidArgument, "--min-cells-per-type: {} is not 1 or more",
         options.min_cells_per_type);
  }
  if (options.fold_cells < 0) {
    fail(ErrorKind::InvalidArgument, "--fold-cells: {} is not 0 or more", options.fold_cells);
  }
  if (options.qc.min_cells < 0) {
    fail(ErrorKind::InvalidArgument, "--min-cells: {} is not 0 (off) or more",
         options.qc.min_cells);
  }
}

/// Drops the genes that too few training cells express.
void filter_genes(TrainingData& data, std::span<const CellIndex> training, int min_cells,
                  const Context& context) {
  const auto n_cells = count_cells_per_gene({data.dataset, training}, context);
  std::vector<GeneIndex> kept;
  std::vector<GeneIndex> kept_of_input;
  for (std::size_t gene = 0; gene < n_cells.size(); ++gene) {
    if (n_cells[gene] < min_cells) continue;
    kept.push_back(static_cast<GeneIndex>(gene));
    kept_of_input.push_back(data.qc.genes[gene]);
  }
  FilterStep step{fmt::format("min_cells {} (training cells)", min_cells)};
  step.n_genes_dropped = static_cast<std::int64_t>(n_cells.size() - kept.size());
  data.qc.steps.push_back(step);
  if (kept.empty()) {
    fail(ErrorKind::BadFormat,
         "{}: none of the {} genes is expressed in {} of the {} training cells or more "
         "(--min-cells)",
         data.dataset.name(), n_cells.size(), min_cells, training.size());
  }
  if (kept.size() < n_cells.size()) data.dataset.select_genes(kept);
  data.qc.genes = std::move(kept_of_input);
}

std::vector<std::string> gene_ids_of(const Table& var) {
  if (var.find("gene_ids") == nullptr) return {};
  auto ids = var.as_text("gene_ids");
  if (std::ranges::all_of(ids, &std::string::empty)) ids.clear();
  return ids;
}

/// One training, step by step.
class TrainingRun {
 public:
  TrainingRun(TrainingData data, const TrainOptions& options, kernels::Device device,
              const Context& context, TrainingCheckpoint* checkpoint)
      : data_(std::move(data)),
        options_(options),
        context_(context_for_values(context, data_.dataset.name(), std::ssize(data_.labels),
                                    data_.types.n_types(), options)),
        checkpoint_(checkpoint) {
    backend_ = kernels::make_backend(device, context);
  }

  TrainResult run(const std::function<void(const EpochRecord&)>& on_epoch) {
    if (checkpoint_ != nullptr) checkpoint_->open(checkpoint_key(), context_);
    result_.split = split_cells(data_, options_, context_);
    deal_folds();
    if (options_.scale_on == ScaleOn::Training && options_.qc.min_cells > 0) {
      filter_genes(data_, result_.split.training, options_.qc.min_cells, context_);
    }
    fit_words();
    ModelDescription words = describe_model(result_.model);
    words.members = member_shapes(options_, result_.model.preprocessor.n_genes(), n_types());
    require_storable(words, data_.dataset.name());
    context_.throw_if_cancelled();
    inputs_.emplace(inputs_of(result_.model.preprocessor, context_));
    training_ = result_.split.training;
    look_for_suspects();
    judge_folds();
    train_model(on_epoch);
    judge_model();
    fill_card();
    result_.dataset = std::move(data_.dataset);
    result_.labels = std::move(data_.labels);
    result_.cells = std::move(data_.cells);
    result_.qc = std::move(data_.qc);
    return std::move(result_);
  }

 private:
  [[nodiscard]] LabelIndex n_types() const { return data_.types.n_types(); }

  /// What the result depends on, beside the program itself.
  [[nodiscard]] CheckpointKey checkpoint_key() const {
    Sha256 hash;
    hash.update(hash_training_cells(data_, context_).c_str(), kSha256Digits);
    const auto add = [&](const std::vector<std::string>& texts) {
      for (const std::string& text : texts) hash.update(text.c_str(), text.size() + 1);
    };
    add(gene_ids_of(data_.dataset.var()));
    if (!options_.donor_key.empty()) add(donors_of(data_, options_));
    return {hash.hex_digest(), options_as_text(options_), context_.seed(), SAITHE_VERSION,
            fmt::format("{} ({})", backend_->name(), backend_->hardware())};
  }

  [[nodiscard]] std::vector<CellIndex> all_cells() const {
    std::vector<CellIndex> cells(data_.labels.size());
    std::iota(cells.begin(), cells.end(), CellIndex{0});
    return cells;
  }

  void deal_folds() {
    if (options_.validate == Validation::FiveFold) {
      folds_ = stratified_folds(data_.labels, n_types(), kFolds, context_);
    } else if (options_.validate == Validation::ByDonor) {
      folds_ = donor_folds(donors_of(data_, options_), kMaxDonorFolds);
    }
  }

  Preprocessor fit_preprocessor(std::span<const CellIndex> cells) const {
    return Preprocessor::fit(data_.dataset, cells, data_.dataset.var().index(),
                             gene_ids_of(data_.dataset.var()), options_.preprocessor, context_,
                             data_.kind, data_.dataset.measured_genes());
  }

  /// What members are trained on. There are two at a time, the model's and a fold's.
  [[nodiscard]] InputCells inputs_of(const Preprocessor& preprocessor,
                                     const Context& context) const {
    return {data_.dataset, preprocessor, context, data_.dataset.measured_genes(),
            context.max_memory / kInputsShare};
  }

  /// Everything of the model but its members.
  void fit_words() {
    Model& model = result_.model;
    model.types = data_.types;
    model.preprocessor = fit_preprocessor(options_.scale_on == ScaleOn::Training
                                              ? std::span<const CellIndex>(result_.split.training)
                                              : std::span<const CellIndex>{});
    model.loss = options_.trainer.loss;
    TrainOptions resolved = options_;
    if (data_.kind == ExpressionKind::LogNormalized) resolved.augment.thin_share = 0;
    model.options = options_as_text(resolved);
    model.saithe_version = SAITHE_VERSION;
    model.seed = context_.seed();
  }

  [[nodiscard]] RecipeCells recipe_cells(const InputCells& inputs,
                                         std::span<const CellIndex> training) const {
    RecipeCells cells;
    cells.inputs = &inputs;
    cells.labels = data_.labels;
    cells.training = training;
    cells.n_types = n_types();
    return cells;
  }

  void look_for_suspects() {
    if (!options_.suspects.find) return;
    RecipeCells cells = recipe_cells(*inputs_, training_);
    cells.checkpoint = checkpoint_;
    result_.suspects = find_suspects(cells, options_, options_.suspects, *backend_, context_);
    result_.suspects_dropped =
        drops_suspects(result_.suspects, static_cast<std::int64_t>(training_.size()), n_types(),
                       options_.suspects);
    if (!result_.suspects_dropped) return;
    is_dropped_.assign(data_.labels.size(), false);
    const auto keeps_all = find_types_to_keep_whole();
    for (const Suspect& suspect : result_.suspects) {
      is_dropped_[as_size(suspect.cell)] = !keeps_all[as_size(suspect.label)];
    }
    std::erase_if(training_, [&](CellIndex cell) { return is_dropped_[as_size(cell)]; });
  }

  /// Types of which no cell would be left, by type. Where labels are wrong a small type has more
  /// cells that are none of its own than others: those that stay tell what it is, few as they are.
  [[nodiscard]] std::vector<bool> find_types_to_keep_whole() const {
    std::vector<std::int64_t> n_left(as_size(n_types()));
    for (const CellIndex cell : training_) ++n_left[as_size(data_.labels[as_size(cell)])];
    for (const Suspect& suspect : result_.suspects) --n_left[as_size(suspect.label)];
    std::vector<bool> keeps_all;
    for (const std::int64_t n : n_left) keeps_all.push_back(n == 0);
    return keeps_all;
  }

  [[nodiscard]] bool is_dropped(CellIndex cell) const {
    return !is_dropped_.empty() && is_dropped_[as_size(cell)];
  }

  /// Every fold by a model of the others. What has looked at all cells is the filter of genes by
  /// --min-cells, which knows no labels, and the search for suspects, which decides what the others
  /// of a fold are trained on.
  void judge_folds() {
    if (folds_.empty()) return;
    const int n_all = count_folds(folds_);
    const int n_folds = judges_one_fold() ? 1 : n_all;
    HeldOutPredictions& held_out = result_.held_out;
    for (std::size_t cell = 0; cell < folds_.size(); ++cell) {
      if (folds_[cell] >= n_folds) continue;
      held_out.cells.push_back(static_cast<CellIndex>(cell));
      held_out.folds.push_back(folds_[cell]);
    }
    reserve_held_out(held_out, n_types(), options_.novelty);
    for (int fold = 0; fold < n_folds; ++fold) {
      context_.report("validating", fold, n_folds);
      if (checkpoint_ != nullptr &&
          checkpoint_->restore_fold(fold, held_out.folds, held_out.probabilities, held_out.logits,
                                    held_out.distances) &&
          restore_doublets(fold)) {
        continue;
      }
      judge_fold(fold);
      if (checkpoint_ == nullptr) continue;
      checkpoint_->keep_fold(fold, held_out.folds, held_out.probabilities, held_out.logits,
                             held_out.distances);
    }
  }

  [[nodiscard]] bool judges_one_fold() const {
    return options_.validate == Validation::FiveFold &&
           static_cast<std::int64_t>(data_.labels.size()) > options_.fold_cells;
  }

  void judge_fold(int fold) {
    std::vector<CellIndex> training;
    for (const CellIndex cell : training_) {
      if (folds_[as_size(cell)] != fold) training.push_back(cell);
    }
    const Context own = context_.with_seed(
        Random(context_.seed(), stream::kFoldModels).bits(static_cast<std::uint64_t>(fold)));
    Model model;
    model.types = data_.types;
    model.preprocessor = fit_preprocessor(training);
    const InputCells inputs = inputs_of(model.preprocessor, own);
    TrainHistory history;
    model.members =
        train_members(recipe_cells(inputs, training), options_, *backend_, own, history);
    context_.throw_if_cancelled();
    fit_axes(model, inputs, training, own);
    const EnsembleOutput output =
        learn_novelty(model, inputs, data_.labels, training, false, *backend_, own);
    fill_held_out(result_.held_out, fold, output,
                  reference_distances(model, inputs, output, context_));
    judge_doublets(fold, inputs, model, own);
  }

  /// Pairs of the fold's held-out cells, of unscaled features: sums of others are not known.
  [[nodiscard]] std::vector<CellPair> draw_doublets_of(int fold) const {
    if (!options_.calibrate || options_.preprocessor.scale) return {};
    const HeldOutPredictions& held_out = result_.held_out;
    std::vector<CellIndex> cells;
    for (const std::size_t row : rows_of_fold(held_out, fold)) {
      if (!is_dropped(held_out.cells[row])) cells.push_back(held_out.cells[row]);
    }
    return draw_doublets(cells, data_.labels, static_cast<std::uint64_t>(fold), context_);
  }

  void judge_doublets(int fold, const InputCells& inputs, const Model& model,
                      const Context& context) {
    const auto pairs = draw_doublets_of(fold);
    if (pairs.empty()) return;
    const CsrMatrix features = doublet_features(inputs, pairs, context);
    const DenseMatrix logits =
        Ensemble(model, inputs.shift(), *backend_).forward(features.view(), false, context).logits;
    add_doublets(result_.held_out, pairs, data_.labels, logits);
    // Before the rest of the fold, which says that the fold is done.
    if (checkpoint_ != nullptr && !folds_.empty()) {
      checkpoint_->keep_matrix(doublets_unit(fold), logits);
    }
  }

  [[nodiscard]] bool restore_doublets(int fold) {
    const auto pairs = draw_doublets_of(fold);
    if (pairs.empty()) return true;
    DenseMatrix logits(static_cast<std::int64_t>(pairs.size()), n_types());
    if (!checkpoint_->restore_matrix(doublets_unit(fold), logits)) return false;
    add_doublets(result_.held_out, pairs, data_.labels, logits);
    return true;
  }

  static std::string doublets_unit(int fold) { return fmt::format("doublets{}", fold); }

  /// The axes of the novelty score, before cells are asked for their scores.
  void fit_axes(Model& model, const InputCells& inputs, std::span<const CellIndex> training,
                const Context& context) const {
    if (!options_.novelty) return;
    const auto drawn = draw_stratified(training, data_.labels, kMaxAxesCells, context);
    fit_novelty_axes(model.novelty, FeatureRows(inputs), inputs.by_inputs(drawn), data_.labels,
                     model.preprocessor.center(), context);
  }

  void train_model(const std::function<void(const EpochRecord&)>& on_epoch) {
    Model& model = result_.model;
    RecipeCells cells = recipe_cells(*inputs_, training_);
    cells.validation = result_.split.validation;
    cells.checkpoint = checkpoint_;
    model.members = train_members(cells, options_, *backend_, context_, result_.history, on_epoch);
    model.was_interrupted = result_.history.was_interrupted;
    if (model.was_interrupted) {
      model.options.emplace_back(kEpochsDone, std::to_string(result_.history.epochs.size()));
    }
    if (options_.networks == 0 || (checkpoint_ != nullptr && model.was_interrupted)) {
      context_.throw_if_cancelled();
    }
  }

  /// Predictions for all cells, calibration and novelty by the held-out ones, and all scores.
  void judge_model() {
    // An interrupted training is judged like any other.
    Context uninterrupted = context_;
    uninterrupted.cancelled = nullptr;
    Model& model = result_.model;
    fit_axes(model, *inputs_, training_, uninterrupted);
    EnsembleOutput output = learn_novelty(model, *inputs_, data_.labels, training_,
                                          options_.keep_hidden, *backend_, uninterrupted);
    HeldOutPredictions& held_out = result_.held_out;
    if (options_.validate == Validation::HeldOut) {
      held_out.cells = result_.split.validation;
      reserve_held_out(held_out, n_types(), options_.novelty);
      fill_held_out(held_out, 0, output, reference_distances(model, *inputs_, output, context_));
      judge_doublets(0, *inputs_, model, uninterrupted);
    }
    result_.probabilities = std::move(output.probabilities);
    result_.activations.logits = std::move(output.logits);
    result_.activations.hidden = std::move(output.hidden);
    calibrate();
    label_all_cells();
    const bool has_loss = model.members.size() == 1;
    const DenseView all = result_.probabilities.view();
    result_.training = training_.size() == data_.labels.size()
                           ? judge(training_, all, has_loss)
                           : judge(training_, select_rows(all, training_).view(), has_loss);
    if (!held_out.cells.empty()) {
      result_.validation = judge(held_out.cells, held_out.probabilities.view(),
                                 has_loss && options_.validate == Validation::HeldOut);
    }
  }

  /// Suspects that were dropped do not tell how sure a model may be, nor cells of a type that the
  /// model which judged them had never seen.
  void calibrate() {
    HeldOutPredictions& held_out = result_.held_out;
    Model& model = result_.model;
    if (held_out.cells.empty()) return;
    std::vector<LabelIndex> labels;
    std::vector<CellIndex> rows;
    std::vector<double> distances;
    const auto is_learned = find_learned(data_.labels, training_, folds_, held_out.cells);
    const std::string unlearned =
        describe_unlearned(data_.types, data_.labels, held_out.cells, is_learned,
                           options_.validate == Validation::FiveFold);
    // A held-out share has warned of types with too few cells.
    if (!unlearned.empty() && options_.validate != Validation::HeldOut) context_.warn(unlearned);
    for (std::size_t i = 0; i < held_out.cells.size(); ++i) {
      labels.push_back(data_.labels[as_size(held_out.cells[i])]);
      if (is_dropped(held_out.cells[i]) || !is_learned[i]) continue;
      rows.push_back(static_cast<CellIndex>(i));
      if (options_.novelty) distances.push_back(held_out.distances[i]);
    }
    result_.uncalibrated = judge(held_out.cells, held_out.probabilities.view(), false);
    model.novelty.held_out_quantiles = distance_quantiles(std::move(distances));
    if (!options_.calibrate || rows.empty()) return;
    model.one_vs_rest = fit_one_vs_rest(typed_logits(held_out, labels, rows));
    model.calibration = choose_calibration(held_out.probabilities.view(), labels, rows,
                                           shares_of_types(), power_of_class_weights());
    apply_calibration(held_out.probabilities, model.calibration);
    apply_calibration(result_.probabilities, model.calibration);
  }

  /// Of the cells that trained; at least one cell's for each.
  [[nodiscard]] std::vector<double> shares_of_types() const {
    std::vector<double> shares(as_size(n_types()));
    for (const CellIndex cell : training_) shares[as_size(data_.labels[as_size(cell)])] += 1;
    for (double& share : shares)
      share = std::max(share, 1.0) / static_cast<double>(training_.size());
    return shares;
  }

  /// By which power of its type's size a cell weighed less, at most.
  [[nodiscard]] double power_of_class_weights() const {
    return std::max(options_.linear ? options_.linear_class_weights : 0.0,
                    options_.networks > 0 ? options_.class_weights : 0.0);
  }

  void label_all_cells() {
    std::vector<bool> has_counts;
    for (const CellIndex cell : all_cells()) has_counts.push_back(inputs_->has_counts(cell));
    result_.predicted.resize(data_.labels.size());
    result_.confidence.resize(data_.labels.size());
    assign_labels(result_.probabilities, has_counts, result_.predicted, result_.confidence);
  }

  [[nodiscard]] Evaluation judge(std::span<const CellIndex> cells, DenseView probabilities,
                                 bool has_loss) const {
    std::vector<LabelIndex> truth;
    truth.reserve(cells.size());
    for (const CellIndex cell : cells) truth.push_back(data_.labels[as_size(cell)]);
    if (!has_loss) return evaluate(probabilities, truth, data_.types);
    const DenseMatrix logits = select_rows(result_.activations.logits.view(), cells);
    return evaluate(probabilities, truth, data_.types, logits.view(), result_.model.loss);
  }

  void fill_card() {
    ModelCard& card = result_.model.card;
    card.sources = data_.sources;
    std::vector<LabelIndex> trained;
    for (const CellIndex cell : training_) trained.push_back(data_.labels[as_size(cell)]);
    card.cells_of_type = count_labels(trained, n_types());
    card.n_suspects = static_cast<std::int64_t>(result_.suspects.size());
    card.n_suspects_dropped = std::count(is_dropped_.begin(), is_dropped_.end(), true);
    card.left_out = {data_.n_cells_without_label, data_.n_cells_without_counts, data_.small_types};
    card.shallow_counts = inputs_->shallow_counts(training_);
    card.input_sha256 = hash_training_cells(data_, context_);
    if (!options_.donor_key.empty()) {
      auto donors = donors_of(data_, options_);
      std::sort(donors.begin(), donors.end());
      card.n_donors = std::unique(donors.begin(), donors.end()) - donors.begin();
    }
    ModelScores& scores = card.scores;
    scores.validation = to_text(options_.validate);
    if (judges_one_fold()) scores.validation += ", one fold";
    const Evaluation& validation = result_.validation;
    if (validation.n_cells == 0) return;
    scores.n_cells = validation.n_cells;
    scores.accuracy = validation.accuracy;
    scores.macro_f1 = validation.macro_f1;
    scores.median_f1 = validation.median_f1;
    scores.nll = validation.nll;
    scores.brier = validation.brier;
    scores.ece = validation.ece;
    scores.nll_uncalibrated = result_.uncalibrated.nll;
    scores.brier_uncalibrated = result_.uncalibrated.brier;
    scores.ece_uncalibrated = result_.uncalibrated.ece;
    for (const TypeScores& type : validation.per_type) scores.f1_of_type.push_back(type.f1);
  }

  TrainingData data_;
  const TrainOptions& options_;
  const Context context_;
  TrainingCheckpoint* checkpoint_;  // may be null
  std::unique_ptr<kernels::Backend> backend_;
  TrainResult result_;
  std::optional<InputCells> inputs_;  // of the model
  std::vector<int> folds_;            // of all cells; empty without folds
  std::vector<CellIndex> training_;   // the training cells without dropped suspects
  std::vector<bool> is_dropped_;      // empty: none
};

}  // namespace

TrainResult train(TrainingData data, const TrainOptions& options, kernels::Device device,
                  const Context& context, const std::function<void(const EpochRecord&)>& on_epoch,
                  TrainingCheckpoint* checkpoint) {
  require_options(options);
  return TrainingRun(std::move(data), options, device, context, checkpoint).run(on_epoch);
}

}  // namespace saithe
