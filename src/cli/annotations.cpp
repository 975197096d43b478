#include "annotations.h"

#include <utility>

#include "saithe/classify/predict.h"
#include "saithe/report/figure.h"

namespace saithe::cli {

std::string type_name(const Model& model, LabelIndex label) {
  return label == kNoLabel ? kUnassigned : model.types.name(label);
}

namespace {

// In uns["saithe"]: what a run added. A Zarr store gets the entries of uns by their names' order:
// it has this one before its "version", so that a run that is killed between them leaves no record
// without a list.
constexpr const char* kList = "/added";

/// The levels of a column of labels. They are the types that occur, in the model's order, then
/// unassigned: browsers count the colours against the levels, and CELLxGENE refuses levels that no
/// cell has.
class TypeLevels {
 public:
  TypeLevels(const Model& model, const LabelsSeen& seen) : level_of_type_(seen.types.size(), -1) {
    static constexpr const char* kGray = "#999999";
    const auto& names = model.types.names();
    const std::vector<Color> palette = category_palette(names.size());
    // A model may have a type of that name: one level serves both.
    const LabelIndex same = model.types.find(kUnassigned);
    for (std::size_t type = 0; type < names.size(); ++type) {
      const bool is_same = same != kNoLabel && type == as_size(same);
      if (!seen.types[type] && !(is_same && seen.none)) continue;
      level_of_type_[type] = add(names[type], hex(palette[type]));
    }
    unassigned_ = same == kNoLabel ? -1 : level_of_type_[as_size(same)];
    if (seen.none && unassigned_ < 0) unassigned_ = add(kUnassigned, kGray);
  }

  [[nodiscard]] CategoryColumn column(std::span<const LabelIndex> labels) const {
    CategoryColumn column;
    column.levels = levels_;
    for (const LabelIndex label : labels) {
      column.codes.push_back(label == kNoLabel ? unassigned_ : level_of_type_[as_size(label)]);
    }
    return column;
  }
  [[nodiscard]] const std::vector<std::string>& colors() const { return colors_; }

 private:
  std::int32_t add(const std::string& name, std::string color) {
    levels_.push_back(name);
    colors_.push_back(std::move(color));
    return static_cast<std::int32_t>(levels_.size()) - 1;
  }

  std::vector<std::string> levels_;
  std::vector<std::string> colors_;
  std::vector<std::int32_t> level_of_type_;
  std::int32_t unassigned_ = -1;
};

NumberColumn number_column(std::span<const float> values) {
  return {{values.begin(), values.end()}, NumberColumn::Kind::Float32};
}

/// One field of the predictions, which are read in pieces.
ResultColumn kept_labels(const KeptPredictions& kept, TypeLevels levels,
                         std::vector<LabelIndex> Predictions::*labels) {
  return {kept.n_cells(),
          [&kept, levels = std::move(levels), labels](CellIndex begin, CellIndex end) {
            return levels.column(kept.read(begin, end).*labels);
          }};
}

ResultColumn kept_numbers(const KeptPredictions& kept, std::vector<float> Predictions::*numbers) {
  return {kept.n_cells(), [&kept, numbers](CellIndex begin, CellIndex end) {
            return number_column(kept.read(begin, end).*numbers);
          }};
}

/// Colours, type names, parameters and version.
void add_uns(Annotations& annotations, const Model& model, const TypeLevels& levels,
             const ResultNames& names) {
  annotations.uns.emplace_back(names.of("colors"), levels.colors());
  annotations.uns.emplace_back(names.uns + "/types", model.types.names());
  annotations.uns.emplace_back(names.uns + "/version", model.saithe_version);
  annotations.uns.emplace_back(names.uns + "/seed", static_cast<std::int64_t>(model.seed));
  for (const auto& [name, value] : model.options) {
    annotations.uns.emplace_back(names.uns + "/parameters/" + name, value);
  }
}

}  // namespace

void add_predicted_types(Annotations& annotations, const Model& model,
                         std::span<const LabelIndex> labels, std::span<const float> confidence,
                         const ResultNames& names) {
  LabelsSeen seen{std::vector<bool>(model.types.names().size())};
  seen.add(labels);
  const TypeLevels levels(model, seen);
  annotations.obs.emplace_back(names.label, levels.column(labels));
  annotations.obs.emplace_back(names.confidence, number_column(confidence));
  add_uns(annotations, model, levels, names);
}

void add_predictions(Annotations& annotations, const Model& model, const KeptPredictions& kept,
                     const ResultNames& names) {
  const TypeLevels levels(model, kept.labels_seen());
  const TypeLevels best(model, kept.best_seen());
  const TypeLevels runners_up(model, kept.runners_up_seen());
  auto& obs = annotations.obs;
  obs.emplace_back(names.label, kept_labels(kept, levels, &Predictions::labels));
  obs.emplace_back(names.confidence, kept_numbers(kept, &Predictions::confidence));
  add_uns(annotations, model, levels, names);
  obs.emplace_back(names.of("best"), kept_labels(kept, best, &Predictions::best_labels));
  obs.emplace_back(names.of("runner_up"), kept_labels(kept, runners_up, &Predictions::runners_up));
  obs.emplace_back(names.of("runner_up_confidence"),
                   kept_numbers(kept, &Predictions::runner_up_confidence));
  if (model.novelty.n_types > 0) {
    obs.emplace_back(names.of("novelty"), kept_numbers(kept, &Predictions::novelty));
  }
}

void add_list_of_added(Annotations& annotations, const ResultNames& names) {
  std::vector<std::string> added;
  for (const auto& [name, column] : annotations.obs) added.push_back("obs/" + name);
  for (const auto& [name, matrix] : annotations.obsm) added.push_back("obsm/" + name);
  for (const auto& [path, value] : annotations.uns) {
    // Dicts in the dict are written, and removed, as a whole.
    const std::size_t slash = path.find('/');
    const std::string entry =
        slash == std::string::npos ? path : path.substr(0, path.find('/', slash + 1));
    if (added.back() != "uns/" + entry) added.push_back("uns/" + entry);
  }
  annotations.uns.emplace_back(names.uns + kList, std::move(added));
}

void add_names_of_earlier_run(Annotations& annotations, const ResultNames& names) {
  auto& run = annotations.of_earlier_run;
  run.list = names.uns + kList;
  run.record = names.uns + "/version";
  run.unlisted_obs = {{names.of("novelty")},
                      {names.of("multi_label")},
                      {names.cluster, names.majority, names.of("majority_share")},
                      {names.of("ontology_term_id"), names.of("rolled_up"),
                       names.of("rolled_up_ontology_term_id"), names.of("rolled_up_confidence")}};
  run.unlisted_uns = {names.uns + "/ontology"};
}

}  // namespace saithe::cli
