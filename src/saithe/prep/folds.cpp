#include "saithe/prep/folds.h"

#include <algorithm>
#include <map>
#include <numeric>

#include "saithe/core/random.h"
#include "saithe/core/text_io.h"
#include "saithe/prep/split.h"

namespace saithe {

std::vector<int> stratified_folds(std::span<const LabelIndex> labels, LabelIndex n_types,
                                  int n_folds, const Context& context) {
  if (n_folds < 2 || labels.size() < as_size(n_folds)) {
    fail(ErrorKind::InvalidArgument,
         "{} cells cannot be dealt into {} folds: expected 2 or more, "
         "and a cell for each. --validate none trains on all cells, and judges nothing",
         labels.size(), n_folds);
  }
  std::vector<CellIndex> order(labels.size());
  std::iota(order.begin(), order.end(), CellIndex{0});
  Random(context.seed(), stream::kFolds).shuffle(std::span<CellIndex>(order));
  // One deck for all types, type after type: a type begins where the one before ended.
  std::stable_sort(order.begin(), order.end(), [&](CellIndex a, CellIndex b) {
    return labels[as_size(a)] < labels[as_size(b)];
  });
  SAITHE_ASSERT(labels[as_size(order.back())] < n_types);
  std::vector<int> folds(labels.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    folds[as_size(order[i])] = static_cast<int>(i % as_size(n_folds));
  }
  return folds;
}

std::vector<int> donor_folds(std::span<const std::string> donors, int max_folds) {
  require_donors(donors, "--validate by-donor");
  std::map<std::string, std::int64_t> n_cells_of;
  for (const std::string& donor : donors) ++n_cells_of[donor];
  if (n_cells_of.size() < 2) {
    fail(ErrorKind::BadFormat,
         "--validate by-donor: the column holds {}; whole donors can be held out from two "
         "on",
         counted(std::ssize(n_cells_of), "donor"));
  }
  std::map<std::string, int> fold_of;
  if (n_cells_of.size() <= as_size(max_folds)) {
    for (const auto& [donor, n] : n_cells_of) {
      fold_of.emplace(donor, static_cast<int>(fold_of.size()));
    }
  } else {
    std::vector<std::pair<std::string, std::int64_t>> order(n_cells_of.begin(), n_cells_of.end());
    std::stable_sort(order.begin(), order.end(),
                     [](const auto& a, const auto& b) { return a.second > b.second; });
    std::vector<std::int64_t> n_cells(as_size(max_folds));
    for (const auto& [donor, n] : order) {
      const auto smallest = std::min_element(n_cells.begin(), n_cells.end());
      *smallest += n;
      fold_of.emplace(donor, static_cast<int>(smallest - n_cells.begin()));
    }
  }
  std::vector<int> folds;
  for (const std::string& donor : donors) folds.push_back(fold_of.at(donor));
  return folds;
}

std::vector<CellIndex> draw_stratified(std::span<const CellIndex> cells,
                                       std::span<const LabelIndex> labels, std::int64_t n,
                                       const Context& context) {
  if (static_cast<std::int64_t>(cells.size()) <= n) return {cells.begin(), cells.end()};
  std::vector<CellIndex> order(cells.begin(), cells.end());
  Random(context.seed(), stream::kSubsample).shuffle(std::span<CellIndex>(order));
  std::stable_sort(order.begin(), order.end(), [&](CellIndex a, CellIndex b) {
    return labels[as_size(a)] < labels[as_size(b)];
  });
  // Evenly spaced over the types in turn: every type keeps its share.
  std::vector<CellIndex> taken;
  for (std::int64_t i = 0; i < n; ++i) {
    const auto at =
        static_cast<double>(i) * static_cast<double>(order.size()) / static_cast<double>(n);
    taken.push_back(order[static_cast<std::size_t>(at)]);
  }
  std::sort(taken.begin(), taken.end());
  return taken;
}

std::vector<CellIndex> draw_evenly(std::span<const CellIndex> cells,
                                   std::span<const LabelIndex> labels, LabelIndex n_types,
                                   std::int64_t n, const Context& context) {
  if (static_cast<std::int64_t>(cells.size()) <= n) return {cells.begin(), cells.end()};
  std::vector<std::int64_t> sizes(as_size(n_types));
  for (const CellIndex cell : cells) ++sizes[as_size(labels[as_size(cell)])];
  // The largest number to which types can be cut.
  std::vector<std::int64_t> sorted = sizes;
  std::sort(sorted.begin(), sorted.end());
  std::int64_t rest = n;
  std::int64_t most = 0;
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    most = rest / static_cast<std::int64_t>(sorted.size() - i);
    if (sorted[i] > most) break;
    rest -= sorted[i];
  }
  std::vector<CellIndex> order(cells.begin(), cells.end());
  Random(context.seed(), stream::kSubsample).shuffle(std::span<CellIndex>(order));
  std::vector<std::int64_t> n_taken(as_size(n_types));
  std::erase_if(order, [&](CellIndex cell) {
    return ++n_taken[as_size(labels[as_size(cell)])] > std::max<std::int64_t>(most, 1);
  });
  std::sort(order.begin(), order.end());
  return order;
}

int count_folds(std::span<const int> folds) {
  return folds.empty() ? 0 : 1 + *std::max_element(folds.begin(), folds.end());
}

std::vector<CellIndex> cells_of_fold(std::span<const int> folds, int fold, bool inside) {
  std::vector<CellIndex> cells;
  for (std::size_t i = 0; i < folds.size(); ++i) {
    if ((folds[i] == fold) == inside) cells.push_back(static_cast<CellIndex>(i));
  }
  return cells;
}

}  // namespace saithe
