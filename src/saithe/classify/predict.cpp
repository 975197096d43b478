#include "saithe/classify/predict.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <tuple>

#include "saithe/classify/ensemble.h"
#include "saithe/classify/missing_genes.h"
#include "saithe/classify/type_misfit.h"
#include "saithe/core/parallel.h"
#include "saithe/core/text_io.h"

namespace saithe {
namespace {

/// A query is refused when it has less than this share of the genes and of their weight.
constexpr double kMinShare = 0.3;
/// Cells are shallow that have less than this share of what hardly a training cell lacks.
constexpr double kShallowShare = 0.5;
constexpr std::int64_t kChunkCells = 256;
constexpr CellIndex kFewestBlockCells = 1024;
constexpr CellIndex kBlockCellsOfThread = 512;
constexpr CellIndex kMostBlockCells = 4096;

/// How many cells are in memory at a time. Few stay in the caches from the file to their labels;
/// many threads, or a GPU, need more to do at a time.
CellIndex cells_of_block(const kernels::Backend& backend, const Context& context) {
  if (backend.name() != "cpu") return kMostBlockCells;
  return std::clamp(kBlockCellsOfThread * context.n_threads(), kFewestBlockCells, kMostBlockCells);
}

/// The share of the absolute first-layer weight of the first member that lies on the matched genes.
/// That is the linear member where there is one: the weights of a network's uninformative genes
/// stay what chance made them.
double matched_weight(const Model& model, const GeneMatch& match) {
  const Member& member = model.members.front();
  const auto n_units = as_size(member.shape.outputs_of(0));
  const auto& weights = member.parameters.weights.front();
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

std::string join(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + printable(name);
  return text;
}

std::string first_names(const std::vector<std::string>& names) {
  constexpr std::size_t kShown = 3;
  std::string text;
  for (std::size_t i = 0; i < std::min(kShown, names.size()); ++i) {
    text += (i == 0 ? "" : ", ") + printable(names[i]);
  }
  return text;
}

std::string join_notes(const std::vector<std::string>& notes) {
  std::string text;
  for (const std::string& note : notes) text += (text.empty() ? " (" : "; ") + note;
  return text.empty() ? text : text + ")";
}

void require_compatible(const Model& model, const CellSource& source, const Predictions& result,
                        bool force) {
  const auto n_genes = static_cast<double>(model.preprocessor.n_genes());
  const double share = static_cast<double>(result.genes.n_matched) / n_genes;
  const bool is_poor = share < kMinShare && result.weight_matched < kMinShare;
  if (result.genes.n_matched > 0 && (force || !is_poor)) return;
  fail(ErrorKind::Incompatible,
       "{}: has {} of the model's {} genes ({:.1f} % of its weight); expected at least {:.0f} % of "
       "the genes or of the weight. The model's genes begin {}, the file's {}. Check organism and "
       "gene names{}{}.",
       source.name(), result.genes.n_matched, model.preprocessor.n_genes(),
       100 * result.weight_matched, 100 * kMinShare, first_names(model.preprocessor.gene_names()),
       first_names(source.var().index()), join_notes(result.genes.notes),
       result.genes.n_matched > 0 ? ", or add --force to go on nevertheless" : "");
}

void copy_rows(const DenseMatrix& block, CellIndex begin, DenseMatrix& target) {
  std::copy(block.data(), block.data() + block.n_rows() * block.n_cols(),
            target.data() + begin * target.n_cols());
}

/// Which types may be given. Throws Error(InvalidArgument) on unknown names, or if none is left.
std::vector<bool> find_allowed_types(const LabelSet& types, const PredictOptions& options) {
  std::vector<bool> is_allowed(types.names().size(), options.labels_allow.empty());
  for (const LabelIndex label : parse_type_list(options.labels_allow, types, "labels-allow")) {
    is_allowed[as_size(label)] = true;
  }
  const std::vector<bool> is_listed = is_allowed;
  for (const LabelIndex label : parse_type_list(options.labels_deny, types, "labels-deny")) {
    if (!is_listed[as_size(label)]) {
      fail(ErrorKind::InvalidArgument,
           "--labels-deny has no effect on '{}': it is not among --labels-allow, and so denied "
           "already",
           printable(types.name(label)));
    }
    is_allowed[as_size(label)] = false;
  }
  if (std::find(is_allowed.begin(), is_allowed.end(), true) == is_allowed.end()) {
    fail(ErrorKind::InvalidArgument, "--labels-allow and --labels-deny leave no type");
  }
  return is_allowed;
}

/// Logits that no type reaches, for the types that are not allowed.
void forbid_types(DenseMatrix& logits, const std::vector<bool>& is_allowed) {
  for (std::int64_t r = 0; r < logits.n_rows(); ++r) {
    const auto row = logits.row(r);
    for (std::size_t t = 0; t < row.size(); ++t) {
      if (!is_allowed[t]) row[t] = std::numeric_limits<float>::lowest();
    }
  }
}

/// 0 for the types that are not allowed; types that exclude each other are scaled to a sum of 1.
void restrict_types(DenseMatrix& probabilities, const std::vector<bool>& is_allowed,
                    bool types_exclude) {
  if (std::find(is_allowed.begin(), is_allowed.end(), false) == is_allowed.end()) return;
  const auto n_allowed = static_cast<float>(std::count(is_allowed.begin(), is_allowed.end(), true));
  for (std::int64_t r = 0; r < probabilities.n_rows(); ++r) {
    const auto row = probabilities.row(r);
    double sum = 0;
    for (std::size_t t = 0; t < row.size(); ++t) {
      if (!is_allowed[t]) row[t] = 0;
      sum += static_cast<double>(row[t]);
    }
    if (!types_exclude) continue;
    for (std::size_t t = 0; t < row.size(); ++t) {
      // Where all that is allowed is rounded to 0 nothing is known among it.
      if (is_allowed[t]) {
        row[t] = sum > 0 ? static_cast<float>(static_cast<double>(row[t]) / sum) : 1 / n_allowed;
      }
    }
  }
}

/// One prediction, block by block.
class Prediction {
 public:
  Prediction(const Model& model, CellSource& source, const PredictOptions& options,
             kernels::Device device, const Context& context)
      : model_(model), source_(source), options_(options), context_(context) {
    if (options.block_cells < 0) {
      fail(ErrorKind::InvalidArgument, "block-cells: {} is not 0 or more", options.block_cells);
    }
    if (!(options.multi_label >= 0 && options.multi_label < 1)) {
      fail(ErrorKind::InvalidArgument, "--multi-label: {} is not from 0 (off) to below 1",
           options.multi_label);
    }
    if (options.multi_label > 0 && model.output == OutputKind::Softmax &&
        model.one_vs_rest.slopes.empty()) {
      fail(ErrorKind::Incompatible,
           "--multi-label: the model has no probabilities of a type against the rest; train it "
           "with --calibrate and a validation");
    }
    is_allowed_ = find_allowed_types(model.types, options);
    result_ = match_model(model, source, options.genes, options.force);
    completed_ = with_expected_genes(model, result_.genes.is_present);
    profiles_ =
        make_type_profiles(model.novelty, model.preprocessor.center(), result_.genes.is_present);
    threshold_ = novelty_threshold(model.novelty, options.false_reject_rate);
    warn_if_nothing_is_rejected();
    // What rejects nothing is no unit: distances are then shown in that of the default rate.
    unit_ = std::isfinite(threshold_)
                ? threshold_
                : novelty_threshold(model.novelty, PredictOptions{}.false_reject_rate);
    backend_ = kernels::make_backend(device, context);
    block_cells_ =
        options.block_cells > 0 ? options.block_cells : cells_of_block(*backend_, context);
    ensemble_.emplace(asked(), model.preprocessor.shift(result_.genes.is_present), *backend_);
  }

  Predictions run(const TakePredictions& take) {
    for (CellIndex begin = 0, end = 0; begin < source_.n_cells(); begin = end) {
      context_.throw_if_cancelled();
      end = source_.block_end(begin, block_cells_, context_);
      predict_block(begin, end);
      take(begin, result_);
      context_.report("predicting", end, source_.n_cells());
    }
    clear(0);
    return std::move(result_);
  }

 private:
  [[nodiscard]] const Model& asked() const { return completed_ ? *completed_ : model_; }

  void warn_if_nothing_is_rejected() const {
    const bool could = options_.reject && model_.novelty.n_types > 0;
    if (!could || !model_.novelty.held_out_quantiles.empty()) return;
    context_.warn(
        "the model was trained without cells held out (--validate none), which set the threshold "
        "of its novelty: no cell with counts is unassigned");
  }

  /// Makes room for the predictions of so many cells.
  void clear(CellIndex n) {
    const auto n_cells = as_size(n);
    result_.labels.assign(n_cells, kNoLabel);
    result_.best_labels.assign(n_cells, kNoLabel);
    result_.confidence.assign(n_cells, 0);
    result_.runners_up.assign(n_cells, kNoLabel);
    result_.runner_up_confidence.assign(n_cells, 0);
    result_.novelty.assign(n_cells, std::numeric_limits<float>::quiet_NaN());
    result_.has_counts.assign(n_cells, false);
    result_.is_shallow.assign(n_cells, false);
    result_.multi_labels.assign(options_.multi_label > 0 ? n_cells : 0, {});
    result_.probabilities = {};
    result_.logits = {};
    result_.hidden = {};
  }

  void require_values(const CsrView& values, CellIndex begin) {
    if (begin == 0) {
      result_.kind = find_expression_kind(source_, values, context_);
    } else {
      require_expression(source_, values, begin, result_.kind, context_);
    }
  }

  void predict_block(CellIndex begin, CellIndex end) {
    clear(end - begin);
    const CsrMatrix values = source_.read_cells(begin, end, context_);
    require_values(values.view(), begin);
    const auto has_counts =
        find_cells_with_counts(values.view(), result_.genes.model_gene, context_);
    const Features features =
        ensemble_->preprocessor().apply(values.view(), result_.genes, result_.kind, context_);
    const bool keeps_hidden = options_.with_hidden && ensemble_->has_hidden();
    EnsembleOutput output = ensemble_->forward(features.values.view(), keeps_hidden, context_);
    const bool excludes = model_.output == OutputKind::Softmax;
    restrict_types(output.probabilities, is_allowed_, excludes);
    DenseMatrix ranking;  // the logits themselves say the same whatever is allowed
    if (!excludes) {
      ranking = output.logits;
      forbid_types(ranking, is_allowed_);
    }
    assign_labels(output.probabilities, has_counts, result_.best_labels, result_.confidence,
                  ranking.view());
    judge_cells(output, ranking.view(), has_counts);
    for (std::size_t i = 0; i < features.depths.size(); ++i) {
      result_.is_shallow[i] =
          has_counts[i] && features.depths[i] < model_.card.shallow_counts * kShallowShare;
    }
    if (options_.with_probabilities) result_.probabilities = std::move(output.probabilities);
    if (options_.with_logits) result_.logits = std::move(output.logits);
    if (keeps_hidden) result_.hidden = std::move(output.hidden);
  }

  /// Runner-up, novelty, and the label that remains.
  void judge_cells(const EnsembleOutput& output, DenseView ranking,
                   const std::vector<bool>& has_counts) {
    std::vector<double> distances;
    const bool has_novelty = model_.novelty.n_types > 0;
    if (has_novelty) {
      distances =
          novelty_distances(asked().novelty, output.scores.view(), output.logits.view(),
                            standard_misfits(asked().novelty, profiles_, output.scores.view(),
                                             output.sums.view(), context_),
                            context_);
    }
    result_.labels = result_.best_labels;
    result_.has_counts = has_counts;
    for (std::size_t i = 0; i < has_counts.size(); ++i) {
      if (!has_counts[i]) continue;
      const auto row = static_cast<std::int64_t>(i);
      if (options_.multi_label > 0) result_.multi_labels[i] = find_multi_labels(output, row);
      std::tie(result_.runners_up[i], result_.runner_up_confidence[i]) =
          runner_up_of(output.probabilities.row(row), result_.best_labels[i], is_allowed_,
                       ranking.n_rows > 0 ? ranking.row(row) : std::span<const float>());
      if (!has_novelty) continue;
      if (std::isfinite(unit_)) result_.novelty[i] = static_cast<float>(distances[i] / unit_);
      if (options_.reject && distances[i] > threshold_) result_.labels[i] = kNoLabel;
    }
  }

  /// A one-vs-rest model has its types' own probabilities; of another's logits they are made.
  [[nodiscard]] std::vector<LabelIndex> find_multi_labels(const EnsembleOutput& output,
                                                          std::int64_t row) const {
    const auto probabilities = output.probabilities.row(row);
    if (model_.output == OutputKind::Softmax) {
      auto found = types_above(model_.one_vs_rest, output.logits.row(row), options_.multi_label);
      std::erase_if(found, [&](LabelIndex type) { return !is_allowed_[as_size(type)]; });
      return found;
    }
    std::vector<LabelIndex> found;
    for (std::size_t t = 0; t < probabilities.size(); ++t) {
      if (static_cast<double>(probabilities[t]) >= options_.multi_label) {
        found.push_back(static_cast<LabelIndex>(t));
      }
    }
    // By their logits: sigmoids may be rounded to 1.
    const auto logits = output.logits.row(row);
    std::stable_sort(found.begin(), found.end(), [&](LabelIndex a, LabelIndex b) {
      return logits[as_size(a)] > logits[as_size(b)];
    });
    return found;
  }

  const Model& model_;
  CellSource& source_;
  const PredictOptions& options_;
  const Context& context_;
  std::vector<bool> is_allowed_;
  std::optional<Model> completed_;  // the model for a query that lacks genes
  TypeProfiles profiles_;           // on the genes that the query has
  double threshold_ = 0;
  double unit_ = 0;  // of the novelty that is shown
  std::unique_ptr<kernels::Backend> backend_;
  CellIndex block_cells_ = 0;
  std::optional<Ensemble> ensemble_;
  Predictions result_;
};

}  // namespace

Predictions match_model(const Model& model, const CellSource& source, const GeneMatchOptions& genes,
                        bool force) {
  Predictions result;
  result.genes = model.preprocessor.match_genes(source.var(), genes, source.name());
  result.weight_matched = matched_weight(model, result.genes);
  require_compatible(model, source, result, force);
  return result;
}

std::vector<LabelIndex> parse_type_list(const std::string& text, const LabelSet& types,
                                        const std::string& option) {
  if (text.empty()) return {};
  std::vector<std::string_view> pieces;
  split_fields(text, ',', pieces);
  std::vector<LabelIndex> labels;
  for (std::size_t i = 0; i < pieces.size();) {
    // From this piece on, the longest run of pieces that is the name of a type.
    std::size_t n_used = 0;
    for (std::size_t j = i; j < pieces.size(); ++j) {
      const char* end = pieces[j].data() + pieces[j].size();
      const std::string_view name(pieces[i].data(),
                                  static_cast<std::size_t>(end - pieces[i].data()));
      const LabelIndex label = types.find(name);
      if (label == kNoLabel) continue;
      if (n_used > 0) labels.pop_back();
      labels.push_back(label);
      n_used = j - i + 1;
    }
    if (n_used == 0) {
      fail(ErrorKind::InvalidArgument, "--{}: the model has no type '{}'; its types are: {}",
           option, printable(pieces[i]), join(types.names()));
    }
    i += n_used;
  }
  return labels;
}

std::vector<bool> find_cells_with_counts(const CsrView& counts,
                                         std::span<const GeneIndex> model_gene,
                                         const Context& context) {
  std::vector<char> has_counts(as_size(counts.n_rows));
  parallel_for(context, counts.n_rows, kChunkCells, [&](std::int64_t begin, std::int64_t end) {
    for (CellIndex cell = begin; cell < end; ++cell) {
      const auto genes = counts.row_columns(cell);
      const auto values = counts.row_values(cell);
      bool is_found = false;
      for (std::size_t i = 0; i < genes.size() && !is_found; ++i) {
        is_found = values[i] > 0 && model_gene[as_size(genes[i])] >= 0;
      }
      has_counts[as_size(cell)] = is_found ? 1 : 0;
    }
  });
  return {has_counts.begin(), has_counts.end()};
}

void assign_labels(DenseMatrix& probabilities, const std::vector<bool>& has_counts,
                   std::span<LabelIndex> labels, std::span<float> confidence, DenseView ranking) {
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
    const auto ranks = ranking.n_rows > 0 ? ranking.row(cell) : std::span<const float>(row);
    const auto best = std::max_element(ranks.begin(), ranks.end()) - ranks.begin();
    labels[at] = static_cast<LabelIndex>(best);
    confidence[at] = row[static_cast<std::size_t>(best)];
  }
}

std::pair<LabelIndex, float> runner_up_of(std::span<const float> probabilities, LabelIndex best,
                                          const std::vector<bool>& is_allowed,
                                          std::span<const float> ranking) {
  const auto ranks = ranking.empty() ? probabilities : ranking;
  LabelIndex second = kNoLabel;
  for (std::size_t t = 0; t < probabilities.size(); ++t) {
    const auto label = static_cast<LabelIndex>(t);
    if (label == best || !is_allowed[t]) continue;
    if (second == kNoLabel || ranks[t] > ranks[as_size(second)]) second = label;
  }
  return {second, second == kNoLabel ? 0.0F : probabilities[as_size(second)]};
}

Predictions predict_in_blocks(const Model& model, CellSource& source, const PredictOptions& options,
                              kernels::Device device, const Context& context,
                              const TakePredictions& take) {
  return Prediction(model, source, options, device, context).run(take);
}

namespace {

/// Block by block into what will have so many rows.
void append_rows(DenseMatrix& all, CellIndex n_cells, CellIndex first, const DenseMatrix& block) {
  if (block.n_rows() == 0) return;
  if (all.n_rows() == 0) all = {n_cells, block.n_cols()};
  copy_rows(block, first, all);
}

template <typename Values>
void append(Values& all, const Values& block) {
  all.insert(all.end(), block.begin(), block.end());
}

}  // namespace

void UnassignedCells::add(const Predictions& block) {
  n_cells += std::ssize(block.labels);
  for (std::size_t cell = 0; cell < block.labels.size(); ++cell) {
    const bool is_unassigned = block.labels[cell] == kNoLabel;
    n_unassigned += is_unassigned ? 1 : 0;
    const LabelIndex best = block.best_labels[cell];
    if (best == kNoLabel) continue;
    if (as_size(best) >= of_type.size()) of_type.resize(as_size(best) + 1);
    ++of_type[as_size(best)].n_cells;
    if (!is_unassigned) continue;
    ++n_rejected;
    ++of_type[as_size(best)].n_rejected;
  }
}

Predictions predict(const Model& model, CellSource& source, const PredictOptions& options,
                    kernels::Device device, const Context& context) {
  const CellIndex n_cells = source.n_cells();
  Predictions all;
  Predictions shared = predict_in_blocks(
      model, source, options, device, context, [&](CellIndex first, const Predictions& block) {
        append(all.labels, block.labels);
        append(all.best_labels, block.best_labels);
        append(all.confidence, block.confidence);
        append(all.runners_up, block.runners_up);
        append(all.runner_up_confidence, block.runner_up_confidence);
        append(all.novelty, block.novelty);
        append(all.multi_labels, block.multi_labels);
        append(all.has_counts, block.has_counts);
        append(all.is_shallow, block.is_shallow);
        append_rows(all.probabilities, n_cells, first, block.probabilities);
        append_rows(all.logits, n_cells, first, block.logits);
        append_rows(all.hidden, n_cells, first, block.hidden);
      });
  all.kind = shared.kind;
  all.genes = std::move(shared.genes);
  all.weight_matched = shared.weight_matched;
  return all;
}

}  // namespace saithe
