#include "saithe/classify/recipe.h"

#include <algorithm>
#include <cmath>
#include <memory>

#include "saithe/classify/training_checkpoint.h"
#include "saithe/core/option_text.h"
#include "saithe/core/random.h"
#include "saithe/data/label_set.h"

namespace saithe {
namespace {

constexpr std::size_t kMaxHiddenLayers = 63;
constexpr int kMaxNetworks = 100;

/// A new network, or one that a checkpoint has begun; `begun` are its epochs.
std::unique_ptr<Mlp> start_network(const std::string& unit, const MlpShape& shape,
                                   const RecipeCells& cells, kernels::Backend& backend,
                                   std::uint64_t seed, TrainHistory& begun) {
  MlpParameters parameters;
  Mlp::Moments moments;
  const bool is_begun = cells.checkpoint != nullptr &&
                        cells.checkpoint->restore_progress(unit, shape, parameters, moments, begun);
  if (!is_begun) parameters = initial_parameters(shape, seed);
  auto mlp = std::make_unique<Mlp>(shape, parameters, cells.features->shift, backend);
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
  Augmentation augmentation;
  augmentation.weights = weights;
  if (cells.augmenter != nullptr && cells.augmenter->changes_anything()) {
    augmentation.features_of_epoch = [&](int epoch) {
      return cells.augmenter->features_of_epoch(cells.training, own.seed(), epoch);
    };
  }
  TrainHistory so_far = begun;
  const auto hear = [&](const EpochRecord& record) {
    so_far.epochs.push_back(record);
    if (on_epoch) on_epoch(record);
    if (cells.checkpoint != nullptr) cells.checkpoint->keep_progress(unit, *mlp, so_far);
  };
  history =
      train_network(*mlp, cells.features->values.view(), cells.labels, cells.training,
                    cells.validation, options.trainer, own, hear, augmentation, std::move(begun));
  mlp->end_training();  // its memory makes room for the copy of the weights
  member.parameters = mlp->parameters();
  if (cells.checkpoint != nullptr && !history.was_interrupted) {
    cells.checkpoint->keep_member(unit, member.shape, member.parameters, history);
  }
  return member;
}

Member train_linear_member(const MlpShape& shape, const RecipeCells& cells,
                           const RecipeOptions& options, const Context& context) {
  constexpr const char* kUnit = "linear";
  Member member;
  member.shape = shape;
  TrainHistory none;
  if (cells.checkpoint != nullptr &&
      cells.checkpoint->restore_member(kUnit, shape, member.parameters, none)) {
    return member;
  }
  const std::vector<float> weights =
      class_weights(cells.labels, cells.training, cells.n_types, options.linear_class_weights);
  LogisticOptions logistic;
  logistic.c = options.linear_c;
  member.parameters =
      fit_logistic_regression(cells.features->values.view(), cells.features->shift, cells.labels,
                              cells.training, weights, cells.n_types, logistic, context);
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
  const auto shapes = member_shapes(options, cells.features->values.n_cols, cells.n_types);
  std::vector<Member> members;
  if (options.linear) {
    members.push_back(train_linear_member(shapes.front(), cells, options, context));
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
  return members;
}

}  // namespace saithe
