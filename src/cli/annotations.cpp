#include "annotations.h"

#include <algorithm>
#include <set>
#include <utility>

#include "saithe/classify/predict.h"
#include "saithe/report/figure.h"

namespace saithe::cli {

std::string type_name(const Model& model, LabelIndex label) {
  return label == kNoLabel ? kUnassigned : model.types.name(label);
}

namespace {

/// Labels as a category, and the colour of each level.
struct TypeColumn {
  CategoryColumn column;
  std::vector<std::string> colors;
};

/// The levels are the types that occur, in the model's order, then unassigned: browsers count the
/// colours against the levels, and CELLxGENE refuses levels that no cell has.
TypeColumn type_column(const Model& model, std::span<const LabelIndex> labels) {
  static constexpr const char* kGray = "#999999";
  const auto& names = model.types.names();
  const std::vector<Color> palette = category_palette(names.size());
  std::vector<bool> occurs(names.size());
  bool has_unassigned = false;
  for (const LabelIndex label : labels) {
    if (label == kNoLabel) has_unassigned = true;
    if (label != kNoLabel) occurs[as_size(label)] = true;
  }
  // A model may have a type of that name: one level serves both.
  const LabelIndex same = model.types.find(kUnassigned);
  if (has_unassigned && same != kNoLabel) occurs[as_size(same)] = true;
  TypeColumn result;
  std::vector<std::int32_t> level(names.size(), -1);
  const auto add_level = [&](const std::string& name, std::string color) {
    result.column.levels.push_back(name);
    result.colors.push_back(std::move(color));
    return static_cast<std::int32_t>(result.column.levels.size()) - 1;
  };
  for (std::size_t type = 0; type < names.size(); ++type) {
    if (occurs[type]) level[type] = add_level(names[type], hex(palette[type]));
  }
  std::int32_t unassigned = same == kNoLabel ? -1 : level[as_size(same)];
  if (has_unassigned && unassigned < 0) unassigned = add_level(kUnassigned, kGray);
  for (const LabelIndex label : labels) {
    result.column.codes.push_back(label == kNoLabel ? unassigned : level[as_size(label)]);
  }
  return result;
}

NumberColumn number_column(std::span<const float> values) {
  return {{values.begin(), values.end()}, NumberColumn::Kind::Float32};
}

}  // namespace

void add_prediction_details(Annotations& annotations, const Model& model,
                            const Predictions& predictions, const ResultNames& names) {
  annotations.obs.emplace_back(names.of("best"),
                               type_column(model, predictions.best_labels).column);
  annotations.obs.emplace_back(names.of("runner_up"),
                               type_column(model, predictions.runners_up).column);
  annotations.obs.emplace_back(names.of("runner_up_confidence"),
                               number_column(predictions.runner_up_confidence));
  if (model.novelty.n_types > 0) {
    annotations.obs.emplace_back(names.of("novelty"), number_column(predictions.novelty));
  }
}

void add_predicted_types(Annotations& annotations, const Model& model,
                         std::span<const LabelIndex> labels, std::span<const float> confidence,
                         const ResultNames& names) {
  TypeColumn predicted = type_column(model, labels);
  annotations.obs.emplace_back(names.label, std::move(predicted.column));
  annotations.obs.emplace_back(names.confidence, number_column(confidence));
  annotations.uns.emplace_back(names.of("colors"), std::move(predicted.colors));
  annotations.uns.emplace_back(names.uns + "/types", model.types.names());
  annotations.uns.emplace_back(names.uns + "/version", model.saithe_version);
  annotations.uns.emplace_back(names.uns + "/seed", static_cast<std::int64_t>(model.seed));
  for (const auto& [name, value] : model.options) {
    annotations.uns.emplace_back(names.uns + "/parameters/" + name, value);
  }
}

void add_names_of_earlier_run(Annotations& annotations, const ResultNames& names) {
  std::set<std::string> ours = {names.cluster, names.majority};
  for (const char* suffix : {"novelty", "multi_label", "majority_share", "ontology_term_id",
                             "rolled_up", "rolled_up_ontology_term_id", "rolled_up_confidence"}) {
    ours.insert(names.of(suffix));
  }
  for (const auto& [name, column] : annotations.obs) ours.erase(name);
  annotations.of_earlier_run.obs.assign(ours.begin(), ours.end());
  const std::string ontology = names.uns + "/ontology";
  const bool has_ontology =
      std::any_of(annotations.uns.begin(), annotations.uns.end(),
                  [&](const auto& entry) { return entry.first.starts_with(ontology); });
  if (!has_ontology) annotations.of_earlier_run.uns.push_back(ontology);
}

}  // namespace saithe::cli
