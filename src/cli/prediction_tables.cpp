#include "prediction_tables.h"

#include <cmath>

#include "annotations.h"
#include "saithe/core/text_io.h"

namespace saithe::cli {
namespace {

std::string number_or_empty(float value) {
  return std::isnan(value) ? "" : format_number(value);
}

}  // namespace

void put_predictions(const Model& model, const CellSource& source, const Predictions& predictions,
                     const TableHeads& heads, const std::vector<ExtraColumn>& extra_columns,
                     const PutText& put) {
  std::string text = "barcode\t" + heads.label + "\t" + heads.confidence +
                     "\tbest_label\trunner_up\trunner_up_confidence\tnovelty";
  for (const ExtraColumn& column : extra_columns) text += "\t" + column.name;
  text += "\n";
  put(text);
  const auto& barcodes = source.obs().index();
  for (std::size_t cell = 0; cell < barcodes.size(); ++cell) {
    text.clear();
    for (const std::string& field :
         {printable(barcodes[cell]), type_name(model, predictions.labels[cell]),
          format_number(predictions.confidence[cell]),
          type_name(model, predictions.best_labels[cell]),
          type_name(model, predictions.runners_up[cell]),
          format_number(predictions.runner_up_confidence[cell])}) {
      text += field + "\t";
    }
    text += number_or_empty(predictions.novelty[cell]);
    for (const ExtraColumn& column : extra_columns) text += "\t" + column.cells[cell];
    text += "\n";
    put(text);
  }
}

void put_probabilities(const Model& model, const CellSource& source,
                       const DenseMatrix& probabilities, const PutText& put) {
  std::string text = "barcode";
  for (const std::string& type : model.types.names()) text += "\t" + type;
  text += "\n";
  put(text);
  const auto& barcodes = source.obs().index();
  for (std::size_t cell = 0; cell < barcodes.size(); ++cell) {
    text = printable(barcodes[cell]);
    for (const float p : probabilities.row(static_cast<std::int64_t>(cell))) {
      text += "\t" + format_number(p);
    }
    text += "\n";
    put(text);
  }
}

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

}  // namespace

std::vector<std::string> multi_label_texts(const Model& model, const Predictions& predictions) {
  std::vector<std::string> texts;
  for (const auto& labels : predictions.multi_labels) {
    std::string text;
    for (const LabelIndex label : labels) {
      text += (text.empty() ? "" : "|") + escape_bars(model.types.name(label));
    }
    texts.push_back(text.empty() ? kUnassigned : text);
  }
  return texts;
}

}  // namespace saithe::cli
