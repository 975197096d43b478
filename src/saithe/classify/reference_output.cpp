#include "saithe/classify/reference_output.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <utility>

#include "saithe/classify/feature_factors.h"
#include "saithe/classify/missing_genes.h"
#include "saithe/classify/type_misfit.h"

namespace saithe {
namespace {

// Most cells whose features, or copied coordinates, are in memory at a time.
constexpr std::size_t kBlockCells = 4096;

std::vector<CellIndex> all_cells(const InputCells& inputs) {
  std::vector<CellIndex> cells(as_size(inputs.n_cells()));
  std::iota(cells.begin(), cells.end(), CellIndex{0});
  return cells;
}

/// The rows of `some` to the rows `to` of `all`, which has n_rows.
void place_rows(const DenseMatrix& some, std::span<const std::int64_t> to, std::int64_t n_rows,
                DenseMatrix& all) {
  if (some.n_rows() == 0) return;
  if (all.n_rows() == 0) all = DenseMatrix(n_rows, some.n_cols());
  for (std::size_t i = 0; i < to.size(); ++i) {
    std::ranges::copy(some.row(static_cast<std::int64_t>(i)), all.row(to[i]).begin());
  }
}

void place_rows(const EnsembleOutput& some, std::span<const std::int64_t> to, std::int64_t n_rows,
                EnsembleOutput& all) {
  place_rows(some.probabilities, to, n_rows, all.probabilities);
  place_rows(some.logits, to, n_rows, all.logits);
  place_rows(some.scores, to, n_rows, all.scores);
  place_rows(some.sums, to, n_rows, all.sums);
  place_rows(some.hidden, to, n_rows, all.hidden);
}

bool is_linear(const Model& model) {
  return model.members.front().shape.hidden.empty();
}

/// The novelty score of cells with these inputs.
NoveltyModel novelty_of(const Model& model, const std::vector<bool>& has_input) {
  std::optional<Model> completed = with_expected_genes(model, has_input);
  return completed ? std::move(completed->novelty) : model.novelty;
}

/// The novelty score's distributions of complete cells, from training cells that lack inputs. Of a
/// network's logits nothing is known but what the cells have.
void fit_incomplete(Model& model, const InputCells& inputs, std::span<const LabelIndex> labels,
                    std::span<const CellsWithInputs> groups, DenseView scores, LabelIndex n_types,
                    const Context& context) {
  NoveltyModel& novelty = model.novelty;
  const std::vector<double> center = inputs.preprocessor().center();
  const auto sums = sum_features(FeatureRows(inputs), groups, labels, n_types, context);
  const RowMajorMatrix type_means = fit_type_means(novelty, sums, center);
  fit_scores_of_groups(novelty, type_means, center, scores, labels, groups);
  if (!is_linear(model)) return;
  const MlpParameters& linear = model.members.front().parameters;
  for (std::int64_t type = 0; type < n_types; ++type) {
    if (novelty.type_shares[as_size(type)] == 0) continue;
    const auto mean_logits =
        std::span(novelty.means)
            .subspan(as_size(type * novelty.n_coordinates() + novelty.n_axes), as_size(n_types));
    std::ranges::copy(linear.biases.front(), mean_logits.begin());
    for (std::int64_t gene = 0; gene < inputs.n_genes(); ++gene) {
      const double feature =
          type_means(type, gene) - static_cast<double>(inputs.shift()[as_size(gene)]);
      for (std::size_t t = 0; t < mean_logits.size(); ++t) {
        mean_logits[t] +=
            feature *
            static_cast<double>(linear.weights.front()[as_size(gene) * as_size(n_types) + t]);
      }
    }
  }
  take_factor_covariance(novelty, linear.weights.front());
}

}  // namespace

EnsembleOutput forward_reference(const Model& model, const InputCells& inputs,
                                 std::span<const CellIndex> cells, bool with_hidden,
                                 kernels::Backend& backend, const Context& context) {
  EnsembleOutput all;
  std::vector<std::int64_t> place(as_size(inputs.n_cells()));
  for (std::size_t i = 0; i < cells.size(); ++i) {
    place[as_size(cells[i])] = static_cast<std::int64_t>(i);
  }
  for (const auto& [of_group, has_input] : inputs.by_inputs(cells)) {
    const std::optional<Model> completed = with_expected_genes(model, has_input);
    const Ensemble ensemble(completed ? *completed : model, inputs.preprocessor().shift(has_input),
                            backend);
    for (std::size_t begin = 0, end = 0; begin < of_group.size(); begin = end) {
      end = inputs.block_end(of_group, begin, kBlockCells, context);
      const auto some = std::span(of_group).subspan(begin, end - begin);
      const EnsembleOutput output =
          ensemble.forward(inputs.measured_features(some, context).view(), with_hidden, context);
      std::vector<std::int64_t> to;
      for (const CellIndex cell : some) to.push_back(place[as_size(cell)]);
      place_rows(output, to, std::ssize(cells), all);
    }
  }
  return all;
}

EnsembleOutput learn_novelty(Model& model, const InputCells& inputs,
                             std::span<const LabelIndex> labels,
                             std::span<const CellIndex> training, bool with_hidden,
                             kernels::Backend& backend, const Context& context) {
  const std::vector<CellIndex> all = all_cells(inputs);
  NoveltyModel& novelty = model.novelty;
  if (novelty.n_axes == 0) {
    return forward_reference(model, inputs, all, with_hidden, backend, context);
  }
  const std::vector<CellsWithInputs> groups = inputs.by_inputs(training);
  EnsembleOutput output;
  if (inputs.measured().is_complete()) {
    output = forward_reference(model, inputs, all, with_hidden, backend, context);
    fit_novelty(novelty, output.scores.view(), output.logits.view(), labels, training);
    if (is_linear(model)) {
      take_factor_covariance(novelty, model.members.front().parameters.weights.front());
    }
  } else {
    // What missing genes are expected to be follows from the scores, which need one member only.
    Model first = model;
    first.members.resize(1);
    output = forward_reference(first, inputs, all, false, backend, context);
    fit_incomplete(model, inputs, labels, groups, output.scores.view(),
                   static_cast<LabelIndex>(output.logits.n_cols()), context);
    output = forward_reference(model, inputs, all, with_hidden, backend, context);
    if (!is_linear(model)) {
      fit_novelty(novelty, output.scores.view(), output.logits.view(), labels, training);
    }
  }
  fit_misfit(novelty, groups, inputs.preprocessor().center(), output.scores.view(),
             output.sums.view());
  return output;
}

std::vector<double> reference_distances(const Model& model, const InputCells& inputs,
                                        const EnsembleOutput& output, const Context& context) {
  if (model.novelty.n_types == 0) return {};
  std::vector<double> distances(as_size(inputs.n_cells()));
  for (const auto& [cells, has_input] : inputs.by_inputs(all_cells(inputs))) {
    const NoveltyModel novelty = novelty_of(model, has_input);
    const auto profiles =
        make_type_profiles(model.novelty, inputs.preprocessor().center(), has_input);
    for (std::size_t begin = 0; begin < cells.size(); begin += kBlockCells) {
      const auto some =
          std::span(cells).subspan(begin, std::min(kBlockCells, cells.size() - begin));
      const DenseMatrix scores = select_rows(output.scores.view(), some);
      const DenseMatrix sums = select_rows(output.sums.view(), some);
      const DenseMatrix logits = select_rows(output.logits.view(), some);
      const auto misfits = standard_misfits(novelty, profiles, scores.view(), sums.view(), context);
      const auto of_block =
          novelty_distances(novelty, scores.view(), logits.view(), misfits, context);
      for (std::size_t i = 0; i < some.size(); ++i) distances[as_size(some[i])] = of_block[i];
    }
  }
  return distances;
}

}  // namespace saithe
