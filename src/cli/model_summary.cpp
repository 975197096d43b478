#include "model_summary.h"

#include <nlohmann/json.hpp>

#include "saithe/classify/model_card.h"
#include "saithe/classify/predict.h"
#include "saithe/core/text_io.h"

namespace saithe::cli {
namespace {

using nlohmann::ordered_json;

std::string line(const std::string& name, const std::string& value) {
  return fmt::format("{}: {}\n", name, value);
}

std::string made_from(const Model& model) {
  const ModelCard& card = model.card;
  std::string text = "\nMade from\n";
  for (const std::string& source : card.sources) text += line("reference", printable(source));
  text += line("training cells", training_cells_text(model));
  text += line("donors", card.n_donors > 0 ? std::to_string(card.n_donors) : "not stated");
  text +=
      line("genes", fmt::format("{} inputs of {} in the reference", model.preprocessor.n_genes(),
                                model.preprocessor.reference().names.size()));
  text += line("values", to_text(model.preprocessor.kind()));
  text += line("cells whose label looks wrong", suspects_text(model));
  text += line("left out of the reference", left_out_text(model));
  text += line("counts of a training cell", shallow_counts_text(model));
  text += line("SHA-256 of the training cells",
               card.input_sha256.empty() ? "not stated" : card.input_sha256);
  text += line("made by", fmt::format("saithe {}, seed {}", model.saithe_version, model.seed));
  if (model.was_interrupted) text += line("training", interruption_text(model));
  return text;
}

/// The threshold of rejection at the rate that predict has by default.
std::string threshold_text(const NoveltyModel& novelty) {
  if (novelty.n_types == 0) return "cells without counts alone; there is no novelty score";
  if (novelty.held_out_quantiles.empty()) {
    return "cells without counts alone; no cell was held out to set a threshold from";
  }
  const double rate = PredictOptions{}.false_reject_rate;
  return fmt::format(
      "beyond a distance of {:.4g} (novelty 1), which {:.4g} % of held-out cells pass",
      novelty_threshold(novelty, rate), 100 * rate);
}

/// Types as an object, for who looks one up.
ordered_json left_out_json(const std::optional<LeftOutCells>& left_out) {
  if (!left_out) return nullptr;
  ordered_json small_types = ordered_json::object();
  for (const auto& [type, n] : left_out->small_types) small_types[type] = n;
  return {{"without_label", left_out->n_without_label},
          {"without_counts", left_out->n_without_counts},
          {"small_types", small_types}};
}

std::string how_good(const Model& model) {
  const ModelScores& scores = model.card.scores;
  std::string text = "\nHow good\n";
  if (scores.n_cells == 0) {
    text += line("validation", "none");
  } else {
    const auto both = [](double after, double before) {
      return fmt::format("{:.4f} ({:.4f} before calibration)", after, before);
    };
    text += line("validation", fmt::format("{}, {} cells judged by models that had not seen them",
                                           scores.validation, scores.n_cells));
    text += line("accuracy", fmt::format("{:.4f}", scores.accuracy));
    text += line("macro F1", fmt::format("{:.4f}", scores.macro_f1));
    text += line("median F1", fmt::format("{:.4f}", scores.median_f1));
    text += line("NLL", both(scores.nll, scores.nll_uncalibrated));
    text += line("Brier", both(scores.brier, scores.brier_uncalibrated));
    text += line("calibration error", both(scores.ece, scores.ece_uncalibrated));
  }
  text += line("calibrated by", calibration_text(model));
  return text + line("unassigned", threshold_text(model.novelty));
}

/// The name stands last: it may be of any length and in any script.
std::string types_text(const Model& model) {
  const ModelCard& card = model.card;
  std::string text = fmt::format("\nTypes\n{:>14}  {:>6}  type\n", "training cells", "F1");
  for (LabelIndex type = 0; type < model.types.n_types(); ++type) {
    const auto at = as_size(type);
    const auto& f1_of_type = card.scores.f1_of_type;
    text += fmt::format("{:>14}  {:>6}  {}\n",
                        card.cells_of_type.empty() ? "-" : std::to_string(card.cells_of_type[at]),
                        f1_of_type.empty() ? "-" : fmt::format("{:.4f}", f1_of_type[at]),
                        printable(model.types.name(type)));
  }
  return text;
}

std::string members_text(const Model& model) {
  std::string text = "\nMembers\n";
  text += line("outputs", to_text(model.output));
  const char* output = model.output == OutputKind::Softmax ? "Softmax" : "Sigmoid";
  for (const Member& member : model.members) text += member.shape.summary(output);
  return text;
}

std::string options_text(const Model& model) {
  std::string text = "\nOptions\n";
  for (const auto& [name, value] : model.options) {
    if (name != kEpochsDone) text += fmt::format("--{} {}\n", name, printable(value));
  }
  return text;
}

}  // namespace

std::string model_text(const Model& model) {
  return "format: saithe model\n" + made_from(model) + how_good(model) + types_text(model) +
         members_text(model) + options_text(model);
}

ordered_json model_json(const Model& model) {
  ordered_json options = ordered_json::object();
  for (const auto& [name, value] : model.options) options[name] = value;
  const ModelCard& card = model.card;
  const ModelScores& scores = card.scores;
  ordered_json all = {{"format", "saithe model"},
                      {"n_genes", model.preprocessor.n_genes()},
                      {"n_reference_genes", model.preprocessor.reference().names.size()},
                      {"types", model.types.names()},
                      {"cells_of_type", card.cells_of_type},
                      {"n_members", model.members.size()},
                      {"n_parameters", model.n_parameters()},
                      {"sources", card.sources},
                      {"input_sha256", card.input_sha256},
                      {"n_donors", card.n_donors},
                      {"n_suspects", card.n_suspects},
                      {"n_suspects_dropped", card.n_suspects_dropped},
                      {"left_out", left_out_json(card.left_out)},
                      {"shallow_counts", card.shallow_counts},
                      {"validation", scores.validation},
                      {"n_validated", scores.n_cells},
                      {"accuracy", scores.accuracy},
                      {"macro_f1", scores.macro_f1},
                      {"median_f1", scores.median_f1},
                      {"nll", scores.nll},
                      {"brier", scores.brier},
                      {"ece", scores.ece},
                      {"nll_uncalibrated", scores.nll_uncalibrated},
                      {"brier_uncalibrated", scores.brier_uncalibrated},
                      {"ece_uncalibrated", scores.ece_uncalibrated},
                      {"f1_of_type", scores.f1_of_type},
                      {"temperature", model.calibration.temperature},
                      {"type_offsets", model.calibration.type_offsets},
                      {"novelty_threshold", nullptr},
                      {"saithe_version", model.saithe_version},
                      {"seed", model.seed},
                      {"was_interrupted", model.was_interrupted},
                      {"options", options}};
  // What nobody counted is not 0.
  if (card.cells_of_type.empty()) {
    all["n_suspects"] = all["n_suspects_dropped"] = nullptr;
  }
  if (card.shallow_counts <= 0) all["shallow_counts"] = nullptr;
  if (scores.n_cells == 0) {
    for (const char* name : {"accuracy", "macro_f1", "median_f1", "nll", "brier", "ece",
                             "nll_uncalibrated", "brier_uncalibrated", "ece_uncalibrated"}) {
      all[name] = nullptr;
    }
  }
  if (!model.novelty.held_out_quantiles.empty()) {
    all["novelty_threshold"] = novelty_threshold(model.novelty, PredictOptions{}.false_reject_rate);
  }
  return all;
}

}  // namespace saithe::cli
