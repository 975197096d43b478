#include "saithe/classify/recipe.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>

#include "saithe/classify/training_checkpoint.h"
#include "saithe/core/option_text.h"
#include "saithe/core/random.h"
#include "saithe/data/label_set.h"
#include "saithe/prep/folds.h"

namespace saithe {
namespace {

constexpr std::size_t kMaxHiddenLayers = 63;
constexpr int kMaxNetworks = 100;

// Values of the cells that the linear member is fitted on: more of them cost time and tell little.
constexpr double kMaxLinearValues = std::int64_t{1} << 25;

// Of the memory for values: what a network keeps as features, at so many bytes each. The reference
// and the inputs of two models lie beside it.
constexpr std::int64_t kFeaturesShare = 4;
constexpr std::int64_t kFeatureBytes = sizeof(GeneIndex) + sizeof(float);

/// Whether the features of all cells may lie in memory. What is computed does not depend on it.
bool may_keep_features(const InputCells& inputs, const Context& context) {
  std::int64_t n_values = 0;
  for (CellIndex cell = 0; cell < inputs.n_cells(); ++cell) n_values += inputs.most_features(cell);
  return n_values <= context.max_memory / kFeaturesShare / kFeatureBytes;
}

CsrMatrix features_of_all(const InputCells& inputs, const Context& context) {
  std::vector<CellIndex> all(as_size(inputs.n_cells()));
  std::iota(all.begin(), all.end(), CellIndex{0});
  return inputs.features(all, context);
}

/// A new network, or one that a checkpoint has begun; `begun` are its epochs.
std::unique_ptr<Mlp> start_network(const std::string& unit, const MlpShape& shape,
                                   const RecipeCells& cells, kernels::Backend& backend,
                                   std::uint64_t seed, TrainHistory& begun) {
  MlpParameters parameters;
  Mlp::Moments moments;
  const bool is_begun = cells.checkpoint != nullptr &&
                        cells.checkpoint->restore_progress(unit, shape, parameters, moments, begun);
  if (!is_begun) parameters = initial_parameters(shape, seed);
  auto mlp = std::make_unique<Mlp>(shape, parameters, cells.inputs->shift(), backend);
  if (is_begun) mlp->set_moments(moments);
  return mlp;
}

/// Trains network `number` of the ensemble.
Member train_network_member(int number, MlpShape shape, const RecipeCells& cells,
                            const RecipeOptions& options, kernels::Backend& backend,
                            const Context& context, TrainHistory& history,
                            const std::function<void(const EpochRecord&)>& on_epoch) {
  // The first network has the run's own seed: a single network is what it was without ensembles.
  const Context own =
      number == 0
          ? context
          : context.with_seed(
                Random(context.seed(), stream::kMembers).bits(static_cast<std::uint64_t>(number)));
  Member member;
  member.shape = std::move(shape);
  const std::string unit = fmt::format("network{}", number);
  if (cells.checkpoint != nullptr &&
      cells.checkpoint->restore_member(unit, member.shape, member.parameters, history)) {
    return member;
  }
  TrainHistory begun;
  const auto mlp = start_network(unit, member.shape, cells, backend, own.seed(), begun);
  const std::vector<float> weights =
      class_weights(cells.labels, cells.training, cells.n_types, options.class_weights);
  const Augmenter augmenter(*cells.inputs, options.augment, own);
  Augmentation augmentation;
  augmentation.weights = weights;
  augmentation.validation_features = [&](std::span<const CellIndex> some) {
    return cells.inputs->features(some, own);
  };
  augmentation.most_features = [&](CellIndex cell) { return cells.inputs->most_features(cell); };
  // Features that never change are made once, if there is room for them.
  const bool changes = augmenter.changes_anything();
  CsrMatrix features;
  if (changes || !may_keep_features(*cells.inputs, own)) {
    augmentation.features_of_epoch = [&](std::span<const CellIndex> some, int epoch) {
      return changes ? augmenter.features_of_epoch(some, own.seed(), epoch)
                     : cells.inputs->features(some, own);
    };
  } else {
    features = features_of_all(*cells.inputs, own);
  }
  TrainHistory so_far = begun;
  const auto hear = [&](const EpochRecord& record) {
    so_far.epochs.push_back(record);
    if (on_epoch) on_epoch(record);
    if (cells.checkpoint != nullptr) cells.checkpoint->keep_progress(unit, *mlp, so_far);
  };
  history = train_network(*mlp, features.view(), cells.labels, cells.training, cells.validation,
                          options.trainer, own, hear, augmentation, std::move(begun));
  mlp->end_training();  // its memory makes room for the copy of the weights
  member.parameters = mlp->parameters();
  if (cells.checkpoint != nullptr && !history.was_interrupted) {
    cells.checkpoint->keep_member(unit, member.shape, member.parameters, history);
  }
  return member;
}

/// The cells that the linear member is fitted on: a draw where all are too many, or hold too many
/// values.
std::vector<CellIndex> linear_cells(const RecipeCells& cells, std::int64_t n_wanted,
                                    const Context& context) {
  const PackedRows& inputs = cells.inputs->inputs();
  const double per_cell = static_cast<double>(inputs.n_stored()) /
                          static_cast<double>(std::max<CellIndex>(1, inputs.n_rows()));
  const auto n_fitting = static_cast<std::int64_t>(kMaxLinearValues / std::max(1.0, per_cell));
  return draw_evenly(cells.training, cells.labels, cells.n_types, std::min(n_wanted, n_fitting),
                     context);
}

/// The weights of the drawn cells: each also stands for those of its type that were not drawn.
std::vector<float> weights_of_drawn(const RecipeCells& cells, std::span<const CellIndex> drawn,
                                    double power) {
  const bool is_whole = drawn.size() == cells.training.size();
  const auto weight_of = class_weights(cells.labels, cells.training, cells.n_types, power);
  if (is_whole && weight_of.empty()) return {};
  std::vector<double> share_drawn(as_size(cells.n_types));
  std::vector<double> n_all(as_size(cells.n_types));
  for (const CellIndex cell : cells.training) ++n_all[as_size(cells.labels[as_size(cell)])];
  for (const CellIndex cell : drawn) {
    const auto type = as_size(cells.labels[as_size(cell)]);
    share_drawn[type] += 1 / n_all[type];
  }
  const double n_each =
      static_cast<double>(cells.training.size()) / static_cast<double>(drawn.size());
  std::vector<float> weights;
  for (const CellIndex cell : drawn) {
    const double own = weight_of.empty() ? 1 : static_cast<double>(weight_of[as_size(cell)]);
    const auto type = as_size(cells.labels[as_size(cell)]);
    weights.push_back(is_whole ? static_cast<float>(own)
                               : static_cast<float>(own / share_drawn[type] / n_each));
  }
  return weights;
}

Member train_linear_member(const MlpShape& shape, const RecipeCells& cells,
                           const RecipeOptions& options, kernels::Backend& backend,
                           const Context& context) {
  constexpr const char* kUnit = "linear";
  Member member;
  member.shape = shape;
  TrainHistory none;
  if (cells.checkpoint != nullptr &&
      cells.checkpoint->restore_member(kUnit, shape, member.parameters, none)) {
    return member;
  }
  const auto drawn = linear_cells(cells, options.linear_cells, context);
  std::vector<LabelIndex> labels;
  for (const CellIndex cell : drawn) labels.push_back(cells.labels[as_size(cell)]);
  const std::vector<float> weights = weights_of_drawn(cells, drawn, options.linear_class_weights);
  const FeatureRows features(*cells.inputs);
  LogisticOptions logistic;
  logistic.c = options.linear_c;
  member.parameters =
      fit_logistic_regression(RowSelection(features, drawn), cells.inputs->shift(), labels, weights,
                              cells.n_types, logistic, backend, context);
  if (cells.checkpoint != nullptr) {
    cells.checkpoint->keep_member(kUnit, shape, member.parameters, {});
  }
  return member;
}

}  // namespace

void require_recipe(const RecipeOptions& options) {
  if (options.networks < 0 || options.networks > kMaxNetworks ||
      (options.networks == 0 && !options.linear)) {
    fail(ErrorKind::InvalidArgument,
         "--networks {}: expected 0 to {}, and 0 only with the linear member (--linear)",
         options.networks, kMaxNetworks);
  }
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
  for (const auto& [name, power] :
       {std::pair("class-weights", options.class_weights),
        std::pair("linear-class-weights", options.linear_class_weights)}) {
    if (!(power >= 0 && power <= 1)) {
      fail(ErrorKind::InvalidArgument, "--{}: {} is not from 0 (all cells alike) to 1 (balanced)",
           name, power);
    }
  }
  if (!(options.linear_share >= 0 && options.linear_share <= 1)) {
    fail(ErrorKind::InvalidArgument, "--linear-share: {} is not from 0 to 1", options.linear_share);
  }
  if (options.linear_cells < 1) {
    fail(ErrorKind::InvalidArgument, "--linear-cells: {} is not 1 or more", options.linear_cells);
  }
  if (!(options.linear_c > 0) || !std::isfinite(options.linear_c)) {
    fail(ErrorKind::InvalidArgument, "--linear-c: {} is not above 0", options.linear_c);
  }
}

std::vector<MlpShape> member_shapes(const RecipeOptions& options, std::int64_t n_inputs,
                                    LabelIndex n_types) {
  std::vector<MlpShape> shapes;
  MlpShape linear;
  linear.n_inputs = n_inputs;
  linear.n_outputs = n_types;
  if (options.linear) shapes.push_back(linear);
  MlpShape network = linear;
  network.hidden = options.hidden;
  network.dropout = options.dropout;
  network.layer_norm = options.layer_norm;
  shapes.insert(shapes.end(), as_size(options.networks), network);
  return shapes;
}

void share_out(std::vector<Member>& members, double first) {
  if (members.size() < 2) return;
  members.front().share = first;
  const double other = (1 - first) / static_cast<double>(members.size() - 1);
  for (std::size_t i = 1; i < members.size(); ++i) members[i].share = other;
}

std::vector<float> class_weights(std::span<const LabelIndex> labels,
                                 std::span<const CellIndex> training, LabelIndex n_types,
                                 double power) {
  if (power == 0) return {};
  std::vector<double> n_cells(as_size(n_types));
  for (const CellIndex cell : training) n_cells[as_size(labels[as_size(cell)])] += 1;
  double sum = 0;
  for (const double n : n_cells) sum += n > 0 ? n * std::pow(n, -power) : 0;
  const double scale = static_cast<double>(training.size()) / sum;
  std::vector<float> weights(labels.size());
  for (const CellIndex cell : training) {
    const double n = n_cells[as_size(labels[as_size(cell)])];
    weights[as_size(cell)] = static_cast<float>(scale * std::pow(n, -power));
  }
  return weights;
}

std::vector<Member> train_members(const RecipeCells& cells, const RecipeOptions& options,
                                  kernels::Backend& backend, const Context& context,
                                  TrainHistory& history,
                                  const std::function<void(const EpochRecord&)>& on_epoch) {
  const auto shapes = member_shapes(options, cells.inputs->n_genes(), cells.n_types);
  std::vector<Member> members;
  if (options.linear) {
    members.push_back(train_linear_member(shapes.front(), cells, options, backend, context));
  }
  for (int number = 0; number < options.networks; ++number) {
    TrainHistory own;
    members.push_back(train_network_member(number, shapes[members.size()], cells, options, backend,
                                           context, own, number == 0 ? on_epoch : nullptr));
    if (number == 0) history = own;
    if (own.was_interrupted) {
      history.was_interrupted = true;
      break;
    }
  }
  share_out(members,
            options.linear ? options.linear_share : 1 / static_cast<double>(members.size()));
  return members;
}

}  // namespace saithe
