#include "saithe/classify/suspects.h"

#include <algorithm>

#include "saithe/classify/reference_output.h"
#include "saithe/classify/training_checkpoint.h"
#include "saithe/core/random.h"
#include "saithe/core/text_io.h"
#include "saithe/prep/folds.h"

namespace saithe {
namespace {

constexpr int kFolds = 5;
constexpr int kPasses = 2;
// A model tells nothing of a type of which it has seen a cell or two: each fold has one at least.
constexpr std::int64_t kFewestCells = kFolds;
// Strong penalty, half of the inputs and units gone: such models do not learn single labels by
// heart (docs/methods_training.md has the measurements).
constexpr double kRobustC = 0.01;
// Without a network beside it the logistic regression has to know more.
constexpr double kRobustCAlone = 0.03;
constexpr double kRobustClassWeights = 0.5;
constexpr double kRobustDrop = 0.5;
constexpr double kRobustLearningRate = 1e-3;
// A wrong label is far less probable than the right one; where types overlap, many labels are a
// little less probable than another (docs/methods_training.md has the measurements).
constexpr float kClearlyWrong = 0.1F;
// A cell that looks like another type gives it at least this share of its label's probability: not
// all of it, because where most labels of a rare type are wrong the wrong ones look right.
constexpr float kComparable = 0.25F;
// Models of few cells are never so sure; then so many times the gate tell of wrong labels.
constexpr double kManySuspects = 3;
// In smaller references the models of a fold learn from a handful of cells, and correct labels look
// wrong.
constexpr std::int64_t kLeastCellsPerType = 10;
// Cells that are judged at once: of all of them only the probabilities are kept.
constexpr std::size_t kJudgedCells = 16384;

RecipeOptions robust_recipe(const RecipeOptions& recipe, bool can_mask) {
  RecipeOptions robust = recipe;
  robust.linear = true;
  robust.linear_class_weights = kRobustClassWeights;
  robust.class_weights = kRobustClassWeights;
  robust.trainer.learning_rate = std::min(recipe.trainer.learning_rate, kRobustLearningRate);
  robust.networks = std::min(recipe.networks, 1);
  robust.linear_c = robust.networks > 0 ? kRobustC : kRobustCAlone;
  robust.dropout.assign(robust.hidden.size(), kRobustDrop);
  robust.augment.input_mask = can_mask ? kRobustDrop : 0;
  robust.trainer.loss = kernels::Loss::CrossEntropy;
  return robust;
}

/// One search for suspects.
class Search {
 public:
  Search(const RecipeCells& cells, const RecipeOptions& recipe, const SuspectOptions& options,
         kernels::Backend& backend, const Context& context)
      : cells_(cells),
        recipe_(robust_recipe(recipe, !cells.inputs->preprocessor().options().scale)),
        backend_(backend),
        context_(context),
        is_suspect_(cells.labels.size()),
        pool_(draw_stratified(cells.training, cells.labels, options.max_cells, context)) {
    std::vector<LabelIndex> labels;
    std::vector<std::int64_t> n_cells(as_size(cells.n_types));
    for (const CellIndex cell : pool_) {
      labels.push_back(cells.labels[as_size(cell)]);
      ++n_cells[as_size(labels.back())];
    }
    for (const std::int64_t n : n_cells) {
      is_judged_.push_back(n >= kFewestCells);
      if (n > 0 && n < kFewestCells) ++n_small_types_;
    }
    if (!can_judge()) return;
    folds_ = stratified_folds(labels, cells.n_types, kFolds, context);
    fold_of_cell_.assign(cells.labels.size(), -1);
    for (std::size_t i = 0; i < pool_.size(); ++i) fold_of_cell_[as_size(pool_[i])] = folds_[i];
  }

  /// Whether there are types that may be taken for one another.
  [[nodiscard]] bool can_judge() const {
    return std::count(is_judged_.begin(), is_judged_.end(), true) >= 2;
  }
  /// Types with too few cells to be judged.
  [[nodiscard]] std::int64_t n_small_types() const { return n_small_types_; }

  std::vector<Suspect> run() {
    std::vector<Suspect> suspects;
    for (int pass = 0; pass < kPasses; ++pass) {
      const std::string unit = fmt::format("suspects{}", pass);
      if (cells_.checkpoint == nullptr || !cells_.checkpoint->restore_suspects(unit, suspects)) {
        suspects = judge(out_of_fold(pass, unit));
        if (cells_.checkpoint != nullptr) cells_.checkpoint->keep_suspects(unit, suspects);
      }
      std::fill(is_suspect_.begin(), is_suspect_.end(), false);
      for (const Suspect& suspect : suspects) is_suspect_[as_size(suspect.cell)] = true;
    }
    return suspects;
  }

 private:
  /// Probabilities of all cells by models that have not seen them: of a cell of the pool by its
  /// fold's, of another the mean of all.
  DenseMatrix out_of_fold(int pass, const std::string& unit) {
    DenseMatrix result(cells_.inputs->n_cells(), cells_.n_types);
    for (int fold = 0; fold < kFolds; ++fold) {
      context_.report("looking for suspect labels", pass * kFolds + fold, kPasses * kFolds);
      std::vector<CellIndex> others;
      std::vector<CellIndex> training;
      std::vector<CellIndex> judged;
      for (const CellIndex cell : pool_) {
        const bool is_inside = fold_of_cell_[as_size(cell)] == fold;
        if (is_inside) continue;
        others.push_back(cell);
        if (!is_suspect_[as_size(cell)]) training.push_back(cell);
      }
      // Where all look wrong none is left to learn from, and none tells what is right.
      if (training.empty()) training = std::move(others);
      for (const CellIndex cell : cells_.training) {
        const int own = fold_of_cell_[as_size(cell)];
        if (own == fold || own < 0) judged.push_back(cell);
      }
      const DenseMatrix probabilities =
          judge_fold(training, judged, fold, fmt::format("{}.fold{}", unit, fold));
      for (std::size_t i = 0; i < judged.size(); ++i) {
        const float share = fold_of_cell_[as_size(judged[i])] < 0 ? 1.0F / kFolds : 1.0F;
        const auto source = probabilities.row(static_cast<std::int64_t>(i));
        const auto target = result.row(judged[i]);
        for (std::size_t t = 0; t < source.size(); ++t) target[t] += share * source[t];
      }
    }
    return result;
  }

  /// train_and_judge(), unless a checkpoint has its result.
  DenseMatrix judge_fold(std::span<const CellIndex> training, std::span<const CellIndex> judged,
                         int fold, const std::string& unit) {
    if (cells_.checkpoint == nullptr) return train_and_judge(training, judged, fold);
    DenseMatrix probabilities(static_cast<std::int64_t>(judged.size()), cells_.n_types);
    if (!cells_.checkpoint->restore_matrix(unit, probabilities)) {
      probabilities = train_and_judge(training, judged, fold);
      cells_.checkpoint->keep_matrix(unit, probabilities);
    }
    return probabilities;
  }

  DenseMatrix train_and_judge(std::span<const CellIndex> training,
                              std::span<const CellIndex> judged, int fold) {
    RecipeCells cells = cells_;
    cells.training = training;
    cells.validation = {};
    cells.checkpoint = nullptr;  // it keeps what they say, not these models
    const Context own = context_.with_seed(
        Random(context_.seed(), stream::kSuspects).bits(static_cast<std::uint64_t>(fold)));
    Model model;
    model.types = anonymous_types(cells_.n_types);
    TrainHistory history;
    model.members = train_members(cells, recipe_, backend_, own, history);
    context_.throw_if_cancelled();
    DenseMatrix probabilities(static_cast<std::int64_t>(judged.size()), cells_.n_types);
    for (std::size_t begin = 0; begin < judged.size(); begin += kJudgedCells) {
      const auto some = judged.subspan(begin, std::min(kJudgedCells, judged.size() - begin));
      const EnsembleOutput output =
          forward_reference(model, *cells_.inputs, some, false, backend_, context_);
      std::copy_n(output.probabilities.data(), std::ssize(some) * cells_.n_types,
                  probabilities.row(static_cast<std::int64_t>(begin)).data());
    }
    return probabilities;
  }

  /// Names are of no use here, their number is.
  static LabelSet anonymous_types(LabelIndex n_types) {
    std::vector<std::string> names;
    for (LabelIndex type = 0; type < n_types; ++type) names.push_back(fmt::format("{:010}", type));
    return LabelSet(std::move(names));
  }

  [[nodiscard]] std::vector<Suspect> judge(const DenseMatrix& probabilities) const {
    const auto n_types = as_size(cells_.n_types);
    std::vector<double> threshold(n_types);
    std::vector<double> n_cells(n_types);
    for (const CellIndex cell : cells_.training) {
      const auto label = as_size(cells_.labels[as_size(cell)]);
      threshold[label] += static_cast<double>(probabilities.row(cell)[label]);
      n_cells[label] += 1;
    }
    for (std::size_t t = 0; t < n_types; ++t) threshold[t] /= std::max(1.0, n_cells[t]);
    std::vector<Suspect> suspects;
    for (const CellIndex cell : cells_.training) {
      const auto row = probabilities.row(cell);
      Suspect suspect;
      suspect.cell = cell;
      suspect.label = cells_.labels[as_size(cell)];
      if (!is_judged_[as_size(suspect.label)]) continue;
      for (std::size_t t = 0; t < n_types; ++t) {
        const bool is_confident = static_cast<double>(row[t]) >= threshold[t] && is_judged_[t];
        if (is_confident && (suspect.looks_like == kNoLabel || row[t] > suspect.probability)) {
          suspect.looks_like = static_cast<LabelIndex>(t);
          suspect.probability = row[t];
        }
      }
      if (suspect.looks_like == kNoLabel || suspect.looks_like == suspect.label) continue;
      suspect.label_probability = row[as_size(suspect.label)];
      // Where a type is so hard to tell that its own cells' mean is near 0, all cells pass that.
      if (suspect.probability < kComparable * suspect.label_probability) continue;
      suspects.push_back(suspect);
    }
    std::sort(suspects.begin(), suspects.end(),
              [](const Suspect& a, const Suspect& b) { return a.cell < b.cell; });
    return suspects;
  }

  RecipeCells cells_;
  RecipeOptions recipe_;
  kernels::Backend& backend_;
  const Context& context_;
  std::vector<bool> is_judged_;  // of each type
  std::int64_t n_small_types_ = 0;
  std::vector<bool> is_suspect_;  // in the pass before
  std::vector<CellIndex> pool_;   // the cells that models are trained on
  std::vector<int> folds_;
  std::vector<int> fold_of_cell_;  // -1: not in the pool
};

}  // namespace

std::vector<Suspect> find_suspects(const RecipeCells& cells, const RecipeOptions& recipe,
                                   const SuspectOptions& options, kernels::Backend& backend,
                                   const Context& context) {
  if (!(options.gate >= 0 && options.gate <= 1)) {
    fail(ErrorKind::InvalidArgument, "--suspect-gate: {} is not from 0 to 1", options.gate);
  }
  if (options.max_cells < kFolds) {
    fail(ErrorKind::InvalidArgument, "--suspect-cells: {} is not {} or more", options.max_cells,
         kFolds);
  }
  Search search(cells, recipe, options, backend, context);
  if (!search.can_judge()) {
    context.warn(
        fmt::format("no label is looked at for being wrong: the search needs two types with {} "
                    "cells or more in training (--no-find-suspects goes without it)",
                    kFewestCells));
    return {};
  }
  if (search.n_small_types() > 0) {
    context.warn(
        fmt::format("labels of {} are not looked at for being wrong: the models of the "
                    "search learn from fewer than {} cells of each",
                    counted(search.n_small_types(), "type"), kFewestCells));
  }
  return search.run();
}

bool drops_suspects(std::span<const Suspect> suspects, std::int64_t n_cells, LabelIndex n_types,
                    const SuspectOptions& options) {
  if (options.drop == DropSuspects::Never) return false;
  if (options.drop == DropSuspects::Always) return !suspects.empty();
  if (n_cells < kLeastCellsPerType * n_types) return false;
  const auto n_clear = std::count_if(suspects.begin(), suspects.end(), [](const Suspect& suspect) {
    return suspect.label_probability < kClearlyWrong * suspect.probability;
  });
  const double n_enough = options.gate * static_cast<double>(n_cells);
  const auto n_all = static_cast<double>(suspects.size());
  return !suspects.empty() &&
         (static_cast<double>(n_clear) >= n_enough || n_all >= kManySuspects * n_enough);
}

}  // namespace saithe
