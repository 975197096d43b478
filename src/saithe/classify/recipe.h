#pragma once

// What a classifier is made of: a linear member, networks, and how each is trained. Presets of
// training are recipes with other numbers.

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "saithe/core/options.h"
#include "saithe/nn/logistic_regression.h"
#include "saithe/nn/mlp.h"
#include "saithe/nn/trainer.h"
#include "saithe/prep/augment.h"

namespace saithe {

class TrainingCheckpoint;

/// Members of an ensemble and their training. Defaults are the article's network alone.
struct RecipeOptions {
  bool linear = false;    ///< a multinomial logistic regression is a member
  double linear_c = 0.1;  ///< its C, as scikit-learn's
  std::int64_t linear_cells = 100000;
  double linear_class_weights = 1;  ///< cells weigh n_k^-power in it: 1 is "balanced"
  double linear_share = 0.5;        ///< what it counts in the mean where there are networks
  int networks = 1;                 ///< networks of the same shape, each with its own seed
  std::vector<int> hidden = {1028, 256, 128};
  std::vector<double> dropout = {0.2, 0.2};
  bool layer_norm = false;
  double class_weights = 0;  ///< cells weigh n_k^-power in the networks' loss
  TrainerOptions trainer;
  AugmentOptions augment;

  template <typename Visitor>
  static void describe(Visitor& visit, RecipeOptions& options) {
    visit("linear", options.linear, "a logistic regression is a member of the ensemble");
    visit("linear-c", options.linear_c, "its inverse penalty, as scikit-learn's C");
    visit("linear-cells", options.linear_cells,
          "it is fitted on so many training cells at most, a stratified draw");
    visit("linear-class-weights", options.linear_class_weights,
          "in it a cell of a type with n cells weighs n^-this (1: balanced)");
    visit("linear-share", options.linear_share,
          "what it counts in the mean of all; the networks share the rest alike");
    visit("networks", options.networks, "neural networks of the ensemble, each with its own seed");
    visit("hidden", options.hidden, "units of each hidden layer");
    visit("dropout", options.dropout, "dropout rate after each hidden layer");
    visit("layer-norm", options.layer_norm, "normalise each hidden layer before its ReLU");
    visit("class-weights", options.class_weights,
          "in the networks' loss a cell of a type with n cells weighs n^-this (0: all alike)");
    TrainerOptions::describe(visit, options.trainer);
    AugmentOptions::describe(visit, options.augment);
  }
  template <typename Visitor>
  static void needs(Visitor& need, const RecipeOptions& options) {
    need({"linear-c", "linear-class-weights"}, options.linear,
         "without the linear member: leave out --no-linear, or add --linear");
    constexpr const char* kNoNetwork = "without a network: add --networks 1, or more";
    const bool has_network = options.networks > 0;
    need({"linear-share", "hidden", "dropout", "layer-norm", "class-weights", "input-mask",
          "thin-share", "thin-minimum"},
         has_network, kNoNetwork);
    auto need_network = [&](const char* name, const auto&, const char*) {
      need({name}, has_network, kNoNetwork);
    };
    TrainerOptions trainer;
    TrainerOptions::describe(need_network, trainer);
    need({"layer-norm"}, !options.hidden.empty(), "without a hidden layer: name one with --hidden");
    TrainerOptions::needs(need, options.trainer);
    AugmentOptions::needs(need, options.augment);
  }
};

/// One classifier of an ensemble: linear where shape.hidden is empty.
struct Member {
  MlpShape shape;
  MlpParameters parameters;
  double share = 1;  ///< what its probabilities count in the mean; those of all sum to 1
};

/// Labelled cells as members are trained on them.
struct RecipeCells {
  const InputCells* inputs = nullptr;  ///< of all cells
  std::span<const LabelIndex> labels;  ///< of all cells
  std::span<const CellIndex> training;
  std::span<const CellIndex> validation;  ///< judged after each epoch; may be empty
  LabelIndex n_types = 0;
  TrainingCheckpoint* checkpoint = nullptr;  ///< keeps what is finished; may be null
};

/// Throws Error(InvalidArgument) on options that make no sense, naming the option.
void require_recipe(const RecipeOptions& options);

/// The shapes of the members that a recipe makes, in their order.
std::vector<MlpShape> member_shapes(const RecipeOptions& options, std::int64_t n_inputs,
                                    LabelIndex n_types);

/// The first of several members counts `first` (0 to 1) in their mean, and the others share the
/// rest alike; one alone counts whole.
void share_out(std::vector<Member>& members, double first);

/// n_k^-power of each cell of `training`, scaled to a mean of 1; other entries are 0. Empty if
/// power is 0. One entry for each label.
std::vector<float> class_weights(std::span<const LabelIndex> labels,
                                 std::span<const CellIndex> training, LabelIndex n_types,
                                 double power);

/// Trains the members, the linear one first. `on_epoch` hears of the first network. `history` is
/// the first network's; a training that is cancelled after a full epoch of it ends there, marked,
/// without the networks that had not begun. With a checkpoint, members that it has are taken from
/// there, a network goes on after its last full epoch, and each is kept there. Throws what its
/// steps throw.
std::vector<Member> train_members(const RecipeCells& cells, const RecipeOptions& options,
                                  kernels::Backend& backend, const Context& context,
                                  TrainHistory& history,
                                  const std::function<void(const EpochRecord&)>& on_epoch = {});

}  // namespace saithe
