#include "saithe/classify/explain.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>

#include "saithe/classify/missing_genes.h"
#include "saithe/core/parallel.h"
#include "saithe/core/text_io.h"

namespace saithe {
namespace {

constexpr CellIndex kBlockCells = 2048;
/// Cells whose attributions of all genes are in memory at a time.
constexpr std::size_t kAttributedCells = 64;

/// The type of --against; kNoLabel: the runner-up.
LabelIndex fixed_other(const Model& model, const ExplainOptions& options) {
  return options.against == kRunnerUp ? kNoLabel : model.types.find(options.against);
}

/// Cosine of what is above 0. What is below would hide likeness: a model tells two types apart by
/// opposite weights just where they are alike in all else.
double likeness(const std::vector<double>& a, const std::vector<double>& b) {
  double dot = 0;
  double aa = 0;
  double bb = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double x = std::max(a[i], 0.0);
    const double y = std::max(b[i], 0.0);
    dot += x * y;
    aa += x * x;
    bb += y * y;
  }
  return aa > 0 && bb > 0 ? dot / std::sqrt(aa * bb) : 0;
}

/// gradient x sd as attributions: of a fall where the gradient is below 0.
TypeContrast contrast_from_effects(const std::vector<double>& effects, LabelIndex other) {
  TypeContrast contrast;
  contrast.other = other;
  for (const double effect : effects) {
    contrast.attribution.push_back(std::abs(effect));
    contrast.is_expressed.push_back(effect > 0);
  }
  return contrast;
}

/// The index with the highest score, other than `type`.
LabelIndex best_other(std::span<const double> scores, LabelIndex type) {
  LabelIndex best = kNoLabel;
  for (std::size_t t = 0; t < scores.size(); ++t) {
    const auto label = static_cast<LabelIndex>(t);
    if (label == type) continue;
    if (best == kNoLabel || scores[t] > scores[as_size(best)]) best = label;
  }
  return best;
}

/// The type that a model takes for `type` most easily: the second largest of the mean logits of its
/// training cells, which the novelty score keeps; without them the one with the likest effects.
LabelIndex most_confused(const Model& model, LabelIndex type,
                         const std::vector<std::vector<double>>& effects) {
  const auto n_types = as_size(model.types.n_types());
  if (as_size(model.novelty.n_types) == n_types) {
    const auto means = model.novelty.mean_logits(type);
    // All alike where a type had no training cell.
    const auto [low, high] = std::minmax_element(means.begin(), means.end());
    if (*low < *high) return best_other(means, type);
  }
  std::vector<double> scores;
  for (const auto& other : effects) scores.push_back(likeness(effects[as_size(type)], other));
  return best_other(scores, type);
}

/// The genes with the highest attributions above 0 among those that `is_wanted` accepts.
template <typename IsWanted>
std::vector<GeneIndex> rank_genes(std::span<const double> attribution, int n,
                                  const IsWanted& is_wanted) {
  std::vector<GeneIndex> genes;
  for (std::size_t gene = 0; gene < attribution.size(); ++gene) {
    if (attribution[gene] > 0 && is_wanted(gene)) genes.push_back(static_cast<GeneIndex>(gene));
  }
  const auto kept = std::min(as_size(n), genes.size());
  std::partial_sort(genes.begin(), genes.begin() + static_cast<std::ptrdiff_t>(kept), genes.end(),
                    [&](GeneIndex a, GeneIndex b) {
                      const double at_a = attribution[as_size(a)];
                      const double at_b = attribution[as_size(b)];
                      return at_a != at_b ? at_a > at_b : a < b;
                    });
  genes.resize(kept);
  return genes;
}

/// One explanation of a query, block by block.
class QueryExplanation {
 public:
  QueryExplanation(const Model& model, CellSource& source, const Predictions& predictions,
                   const Background& background, const ExplainOptions& options,
                   const Context& context)
      : model_(model),
        source_(source),
        predictions_(predictions),
        options_(options),
        context_(context),
        match_(predictions.genes),
        logs_(model.preprocessor.unscaled()),
        completed_(with_expected_genes(model, match_.is_present)),
        attributor_(completed_ ? *completed_ : model, background,
                    model.preprocessor.shift(match_.is_present), options.steps) {
    SAITHE_ASSERT(as_size(source.n_cells()) == predictions.labels.size());
    result_.background = background.expression;
    choose_cells();
    choose_others();
    const std::int64_t n_genes = model.preprocessor.n_genes();
    result_.expression.mean = {model.types.n_types(), n_genes};
    result_.expression.share = {model.types.n_types(), n_genes};
    result_.expression.is_present = match_.is_present;
    sums_.assign(as_size(model.types.n_types() * n_genes), 0.0);
    n_expressing_.assign(sums_.size(), 0);
  }

  Explanation run() {
    for (CellIndex begin = 0, end = 0; begin < source_.n_cells(); begin = end) {
      context_.throw_if_cancelled();
      end = source_.block_end(begin, kBlockCells, context_);
      explain_block(begin, end);
    }
    finish_expression();
    finish_types();
    return std::move(result_);
  }

 private:
  /// Attributions of one cell: against all, against its other, against its type's other.
  struct Attributed {
    std::vector<double> over_all;
    std::vector<double> over_own_other;
    std::vector<double> over_type_other;  // empty: the same as the cell's own
    double gap = 0;
  };

  void choose_cells() {
    const auto n_types = as_size(model_.types.n_types());
    result_.expression.n_cells.assign(n_types, 0);
    std::vector<std::vector<CellIndex>> cells_of(n_types);
    for (std::size_t cell = 0; cell < predictions_.labels.size(); ++cell) {
      const LabelIndex label = predictions_.labels[cell];
      if (label != kNoLabel) cells_of[as_size(label)].push_back(static_cast<CellIndex>(cell));
    }
    is_chosen_.assign(predictions_.labels.size(), false);
    types_.resize(n_types);
    for (std::size_t t = 0; t < n_types; ++t) {
      const std::size_t n_all = cells_of[t].size();
      const std::size_t n = options_.cells == 0 ? n_all : std::min(n_all, as_size(options_.cells));
      for (std::size_t i = 0; i < n; ++i) is_chosen_[as_size(cells_of[t][i * n_all / n])] = true;
      result_.expression.n_cells[t] = static_cast<std::int64_t>(n_all);
      types_[t].type = static_cast<LabelIndex>(t);
      types_[t].n_cells = static_cast<std::int64_t>(n_all);
      types_[t].n_explained = static_cast<std::int64_t>(n);
      n_chosen_ += types_[t].n_explained;
      for (TypeContrast* contrast : {&types_[t].over_all, &types_[t].over_other}) {
        contrast->attribution.assign(as_size(model_.preprocessor.n_genes()), 0.0);
      }
    }
  }

  void choose_others() {
    require_others();
    const auto n_types = as_size(model_.types.n_types());
    std::vector<double> confusion(n_types * n_types);
    for (std::size_t cell = 0; cell < predictions_.labels.size(); ++cell) {
      const LabelIndex label = predictions_.labels[cell];
      const LabelIndex runner_up = predictions_.runners_up[cell];
      if (label == kNoLabel || runner_up == kNoLabel) continue;
      confusion[as_size(label) * n_types + as_size(runner_up)] +=
          static_cast<double>(predictions_.runner_up_confidence[cell]);
    }
    for (TypeExplanation& type : types_) {
      const auto row = std::span(confusion).subspan(as_size(type.type) * n_types, n_types);
      type.over_other.other = other_for(type.type, best_other(row, type.type));
    }
  }

  /// Where one type alone is allowed no cell has a runner-up.
  void require_others() const {
    for (std::size_t cell = 0; cell < predictions_.labels.size(); ++cell) {
      const LabelIndex label = predictions_.labels[cell];
      if (label == kNoLabel || other_for(label, predictions_.runners_up[cell]) != kNoLabel)
        continue;
      fail(ErrorKind::InvalidArgument,
           "only the type '{}' is allowed, so that no cell has a runner-up to explain it against: "
           "add --against with another type, or allow more types",
           printable(model_.types.name(label)));
    }
  }

  /// The type of --against, unless that is the type itself.
  [[nodiscard]] LabelIndex other_for(LabelIndex type, LabelIndex runner_up) const {
    const LabelIndex fixed = fixed_other(model_, options_);
    return fixed == kNoLabel || fixed == type ? runner_up : fixed;
  }

  void explain_block(CellIndex begin, CellIndex end) {
    const CsrMatrix values = source_.read_cells(begin, end, context_);
    const Features logs = logs_.apply(values.view(), match_, predictions_.kind, context_);
    add_expression(logs.values.view(), begin);
    std::vector<CellIndex> rows;
    for (CellIndex cell = begin; cell < end; ++cell) {
      if (is_chosen_[as_size(cell)]) rows.push_back(cell - begin);
    }
    const CsrMatrix chosen = select_rows(values.view(), rows);
    const Features features =
        model_.preprocessor.apply(chosen.view(), match_, predictions_.kind, context_);
    for (std::size_t first = 0; first < rows.size(); first += kAttributedCells) {
      context_.throw_if_cancelled();
      const std::size_t n = std::min(kAttributedCells, rows.size() - first);
      std::vector<Attributed> attributed(n);
      parallel_for(context_, static_cast<std::int64_t>(n), 1, [&](std::int64_t i, std::int64_t) {
        const auto row = static_cast<CellIndex>(first) + i;
        attributed[as_size(i)] = attribute(features.values.view(), row, begin + rows[as_size(row)]);
      });
      for (std::size_t i = 0; i < n; ++i) {
        keep(attributed[i], logs.values.view(), rows[first + i], begin);
      }
      context_.report("explaining", static_cast<std::int64_t>(result_.cells.size()), n_chosen_);
    }
  }

  void add_expression(const CsrView& logs, CellIndex begin) {
    const auto n_genes = as_size(model_.preprocessor.n_genes());
    for (CellIndex row = 0; row < logs.n_rows; ++row) {
      const LabelIndex label = predictions_.labels[as_size(begin + row)];
      if (label == kNoLabel) continue;
      const auto genes = logs.row_columns(row);
      const auto values = logs.row_values(row);
      for (std::size_t i = 0; i < genes.size(); ++i) {
        const std::size_t at = as_size(label) * n_genes + as_size(genes[i]);
        sums_[at] += static_cast<double>(values[i]);
        n_expressing_[at] += values[i] > 0 ? 1 : 0;
      }
    }
  }

  [[nodiscard]] LabelIndex other_of_cell(CellIndex cell) const {
    return other_for(predictions_.labels[as_size(cell)], predictions_.runners_up[as_size(cell)]);
  }

  [[nodiscard]] Attributed attribute(const CsrView& features, CellIndex row, CellIndex cell) const {
    const LabelIndex label = predictions_.labels[as_size(cell)];
    const LabelIndex type_other = types_[as_size(label)].over_other.other;
    const CellFeatures of_cell{features.row_columns(row), features.row_values(row)};
    Attributed result;
    const auto run = [&](LabelIndex other, std::vector<double>& attributions) {
      attributions.resize(as_size(model_.preprocessor.n_genes()));
      const Completeness found =
          attributor_.attribute(of_cell, contrast_of(model_, label, other), attributions);
      result.gap = std::max(result.gap, std::abs(found.sum - found.difference) /
                                            std::max(1.0, std::abs(found.difference)));
    };
    run(kNoLabel, result.over_all);
    run(other_of_cell(cell), result.over_own_other);
    if (other_of_cell(cell) != type_other) run(type_other, result.over_type_other);
    return result;
  }

  /// Takes over what one cell says, in the order of the cells.
  void keep(const Attributed& attributed, const CsrView& logs, CellIndex row, CellIndex begin) {
    const CellIndex cell = begin + row;
    TypeExplanation& type = types_[as_size(predictions_.labels[as_size(cell)])];
    const std::vector<double>& over_type_other =
        attributed.over_type_other.empty() ? attributed.over_own_other : attributed.over_type_other;
    const auto n = static_cast<double>(type.n_explained);
    for (std::size_t gene = 0; gene < attributed.over_all.size(); ++gene) {
      type.over_all.attribution[gene] += attributed.over_all[gene] / n;
      type.over_other.attribution[gene] += over_type_other[gene] / n;
    }
    result_.largest_gap = std::max(result_.largest_gap, attributed.gap);
    CellExplanation explanation;
    explanation.cell = cell;
    explanation.label = type.type;
    explanation.other = other_of_cell(cell);
    explanation.over_all = top_of_cell(attributed.over_all, logs, row);
    explanation.over_other = top_of_cell(attributed.over_own_other, logs, row);
    result_.cells.push_back(std::move(explanation));
  }

  [[nodiscard]] std::vector<CellGene> top_of_cell(std::span<const double> attribution,
                                                  const CsrView& logs, CellIndex row) const {
    const auto columns = logs.row_columns(row);
    std::vector<CellGene> top;
    for (const GeneIndex gene :
         rank_genes(attribution, options_.top_genes, [](std::size_t) { return true; })) {
      const auto found = std::lower_bound(columns.begin(), columns.end(), gene);
      const bool is_stored = found != columns.end() && *found == gene;
      const double expression =
          is_stored ? static_cast<double>(logs.row_values(row)[as_size(found - columns.begin())])
                    : 0;
      top.push_back({gene, attribution[as_size(gene)], expression});
    }
    return top;
  }

  void finish_expression() {
    TypeExpression& expression = result_.expression;
    const auto n_genes = as_size(model_.preprocessor.n_genes());
    for (std::size_t t = 0; t < expression.n_cells.size(); ++t) {
      if (expression.n_cells[t] == 0) continue;
      const auto n = static_cast<double>(expression.n_cells[t]);
      const auto row = static_cast<std::int64_t>(t);
      for (std::size_t gene = 0; gene < n_genes; ++gene) {
        const std::size_t at = t * n_genes + gene;
        expression.mean.row(row)[gene] = static_cast<float>(sums_[at] / n);
        expression.share.row(row)[gene] =
            static_cast<float>(static_cast<double>(n_expressing_[at]) / n);
      }
    }
  }

  void finish_types() {
    for (TypeExplanation& type : types_) {
      if (type.n_explained == 0) continue;
      const auto mean = result_.expression.mean.row(type.type);
      for (TypeContrast* contrast : {&type.over_all, &type.over_other}) {
        for (std::size_t gene = 0; gene < mean.size(); ++gene) {
          contrast->is_expressed.push_back(static_cast<double>(mean[gene]) >
                                           result_.background[gene]);
        }
      }
      result_.types.push_back(std::move(type));
    }
  }

  const Model& model_;
  CellSource& source_;
  const Predictions& predictions_;
  const ExplainOptions& options_;
  const Context& context_;
  const GeneMatch& match_;
  Preprocessor logs_;
  std::optional<Model> completed_;  // the model for a query that lacks genes
  Attributor attributor_;
  std::vector<bool> is_chosen_;
  std::int64_t n_chosen_ = 0;
  std::vector<TypeExplanation> types_;  // of all types
  std::vector<double> sums_;            // (types, genes)
  std::vector<std::int64_t> n_expressing_;
  Explanation result_;
};

}  // namespace

void require_explainable(const Model& model, const ExplainOptions& options) {
  if (options.top_genes < 1) {
    fail(ErrorKind::InvalidArgument, "--top-genes: {} is not 1 or more", options.top_genes);
  }
  if (options.cells < 0) {
    fail(ErrorKind::InvalidArgument, "--cells: {} is not 0 (all) or more", options.cells);
  }
  constexpr int kMostSteps = 100000;
  if (options.steps < 1 || options.steps > kMostSteps) {
    fail(ErrorKind::InvalidArgument, "--steps: {} is not from 1 to {}", options.steps, kMostSteps);
  }
  if (model.types.n_types() < 2) {
    fail(ErrorKind::Incompatible,
         "the model has one type only: no gene speaks for it against another");
  }
  if (options.against != kRunnerUp && model.types.find(options.against) == kNoLabel) {
    std::string names;
    for (const std::string& name : model.types.names()) {
      names += (names.empty() ? "" : ", ") + printable(name);
    }
    fail(ErrorKind::InvalidArgument,
         "--against: the model has no type '{}'; expected {} or one of: {}",
         printable(options.against), kRunnerUp, names);
  }
}

Explanation explain_model(const Model& model, const ExplainOptions& options) {
  require_explainable(model, options);
  const std::vector<double>& sd = model.preprocessor.sd();
  const bool is_scaled = model.preprocessor.options().scale;
  const Attributor attributor(model, mean_background(model.preprocessor),
                              model.preprocessor.shift(), options.steps);
  const auto effects_of = [&](LabelIndex type, LabelIndex other) {
    auto effects = attributor.background_gradient(contrast_of(model, type, other));
    for (std::size_t gene = 0; gene < effects.size(); ++gene) {
      // One sd is 1 where genes are scaled, but 0 of a gene that does not vary.
      effects[gene] *= is_scaled ? (sd[gene] > 0 ? 1 : 0) : sd[gene];
    }
    return effects;
  };
  std::vector<std::vector<double>> effects;
  for (LabelIndex type = 0; type < model.types.n_types(); ++type) {
    effects.push_back(effects_of(type, kNoLabel));
  }
  Explanation result;
  result.background = model.preprocessor.mean();
  for (LabelIndex type = 0; type < model.types.n_types(); ++type) {
    TypeExplanation explanation;
    explanation.type = type;
    explanation.over_all = contrast_from_effects(effects[as_size(type)], kNoLabel);
    LabelIndex other = fixed_other(model, options);
    if (other == kNoLabel || other == type) other = most_confused(model, type, effects);
    explanation.over_other = contrast_from_effects(effects_of(type, other), other);
    result.types.push_back(std::move(explanation));
  }
  return result;
}

Explanation explain_cells(const Model& model, CellSource& source, const Predictions& predictions,
                          const Background& background, const ExplainOptions& options,
                          const Context& context) {
  require_explainable(model, options);
  return QueryExplanation(model, source, predictions, background, options, context).run();
}

std::vector<GeneIndex> top_genes(const TypeContrast& contrast, Evidence evidence, int n) {
  return rank_genes(contrast.attribution, n, [&](std::size_t gene) {
    return contrast.is_expressed[gene] == (evidence == Evidence::Expressed);
  });
}

double mean_in_others(const TypeExpression& expression, LabelIndex type, GeneIndex gene) {
  double sum = 0;
  std::int64_t n = 0;
  for (std::size_t t = 0; t < expression.n_cells.size(); ++t) {
    if (static_cast<LabelIndex>(t) == type || expression.n_cells[t] == 0) continue;
    n += expression.n_cells[t];
    sum += static_cast<double>(expression.n_cells[t]) *
           static_cast<double>(expression.mean(static_cast<std::int64_t>(t), gene));
  }
  return n > 0 ? sum / static_cast<double>(n) : std::numeric_limits<double>::quiet_NaN();
}

}  // namespace saithe
