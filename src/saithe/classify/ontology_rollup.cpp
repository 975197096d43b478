#include "saithe/classify/ontology_rollup.h"

#include <algorithm>
#include <map>
#include <utility>

#include "saithe/core/error.h"
#include "saithe/core/parallel.h"

namespace saithe {
namespace {

/// Cells that one thread takes at a time.
constexpr std::int64_t kChunk = 256;
/// The share that may be missing from a sum of single-precision probabilities.
constexpr double kRounding = 1e-6;

}  // namespace

OntologyRollup::OntologyRollup(const CellOntology& ontology,
                               std::span<const TermIndex> term_of_type, bool types_exclude)
    : n_types_(static_cast<std::int64_t>(term_of_type.size())), types_exclude_(types_exclude) {
  std::map<TermIndex, std::vector<LabelIndex>> types_under;
  for (std::size_t type = 0; type < term_of_type.size(); ++type) {
    const TermIndex term = term_of_type[type];
    const auto label = static_cast<LabelIndex>(type);
    if (term == kNoTerm) {
      unmapped_.push_back(label);
      continue;
    }
    const bool is_cell_type =
        term >= 0 && as_size(term) < ontology.terms().size() && ontology.term(term).is_cell_type;
    if (!is_cell_type) {
      fail(ErrorKind::InvalidArgument,
           "the term {} of type {} is no cell type of the ontology; expected one of its {} terms",
           term, type, ontology.terms().size());
    }
    for (const TermIndex above : ontology.find_ancestors(term)) {
      if (ontology.term(above).is_cell_type) types_under[above].push_back(label);
    }
  }
  // Terms above the same types have the same probability: only the deepest of them, and of equally
  // deep ones the first id, can ever be chosen.
  std::map<std::vector<LabelIndex>, Step> deepest_of;
  begin_.push_back(0);
  for (const auto& [term, types] : types_under) {
    const Step step = {terms_.size(), ontology.term(term).depth};
    Step& kept = deepest_of.emplace(types, step).first->second;
    if (step.depth > kept.depth) kept = step;
    terms_.push_back(term);
    types_.insert(types_.end(), types.begin(), types.end());
    begin_.push_back(types_.size());
  }
  for (const auto& [types, step] : deepest_of) descent_.push_back(step);
  std::sort(descent_.begin(), descent_.end(), [](const Step& a, const Step& b) {
    return std::pair(-a.depth, a.i) < std::pair(-b.depth, b.i);
  });
}

void OntologyRollup::require_probabilities(DenseView probabilities) const {
  if (probabilities.n_cols != n_types_) {
    fail(ErrorKind::InvalidArgument,
         "probabilities of {} types cannot be rolled up; expected the model's {} types",
         probabilities.n_cols, n_types_);
  }
  for (std::int64_t cell = 0; cell < probabilities.n_rows; ++cell) {
    for (const float p : probabilities.row(cell)) {
      if (p >= 0) continue;
      fail(ErrorKind::InvalidArgument,
           "the probability {} of cell {} of its block cannot be rolled up; expected 0 or more", p,
           cell);
    }
  }
}

double OntologyRollup::probability_of(std::size_t i, std::span<const float> row) const {
  // The types of a term are among those of a term above it, in the same order, and rounding never
  // turns a larger sum into a smaller one (nor a smaller product into a larger): hence a
  // probability never exceeds that of a term above.
  double sum = 0;
  double none = 1;
  for (const LabelIndex type : types_of(i)) {
    const auto p = static_cast<double>(row[as_size(type)]);
    sum += p;
    none *= 1 - p;
  }
  return types_exclude_ ? std::min(1.0, sum) : 1 - none;
}

DenseMatrix OntologyRollup::roll_up(DenseView probabilities, const Context& context) const {
  require_probabilities(probabilities);
  DenseMatrix rolled_up(probabilities.n_rows, static_cast<std::int64_t>(terms_.size()));
  parallel_for(context, probabilities.n_rows, kChunk, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t cell = begin; cell < end; ++cell) {
      const auto row = probabilities.row(cell);
      const auto target = rolled_up.row(cell);
      for (std::size_t i = 0; i < target.size(); ++i) {
        target[i] = static_cast<float>(probability_of(i, row));
      }
    }
  });
  return rolled_up;
}

RolledUpCell OntologyRollup::find_deepest(std::span<const float> row, double threshold) const {
  const double least = threshold * (1 - kRounding);
  RolledUpCell cell;
  double best = 0;
  int depth = 0;
  for (const Step& step : descent_) {
    if (cell.term != kNoTerm && step.depth < depth) break;
    const double probability = probability_of(step.i, row);
    if (probability < least || probability <= best) continue;
    best = probability;
    depth = step.depth;
    cell.term = terms_[step.i];
  }
  for (const LabelIndex type : unmapped_) {
    const auto probability = static_cast<double>(row[as_size(type)]);
    if (probability < least || probability <= best) continue;
    best = probability;
    cell.term = kNoTerm;
    cell.type = type;
  }
  cell.probability = static_cast<float>(best);
  return cell;
}

std::vector<RolledUpCell> OntologyRollup::find_deepest(DenseView probabilities, double threshold,
                                                       const Context& context) const {
  if (!(threshold > 0 && threshold <= 1)) {
    fail(ErrorKind::InvalidArgument, "--ontology-threshold: {} is not above 0 and at most 1",
         threshold);
  }
  require_probabilities(probabilities);
  std::vector<RolledUpCell> cells(as_size(probabilities.n_rows));
  parallel_for(context, probabilities.n_rows, kChunk, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t cell = begin; cell < end; ++cell) {
      cells[as_size(cell)] = find_deepest(probabilities.row(cell), threshold);
    }
  });
  return cells;
}

}  // namespace saithe
