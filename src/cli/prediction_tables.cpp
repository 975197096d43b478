#include "prediction_tables.h"

#include <algorithm>
#include <cmath>
#include <span>

#include "annotations.h"
#include "saithe/core/text_io.h"

namespace saithe::cli {
namespace {

std::string number_or_empty(float value) {
  return std::isnan(value) ? "" : format_number(value);
}

/// Blocks of cells, so that no more than one is in memory.
template <typename Put>
void for_each_block(CellIndex n_cells, const Put& put) {
  static constexpr CellIndex kBlockCells = 1 << 14;
  for (CellIndex begin = 0; begin < n_cells; begin += kBlockCells) {
    put(begin, std::min(n_cells, begin + kBlockCells));
  }
}

}  // namespace

void put_predictions(const Model& model, const CellSource& source, const KeptPredictions& kept,
                     const TableHeads& heads, const std::vector<ExtraColumn>& extra_columns,
                     const PutText& put) {
  std::string text = "barcode\t" + heads.label + "\t" + heads.confidence +
                     "\tbest_label\trunner_up\trunner_up_confidence\tnovelty";
  for (const ExtraColumn& column : extra_columns) text += "\t" + column.name;
  put(text + "\n");
  for_each_block(kept.n_cells(), [&](CellIndex begin, CellIndex end) {
    const std::vector<std::string> barcodes = source.obs().names(begin, end);
    const Predictions cells = kept.read(begin, end);
    std::vector<std::vector<std::string>> extra;
    for (const ExtraColumn& column : extra_columns) extra.push_back(column.read(begin, end));
    for (std::size_t i = 0; i < barcodes.size(); ++i) {
      text.clear();
      for (const std::string& field :
           {printable(barcodes[i]), type_name(model, cells.labels[i]),
            format_number(cells.confidence[i]), type_name(model, cells.best_labels[i]),
            type_name(model, cells.runners_up[i]), format_number(cells.runner_up_confidence[i])}) {
        text += field + "\t";
      }
      text += number_or_empty(cells.novelty[i]);
      for (const auto& column : extra) text += "\t" + column[i];
      text += "\n";
      put(text);
    }
  });
}

void put_probabilities(const Model& model, const CellSource& source, const KeptPredictions& kept,
                       const PutText& put) {
  std::string text = "barcode";
  for (const std::string& type : model.types.names()) text += "\t" + type;
  put(text + "\n");
  const auto n_types = as_size(kept.n_types());
  for_each_block(kept.n_cells(), [&](CellIndex begin, CellIndex end) {
    const std::vector<std::string> barcodes = source.obs().names(begin, end);
    const std::vector<float> rows = kept.probabilities(begin, end);
    for (std::size_t i = 0; i < barcodes.size(); ++i) {
      text = printable(barcodes[i]);
      for (const float p : std::span(rows).subspan(i * n_types, n_types)) {
        text += "\t" + format_number(p);
      }
      text += "\n";
      put(text);
    }
  });
}

}  // namespace saithe::cli
