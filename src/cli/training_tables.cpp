#include "training_tables.h"

#include <algorithm>
#include <numeric>

#include "saithe/classify/predict.h"
#include "saithe/core/text_io.h"
#include "saithe/data/concatenate.h"

namespace saithe::cli {
namespace {

/// What stands at the end of the rows of cells of several files: nothing where there is one.
class FileOfCell {
 public:
  FileOfCell(const Table& obs, bool has_several_files) {
    if (has_several_files) files_ = obs.as_text(reference_column(obs));
  }
  [[nodiscard]] std::string head() const { return files_.empty() ? "" : "\treference"; }
  [[nodiscard]] std::string field(CellIndex cell) const {
    return files_.empty() ? "" : "\t" + printable(files_[as_size(cell)]);
  }

 private:
  std::vector<std::string> files_;
};

}  // namespace

std::vector<LabelIndex> labels_of(std::span<const LabelIndex> labels,
                                  std::span<const CellIndex> cells) {
  std::vector<LabelIndex> chosen;
  for (const CellIndex cell : cells) chosen.push_back(labels[as_size(cell)]);
  return chosen;
}

std::string history_tsv(const TrainHistory& history) {
  std::string text = "epoch\ttrain_loss\tval_loss\ttrain_accuracy\tval_accuracy\n";
  for (const EpochRecord& record : history.epochs) {
    text += fmt::format("{}\t{}\t{}\t{}\t{}\n", record.epoch, format_number(record.train_loss),
                        format_number(record.validation_loss), format_number(record.train_accuracy),
                        format_number(record.validation_accuracy));
  }
  return text;
}

std::string confusion_tsv(const Evaluation& evaluation) {
  std::string text = "true";
  for (const TypeScores& type : evaluation.per_type) text += "\t" + type.cell_type;
  text += "\n";
  const auto n = as_size(evaluation.n_types());
  for (std::size_t truth = 0; truth < n; ++truth) {
    text += evaluation.per_type[truth].cell_type;
    for (std::size_t predicted = 0; predicted < n; ++predicted) {
      text += fmt::format("\t{}", evaluation.confusion[truth * n + predicted]);
    }
    text += "\n";
  }
  return text;
}

std::vector<std::string> barcodes_of_suspects(const TrainResult& result) {
  std::vector<CellIndex> cells;
  for (const Suspect& suspect : result.suspects) cells.push_back(suspect.cell);
  return result.dataset.obs().select_rows(cells).index();
}

std::string suspects_tsv(const TrainResult& result, bool has_several_files) {
  const FileOfCell file(result.dataset.obs(), has_several_files);
  const std::vector<std::string> barcodes = barcodes_of_suspects(result);
  std::vector<std::size_t> order(result.suspects.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto doubt = [&](std::size_t i) {
    return result.suspects[i].probability - result.suspects[i].label_probability;
  };
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return doubt(a) > doubt(b); });
  std::string text =
      "barcode\tlabel\tlooks_like\tlabel_probability\tprobability" + file.head() + "\n";
  for (const std::size_t i : order) {
    const Suspect& suspect = result.suspects[i];
    text += fmt::format(
        "{}\t{}\t{}\t{}\t{}{}\n", printable(barcodes[i]), result.model.types.name(suspect.label),
        result.model.types.name(suspect.looks_like), format_number(suspect.label_probability),
        format_number(suspect.probability), file.field(suspect.cell));
  }
  return text;
}

std::string held_out_tsv(const TrainResult& result, bool has_several_files) {
  const FileOfCell file(result.dataset.obs(), has_several_files);
  const HeldOutPredictions& held_out = result.held_out;
  const double threshold =
      novelty_threshold(result.model.novelty, PredictOptions{}.false_reject_rate);
  std::string text = "barcode\tfold\tlabel\tpredicted\tconfidence\tnovelty" + file.head() + "\n";
  for (std::size_t i = 0; i < held_out.cells.size(); ++i) {
    const auto cell = as_size(held_out.cells[i]);
    const auto row = held_out.probabilities.row(static_cast<std::int64_t>(i));
    const auto best = std::max_element(row.begin(), row.end());
    text += fmt::format(
        "{}\t{}\t{}\t{}\t{}\t{}{}\n", printable(result.dataset.obs().index()[cell]),
        held_out.folds.empty() ? 0 : held_out.folds[i],  // one share is one fold
        result.model.types.name(result.labels[cell]),
        result.model.types.name(static_cast<LabelIndex>(best - row.begin())), format_number(*best),
        held_out.distances.empty() ? "" : format_number(held_out.distances[i] / threshold),
        file.field(held_out.cells[i]));
  }
  return text;
}

}  // namespace saithe::cli
