#pragma once

// What predict keeps of each cell until it is written: beyond a few megabytes in a temporary file.

#include <functional>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "saithe/classify/predict.h"
#include "saithe/core/spilled_rows.h"
#include "saithe/io/write_h5ad.h"

namespace saithe::cli {

/// Which labels cells have, of a number of types.
struct LabelsSeen {
  std::vector<bool> types;
  bool none = false;  ///< a cell without a label

  void add(std::span<const LabelIndex> labels);
};

class KeptPredictions {
 public:
  /// Probabilities are kept where they are asked for. `max_memory`: of the whole run.
  KeptPredictions(const LabelSet& types, bool with_probabilities, std::int64_t max_memory);
  /// Adds cells, in their order.
  void add(const Predictions& block);

  [[nodiscard]] CellIndex n_cells() const { return cells_.n_rows(); }
  [[nodiscard]] const UnassignedCells& unassigned() const { return unassigned_; }
  [[nodiscard]] CellIndex n_shallow() const { return n_shallow_; }
  /// Of the cells [begin, end): labels, best labels, runners-up, their probabilities, novelty.
  [[nodiscard]] Predictions read(CellIndex begin, CellIndex end) const;
  /// Rows [begin, end) of the probabilities, one after another.
  [[nodiscard]] std::vector<float> probabilities(CellIndex begin, CellIndex end) const {
    return probabilities_.read(begin, end);
  }
  [[nodiscard]] std::int64_t n_types() const { return probabilities_.row_values(); }
  /// The types of --multi-label, joined by '|' (within a name it and '\' have a '\' before them);
  /// unassigned where there is none.
  [[nodiscard]] std::vector<std::string> multi_labels(CellIndex begin, CellIndex end) const;
  /// All of these texts that a cell has.
  [[nodiscard]] std::set<std::string> all_multi_labels() const;

  [[nodiscard]] const LabelsSeen& labels_seen() const { return labels_seen_; }
  [[nodiscard]] const LabelsSeen& best_seen() const { return best_seen_; }
  [[nodiscard]] const LabelsSeen& runners_up_seen() const { return runners_up_seen_; }

 private:
  struct Cell {
    LabelIndex label;
    LabelIndex best;
    LabelIndex runner_up;
    float confidence;
    float runner_up_confidence;
    float novelty;
    std::int32_t multi_label;  ///< which of the texts; -1 where none was asked for
  };

  const LabelSet& types_;
  bool with_probabilities_;
  SpilledRows<Cell> cells_;
  SpilledRows<float> probabilities_;
  UnassignedCells unassigned_;
  CellIndex n_shallow_ = 0;
  LabelsSeen labels_seen_;
  LabelsSeen best_seen_;
  LabelsSeen runners_up_seen_;
  std::vector<std::string> multi_label_texts_;
  std::map<std::string, std::int32_t> multi_label_codes_;  // which of them a text is
};

/// A category column of names that are read in pieces; `names` are all that there are. The levels
/// are these in their order; empty names are missing.
ResultColumn name_column(
    CellIndex n_cells, const std::set<std::string>& names,
    std::function<std::vector<std::string>(CellIndex begin, CellIndex end)> read);

}  // namespace saithe::cli
