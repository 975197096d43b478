#include "annotations.h"

#include <algorithm>

#include "saithe/classify/predict.h"
#include "saithe/report/figure.h"

namespace saithe::cli {

std::string type_name(const Model& model, LabelIndex label) {
  return label == kNoLabel ? kUnassigned : model.types.name(label);
}

void add_predicted_types(Annotations& annotations, const Model& model,
                         std::span<const LabelIndex> labels, std::span<const float> confidence) {
  CategoryColumn predicted;
  predicted.levels = model.types.names();
  const bool has_unassigned = std::find(labels.begin(), labels.end(), kNoLabel) != labels.end();
  const auto unassigned = static_cast<std::int32_t>(predicted.levels.size());
  if (has_unassigned) predicted.levels.emplace_back(kUnassigned);
  for (const LabelIndex label : labels) {
    predicted.codes.push_back(label == kNoLabel ? unassigned : label);
  }
  std::vector<std::string> colors;
  for (const Color& color : category_palette(model.types.names().size()))
    colors.push_back(hex(color));
  if (has_unassigned) colors.emplace_back("#999999");
  annotations.obs.emplace_back("predicted_cell_type", std::move(predicted));
  annotations.obs.emplace_back(
      "predicted_cell_type_confidence",
      NumberColumn{{confidence.begin(), confidence.end()}, NumberColumn::Kind::Float32});
  annotations.uns.emplace_back("predicted_cell_type_colors", std::move(colors));
  annotations.uns.emplace_back("saithe/types", model.types.names());
  annotations.uns.emplace_back("saithe/version", model.saithe_version);
  annotations.uns.emplace_back("saithe/seed", static_cast<std::int64_t>(model.seed));
  for (const auto& [name, value] : model.options) {
    annotations.uns.emplace_back("saithe/parameters/" + name, value);
  }
}

}  // namespace saithe::cli
