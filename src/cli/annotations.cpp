#include "annotations.h"

#include <algorithm>

#include "saithe/classify/predict.h"
#include "saithe/report/figure.h"

namespace saithe::cli {

std::string type_name(const Model& model, LabelIndex label) {
  return label == kNoLabel ? kUnassigned : model.types.name(label);
}

namespace {

/// Labels as a category of the model's types, and unassigned if there is any.
CategoryColumn type_column(const Model& model, std::span<const LabelIndex> labels) {
  CategoryColumn column;
  column.levels = model.types.names();
  const bool has_unassigned = std::find(labels.begin(), labels.end(), kNoLabel) != labels.end();
  const auto unassigned = static_cast<std::int32_t>(column.levels.size());
  if (has_unassigned) column.levels.emplace_back(kUnassigned);
  for (const LabelIndex label : labels) {
    column.codes.push_back(label == kNoLabel ? unassigned : label);
  }
  return column;
}

NumberColumn number_column(std::span<const float> values) {
  return {{values.begin(), values.end()}, NumberColumn::Kind::Float32};
}

}  // namespace

void add_prediction_details(Annotations& annotations, const Model& model,
                            const Predictions& predictions) {
  annotations.obs.emplace_back("predicted_cell_type_best",
                               type_column(model, predictions.best_labels));
  annotations.obs.emplace_back("predicted_cell_type_runner_up",
                               type_column(model, predictions.runners_up));
  annotations.obs.emplace_back("predicted_cell_type_runner_up_confidence",
                               number_column(predictions.runner_up_confidence));
  if (model.novelty.n_types > 0) {
    annotations.obs.emplace_back("predicted_cell_type_novelty", number_column(predictions.novelty));
  }
}

void add_predicted_types(Annotations& annotations, const Model& model,
                         std::span<const LabelIndex> labels, std::span<const float> confidence) {
  CategoryColumn predicted = type_column(model, labels);
  const bool has_unassigned = predicted.levels.size() > model.types.names().size();
  std::vector<std::string> colors;
  for (const Color& color : category_palette(model.types.names().size()))
    colors.push_back(hex(color));
  if (has_unassigned) colors.emplace_back("#999999");
  annotations.obs.emplace_back("predicted_cell_type", std::move(predicted));
  annotations.obs.emplace_back("predicted_cell_type_confidence", number_column(confidence));
  annotations.uns.emplace_back("predicted_cell_type_colors", std::move(colors));
  annotations.uns.emplace_back("saithe/types", model.types.names());
  annotations.uns.emplace_back("saithe/version", model.saithe_version);
  annotations.uns.emplace_back("saithe/seed", static_cast<std::int64_t>(model.seed));
  for (const auto& [name, value] : model.options) {
    annotations.uns.emplace_back("saithe/parameters/" + name, value);
  }
}

}  // namespace saithe::cli
