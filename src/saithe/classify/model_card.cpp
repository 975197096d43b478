#include "saithe/classify/model_card.h"

#include <algorithm>
#include <numeric>
#include <string_view>

#include "saithe/classify/predict.h"
#include "saithe/core/text_io.h"

namespace saithe {
namespace {

/// A name from the data inside a Markdown table.
std::string shown(const std::string& name) {
  std::string text;
  for (const char c : printable(name)) {
    if (c == '|' || c == '\\' || c == '`' || c == '*' || c == '_' || c == '<') text += '\\';
    text += c;
  }
  return text;
}

std::string row(const std::string& name, const std::string& value) {
  return fmt::format("| {} | {} |\n", name, value);
}

/// Whether a card that says nothing else was filled in by a training.
bool is_of_training(const Model& model) {
  return !model.card.cells_of_type.empty();
}

bool has_option(const Model& model, std::string_view name, std::string_view value) {
  return std::any_of(model.options.begin(), model.options.end(), [&](const auto& option) {
    return option.first == name && option.second == value;
  });
}

std::string made_from(const Model& model) {
  const ModelCard& card = model.card;
  std::string sources;
  for (const std::string& source : card.sources) {
    sources += (sources.empty() ? "" : ", ") + shown(source);
  }
  std::string text = "## Made from\n\n| what | value |\n|---|---|\n";
  if (!sources.empty()) text += row("reference", sources);
  text += row("training cells", training_cells_text(model));
  text += row("donors", card.n_donors > 0 ? fmt::format("{}", card.n_donors) : "not stated");
  text += row("genes", fmt::format("{} inputs of {} in the reference", model.preprocessor.n_genes(),
                                   model.preprocessor.reference().names.size()));
  text += row("values", to_text(model.preprocessor.kind()));
  text += row("cells whose label looks wrong", suspects_text(model));
  text += row("left out of the reference", shown(left_out_text(model)));
  text += row("counts of a training cell", shallow_counts_text(model));
  text += row("SHA-256 of the training cells",
              card.input_sha256.empty() ? "not stated" : card.input_sha256);
  text += row("saithe", fmt::format("{}, seed {}", model.saithe_version, model.seed));
  if (model.was_interrupted) text += row("training", interruption_text(model));
  return text + "\n";
}

std::string how_good(const Model& model) {
  const ModelScores& scores = model.card.scores;
  std::string text = "## How good\n\n";
  if (scores.n_cells == 0) return text + "Not validated.\n\n";
  text += fmt::format("Judged on {} cells by models that had not seen them ({}).\n\n",
                      scores.n_cells, scores.validation);
  text += "| score | value |\n|---|---|\n";
  text += row("accuracy", fmt::format("{:.4f}", scores.accuracy));
  text += row("macro F1", fmt::format("{:.4f}", scores.macro_f1));
  text += row("median F1", fmt::format("{:.4f}", scores.median_f1));
  text += row("NLL (before calibration)",
              fmt::format("{:.4f} ({:.4f})", scores.nll, scores.nll_uncalibrated));
  text += row("Brier (before)",
              fmt::format("{:.4f} ({:.4f})", scores.brier, scores.brier_uncalibrated));
  text += row("calibration error (before)",
              fmt::format("{:.4f} ({:.4f})", scores.ece, scores.ece_uncalibrated));
  const bool has_dropped = model.card.n_suspects_dropped > 0;
  const char* fitted_on =
      has_dropped ? ", fitted on those of these cells that trained" : ", fitted on these cells";
  text += row("calibrated by", calibration_text(model) + (is_calibrated(model) ? fitted_on : ""));
  if (!model.novelty.held_out_quantiles.empty()) {
    const double rate = PredictOptions{}.false_reject_rate;
    text += row("rejected", fmt::format("beyond a distance of {:.2f}, which {:.1f} % of {} pass",
                                        novelty_threshold(model.novelty, rate), 100 * rate,
                                        has_dropped ? "those" : "these cells"));
  }
  if (has_dropped) {
    text += fmt::format(
        "\n{} with suspect labels did not train. They are judged by their labels as given: where "
        "these are wrong, the scores are too low.\n",
        counted(model.card.n_suspects_dropped, "cell"));
  }
  return text + "\n";
}

std::string types(const Model& model) {
  const ModelCard& card = model.card;
  std::string text = "## Types\n\n| type | training cells | F1 |\n|---|---|---|\n";
  for (LabelIndex type = 0; type < model.types.n_types(); ++type) {
    const auto at = as_size(type);
    text += fmt::format(
        "| {} | {} | {} |\n", shown(model.types.name(type)),
        card.cells_of_type.empty() ? "-" : fmt::format("{}", card.cells_of_type[at]),
        card.scores.f1_of_type.empty() ? "-" : fmt::format("{:.4f}", card.scores.f1_of_type[at]));
  }
  return text + "\n";
}

std::string limits(const Model& model) {
  return fmt::format(
      "## Limits\n\nThe model knows the {} types above and no other. {} Its probabilities were "
      "{}.\n",
      model.types.n_types(),
      model.card.scores.f1_of_type.empty()
          ? "How good it is was not measured here."
          : "The scores hold for cells like the training cells; another tissue, disease or "
            "chemistry can be worse.",
      is_calibrated(model) ? "calibrated within the reference" : "not calibrated");
}

}  // namespace

bool is_calibrated(const Model& model) {
  // Where no cell was left to fit on, there are no curves against the rest either.
  const bool was_fitted = !model.one_vs_rest.slopes.empty() || model.calibration != Calibration{};
  return was_fitted && model.card.scores.n_cells > 0 && !has_option(model, "calibrate", "false");
}

std::string training_cells_text(const Model& model) {
  const auto& cells = model.card.cells_of_type;
  if (!is_of_training(model)) return "not stated";
  return std::to_string(std::accumulate(cells.begin(), cells.end(), std::int64_t{0}));
}

std::string suspects_text(const Model& model) {
  if (!is_of_training(model)) return "not stated";
  if (has_option(model, "find-suspects", "false")) return "not looked for";
  return fmt::format("{} ({} not trained on)", model.card.n_suspects,
                     model.card.n_suspects_dropped);
}

std::string left_out_text(const Model& model) {
  if (!model.card.left_out) return "not stated";
  const LeftOutCells& cells = *model.card.left_out;
  std::string text;
  const auto add = [&](const std::string& part) { text += (text.empty() ? "" : ", ") + part; };
  if (cells.n_without_label > 0) add(counted(cells.n_without_label, "cell") + " without a label");
  if (cells.n_without_counts > 0) add(counted(cells.n_without_counts, "cell") + " without counts");
  for (const auto& [type, n] : cells.small_types) {
    add(fmt::format("type '{}' of {}", printable(type), counted(n, "cell")));
  }
  return text.empty() ? "nothing" : text;
}

std::string shallow_counts_text(const Model& model) {
  if (model.card.shallow_counts <= 0) return "not stated";
  return fmt::format("99 % have {:.0f} or more", model.card.shallow_counts);
}

std::string calibration_text(const Model& model) {
  return is_calibrated(model) ? describe(model.calibration) : "nothing: not calibrated";
}

std::string interruption_text(const Model& model) {
  std::int64_t epochs = -1;
  std::int64_t n_networks = 1;
  auto n_begun = std::ssize(model.members);
  for (const auto& [name, value] : model.options) {
    if (name == kEpochsDone) parse_number(value, epochs);
    if (name == "networks") parse_number(value, n_networks);
    if (name == "linear" && value == "true") --n_begun;
  }
  if (epochs < 0) return "interrupted before its end";
  const std::string text = "interrupted after " + counted(epochs, "full epoch");
  if (n_networks <= 1) return text;
  return fmt::format("{} of the first network; it has {} of {} networks, the last cut short", text,
                     n_begun, n_networks);
}

std::string model_card_markdown(const Model& model) {
  std::string text = "# Model card\n\n";
  for (const Member& member : model.members) {
    text += member.shape.hidden.empty()
                ? fmt::format("- linear: {} genes, {} types\n", member.shape.n_inputs,
                              member.shape.n_outputs)
                : fmt::format("- network: {} parameters\n", member.shape.n_parameters());
  }
  return text + "\n" + made_from(model) + how_good(model) + types(model) + limits(model);
}

}  // namespace saithe
