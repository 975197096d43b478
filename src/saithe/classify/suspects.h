#pragma once

// Reference cells whose label looks wrong: confident learning (Northcutt, Jiang, Chuang 2021,
// arXiv:1911.00068), in two passes.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "saithe/classify/recipe.h"
#include "saithe/data/cell_source.h"
#include "saithe/data/label_set.h"

namespace saithe {

/// What happens to suspects.
enum class DropSuspects {
  Auto,  ///< dropped from training where drops_suspects() says so
  Always,
  Never
};
template <>
struct EnumNames<DropSuspects> {
  static constexpr std::pair<DropSuspects, const char*> values[] = {
      {DropSuspects::Auto, "auto"},
      {DropSuspects::Always, "always"},
      {DropSuspects::Never, "never"}};
};

struct SuspectOptions {
  bool find = false;
  DropSuspects drop = DropSuspects::Auto;
  double gate = 0.05;
  std::int64_t max_cells = 50000;

  template <typename Visitor>
  static void describe(Visitor& visit, SuspectOptions& options) {
    visit("find-suspects", options.find, "look for training cells whose label looks wrong");
    visit("drop-suspects", options.drop,
          "train without them; auto: where the share of clear ones passes the gate");
    visit("suspect-gate", options.gate,
          "share of clear suspects from which auto drops all; so does three times it of any kind");
    visit("suspect-cells", options.max_cells,
          "look with models of so many cells at most, a stratified draw (all cells are judged)");
  }
  template <typename Visitor>
  static void needs(Visitor& need, const SuspectOptions& options) {
    need({"drop-suspects", "suspect-gate", "suspect-cells"}, options.find,
         "where no suspects are looked for: add --find-suspects");
    need({"suspect-gate"}, options.drop == DropSuspects::Auto,
         "unless it decides: --drop-suspects auto");
  }
};

/// A cell whose label looks wrong.
struct Suspect {
  CellIndex cell = 0;
  LabelIndex label = kNoLabel;  ///< as given
  LabelIndex looks_like = kNoLabel;
  float label_probability = 0;  ///< of the given label, by models that did not see the cell
  float probability = 0;        ///< of what it looks like
};

/// Two passes over the training cells of `cells`. Out-of-fold probabilities (5 folds) come from
/// models that withstand wrong labels: a logistic regression with C 0.01 and weights n_k^-1/2, and
/// the recipe's network with input mask and dropout of one half. A cell is suspect where the most
/// probable type, among those whose probability is at least the mean that the type's own cells
/// have, is not its label and has at least a quarter of its label's probability. The second pass
/// trains without the suspects of the first, unless no cell would be left, and judges all cells
/// anew. Ascending by cell.
///
/// Types with fewer than 5 cells among those that models are trained on are not judged, and no cell
/// looks like one of them; a warning counts them, and says so where fewer than two types are left.
std::vector<Suspect> find_suspects(const RecipeCells& cells, const RecipeOptions& recipe,
                                   const SuspectOptions& options, kernels::Backend& backend,
                                   const Context& context);

/// Whether they are to be left out of a training on `n_cells` cells. Clear ones, whose label has
/// less than a tenth of the probability of what they look like, tell wrong labels from types that
/// overlap; so do three times as many of any kind. With fewer than 10 cells for each of the
/// `n_types` types models of a part of them know too little, and auto drops nothing.
bool drops_suspects(std::span<const Suspect> suspects, std::int64_t n_cells, LabelIndex n_types,
                    const SuspectOptions& options);

}  // namespace saithe
