#include "kept_predictions.h"

#include <algorithm>
#include <utility>

namespace saithe::cli {
namespace {

/// A type's name in which no '|' can be taken for the end of it.
std::string escape_bars(const std::string& name) {
  std::string escaped;
  for (const char c : name) {
    if (c == '|' || c == '\\') escaped += '\\';
    escaped += c;
  }
  return escaped;
}

std::string multi_label_text(std::span<const LabelIndex> labels, const LabelSet& types) {
  std::string text;
  for (const LabelIndex label : labels) {
    text += (text.empty() ? "" : "|") + escape_bars(types.name(label));
  }
  return text.empty() ? kUnassigned : text;
}

}  // namespace

void LabelsSeen::add(std::span<const LabelIndex> labels) {
  for (const LabelIndex label : labels) {
    if (label == kNoLabel) {
      none = true;
    } else {
      types[as_size(label)] = true;
    }
  }
}

KeptPredictions::KeptPredictions(const LabelSet& types, bool with_probabilities,
                                 std::int64_t max_memory)
    : types_(types),
      with_probabilities_(with_probabilities),
      cells_(1, most_kept_bytes(max_memory)),
      probabilities_(types.n_types(), most_kept_bytes(max_memory)) {
  for (LabelsSeen* seen : {&labels_seen_, &best_seen_, &runners_up_seen_}) {
    seen->types.resize(as_size(types.n_types()));
  }
}

void KeptPredictions::add(const Predictions& block) {
  std::vector<Cell> cells;
  for (std::size_t i = 0; i < block.labels.size(); ++i) {
    std::int32_t multi_label = -1;
    if (!block.multi_labels.empty()) {
      const std::string text = multi_label_text(block.multi_labels[i], types_);
      const auto [entry, is_new] =
          multi_label_codes_.emplace(text, static_cast<std::int32_t>(multi_label_texts_.size()));
      if (is_new) multi_label_texts_.push_back(text);
      multi_label = entry->second;
    }
    cells.push_back({block.labels[i], block.best_labels[i], block.runners_up[i],
                     block.confidence[i], block.runner_up_confidence[i], block.novelty[i],
                     multi_label});
  }
  cells_.append(cells);
  if (with_probabilities_) {
    const DenseMatrix& rows = block.probabilities;
    probabilities_.append({rows.data(), as_size(rows.n_rows() * rows.n_cols())});
  }
  unassigned_.add(block);
  n_shallow_ += std::count(block.is_shallow.begin(), block.is_shallow.end(), true);
  labels_seen_.add(block.labels);
  best_seen_.add(block.best_labels);
  runners_up_seen_.add(block.runners_up);
}

Predictions KeptPredictions::read(CellIndex begin, CellIndex end) const {
  Predictions block;
  for (const Cell& cell : cells_.read(begin, end)) {
    block.labels.push_back(cell.label);
    block.best_labels.push_back(cell.best);
    block.runners_up.push_back(cell.runner_up);
    block.confidence.push_back(cell.confidence);
    block.runner_up_confidence.push_back(cell.runner_up_confidence);
    block.novelty.push_back(cell.novelty);
  }
  return block;
}

std::vector<std::string> KeptPredictions::multi_labels(CellIndex begin, CellIndex end) const {
  std::vector<std::string> texts;
  for (const Cell& cell : cells_.read(begin, end)) {
    texts.push_back(multi_label_texts_[as_size(cell.multi_label)]);
  }
  return texts;
}

std::set<std::string> KeptPredictions::all_multi_labels() const {
  return {multi_label_texts_.begin(), multi_label_texts_.end()};
}

ResultColumn name_column(
    CellIndex n_cells, const std::set<std::string>& names,
    std::function<std::vector<std::string>(CellIndex begin, CellIndex end)> read) {
  std::vector<std::string> levels(names.begin(), names.end());
  std::erase(levels, "");
  return {n_cells, [levels = std::move(levels), read = std::move(read)](std::int64_t begin,
                                                                        std::int64_t end) {
            CategoryColumn column;
            column.levels = levels;
            for (const std::string& name : read(begin, end)) {
              const auto level = std::lower_bound(levels.begin(), levels.end(), name);
              column.codes.push_back(
                  name.empty() ? -1 : static_cast<std::int32_t>(level - levels.begin()));
            }
            return column;
          }};
}

}  // namespace saithe::cli
