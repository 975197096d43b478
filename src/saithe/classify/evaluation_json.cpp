#include "saithe/classify/evaluation_json.h"

#include <nlohmann/json.hpp>

namespace saithe {
namespace {

using Json = nlohmann::ordered_json;

Json to_json(const Evaluation& evaluation) {
  Json per_type = Json::object();
  for (const TypeScores& scores : evaluation.per_type) {
    per_type[scores.cell_type] = {{"precision", scores.precision},
                                  {"recall", scores.recall},
                                  {"f1", scores.f1},
                                  {"support", scores.support}};
  }
  Json confusion = Json::array();
  const auto n_types = as_size(evaluation.n_types());
  for (std::size_t truth = 0; truth < n_types; ++truth) {
    const auto row = evaluation.confusion.begin() + static_cast<std::ptrdiff_t>(truth * n_types);
    confusion.push_back(std::vector<std::int64_t>(row, row + static_cast<std::ptrdiff_t>(n_types)));
  }
  Json json;
  json["n_cells"] = evaluation.n_cells;
  json["n_unknown_label"] = evaluation.n_unknown_label;
  json["n_without_label"] = evaluation.n_without_label;
  json["n_unassigned"] = evaluation.n_unassigned;
  json["accuracy"] = evaluation.accuracy;
  json["macro_f1"] = evaluation.macro_f1;
  json["median_f1"] = evaluation.median_f1;
  json["loss"] = evaluation.loss ? Json(*evaluation.loss) : Json(nullptr);
  json["nll"] = evaluation.nll;
  json["brier"] = evaluation.brier;
  json["ece"] = evaluation.ece;
  json["per_type"] = std::move(per_type);
  json["confusion"] = std::move(confusion);
  return json;
}

std::string text_of(const Json& json) {
  // Names that are no UTF-8 come out with U+FFFD instead of failing at the end of a run.
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace

std::string evaluation_json(const Evaluation& evaluation) {
  return text_of(to_json(evaluation));
}

std::string evaluation_json(const Evaluation& evaluation, const Evaluation& rejecting) {
  Json json = to_json(evaluation);
  json["rejecting"] = {{"n_unassigned", rejecting.n_unassigned},
                       {"accuracy", rejecting.accuracy},
                       {"macro_f1", rejecting.macro_f1},
                       {"median_f1", rejecting.median_f1}};
  return text_of(json);
}

std::string metrics_json(const Evaluation& training, const Evaluation& validation) {
  Json json;
  json["train"] = to_json(training);
  json["validation"] = to_json(validation);
  return text_of(json);
}

}  // namespace saithe
