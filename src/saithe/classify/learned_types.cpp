#include "saithe/classify/learned_types.h"

#include <algorithm>
#include <map>
#include <utility>

#include "saithe/core/text_io.h"

namespace saithe {

std::vector<bool> find_learned(std::span<const LabelIndex> labels,
                               std::span<const CellIndex> training,
                               std::span<const int> fold_of_cell,
                               std::span<const CellIndex> held_out) {
  std::map<LabelIndex, std::int64_t> of_type;
  std::map<std::pair<int, LabelIndex>, std::int64_t> of_fold;
  for (const CellIndex cell : training) {
    const LabelIndex label = labels[as_size(cell)];
    ++of_type[label];
    if (!fold_of_cell.empty()) ++of_fold[{fold_of_cell[as_size(cell)], label}];
  }
  std::vector<bool> is_learned;
  for (const CellIndex cell : held_out) {
    const LabelIndex label = labels[as_size(cell)];
    const std::int64_t own =
        fold_of_cell.empty() ? 0 : of_fold[{fold_of_cell[as_size(cell)], label}];
    is_learned.push_back(of_type[label] > own);
  }
  return is_learned;
}

std::string describe_unlearned(const LabelSet& types, std::span<const LabelIndex> labels,
                               std::span<const CellIndex> held_out,
                               const std::vector<bool>& is_learned, bool is_five_fold) {
  std::map<LabelIndex, std::int64_t> n_cells;
  for (std::size_t i = 0; i < held_out.size(); ++i) {
    if (!is_learned[i]) ++n_cells[labels[as_size(held_out[i])]];
  }
  std::string names;
  for (const auto& [type, n] : n_cells) {
    names += fmt::format("{}'{}' ({})", names.empty() ? "" : ", ", printable(types.name(type)),
                         counted(n, "cell"));
  }
  if (names.empty()) return {};
  const bool is_all = std::find(is_learned.begin(), is_learned.end(), true) == is_learned.end();
  return fmt::format(
      "validation: {}: no model that judged these cells had any of their type to learn from. They "
      "count as wrong in its scores, and not for calibration and novelty threshold{}.{}",
      names,
      is_all ? ", for which no cell is left: the model is not calibrated and rejects nothing" : "",
      is_five_fold ? "" : " --validate 5-fold judges every type with two cells or more.");
}

}  // namespace saithe
