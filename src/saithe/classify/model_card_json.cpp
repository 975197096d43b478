#include "saithe/classify/model_card_json.h"

#include <optional>
#include <vector>

#include "saithe/classify/strict_json.h"

namespace saithe {
namespace {

constexpr std::uint64_t kMaxCells = std::uint64_t{1} << 53;

ModelScores read_scores(const nlohmann::json& json, const std::string& where) {
  const JsonObject object(
      json, where,
      {"validation", "n_cells", "accuracy", "macro_f1", "median_f1", "nll", "brier", "ece",
       "nll_uncalibrated", "brier_uncalibrated", "ece_uncalibrated", "f1_of_type"});
  ModelScores scores;
  scores.validation = object.text("validation");
  scores.n_cells = static_cast<std::int64_t>(object.count("n_cells", kMaxCells));
  scores.accuracy = object.number("accuracy");
  scores.macro_f1 = object.number("macro_f1");
  scores.median_f1 = object.number("median_f1");
  scores.nll = object.number("nll");
  scores.brier = object.number("brier");
  scores.ece = object.number("ece");
  scores.nll_uncalibrated = object.number("nll_uncalibrated");
  scores.brier_uncalibrated = object.number("brier_uncalibrated");
  scores.ece_uncalibrated = object.number("ece_uncalibrated");
  scores.f1_of_type = object.numbers("f1_of_type");
  return scores;
}

std::optional<LeftOutCells> read_left_out(const nlohmann::json& json, const std::string& where) {
  if (json.is_null()) return std::nullopt;
  const JsonObject object(json, where,
                          {"without_label", "without_counts", "small_types", "cells_of_type"});
  LeftOutCells left_out;
  left_out.n_without_label = static_cast<std::int64_t>(object.count("without_label", kMaxCells));
  left_out.n_without_counts = static_cast<std::int64_t>(object.count("without_counts", kMaxCells));
  const auto types = object.texts("small_types");
  const auto n_cells = object.counts("cells_of_type", kMaxCells);
  if (types.size() != n_cells.size()) {
    fail(ErrorKind::BadFormat, "{}: {} types with cells of {}", where, types.size(),
         n_cells.size());
  }
  for (std::size_t i = 0; i < types.size(); ++i) {
    left_out.small_types.emplace_back(types[i], static_cast<std::int64_t>(n_cells[i]));
  }
  return left_out;
}

nlohmann::ordered_json left_out_json(const std::optional<LeftOutCells>& left_out) {
  if (!left_out) return nullptr;
  std::vector<std::string> types;
  std::vector<std::int64_t> n_cells;
  for (const auto& [type, n] : left_out->small_types) {
    types.push_back(type);
    n_cells.push_back(n);
  }
  return {{"without_label", left_out->n_without_label},
          {"without_counts", left_out->n_without_counts},
          {"small_types", types},
          {"cells_of_type", n_cells}};
}

}  // namespace

ModelCard read_model_card(const nlohmann::json& json, const std::string& where) {
  const JsonObject object(json, where,
                          {"sources", "input_sha256", "cells_of_type", "n_donors", "n_suspects",
                           "n_suspects_dropped", "left_out", "shallow_counts", "scores"});
  ModelCard card;
  card.sources = object.texts("sources");
  card.input_sha256 = object.text("input_sha256");
  for (const std::uint64_t n : object.counts("cells_of_type", kMaxCells)) {
    card.cells_of_type.push_back(static_cast<std::int64_t>(n));
  }
  card.n_donors = static_cast<std::int64_t>(object.count("n_donors", kMaxCells));
  card.n_suspects = static_cast<std::int64_t>(object.count("n_suspects", kMaxCells));
  card.n_suspects_dropped =
      static_cast<std::int64_t>(object.count("n_suspects_dropped", kMaxCells));
  card.scores = read_scores(object.at("scores"), where + ": scores");
  card.left_out = read_left_out(object.at("left_out"), where + ": left_out");
  card.shallow_counts = object.number("shallow_counts");
  if (card.shallow_counts < 0) {
    fail(ErrorKind::BadFormat, "{}: {} \"shallow_counts\"", where, card.shallow_counts);
  }
  return card;
}

nlohmann::ordered_json model_card_json(const ModelCard& card) {
  const ModelScores& scores = card.scores;
  return {{"sources", card.sources},
          {"input_sha256", card.input_sha256},
          {"cells_of_type", card.cells_of_type},
          {"n_donors", card.n_donors},
          {"n_suspects", card.n_suspects},
          {"n_suspects_dropped", card.n_suspects_dropped},
          {"left_out", left_out_json(card.left_out)},
          {"shallow_counts", card.shallow_counts},
          {"scores",
           {{"validation", scores.validation},
            {"n_cells", scores.n_cells},
            {"accuracy", scores.accuracy},
            {"macro_f1", scores.macro_f1},
            {"median_f1", scores.median_f1},
            {"nll", scores.nll},
            {"brier", scores.brier},
            {"ece", scores.ece},
            {"nll_uncalibrated", scores.nll_uncalibrated},
            {"brier_uncalibrated", scores.brier_uncalibrated},
            {"ece_uncalibrated", scores.ece_uncalibrated},
            {"f1_of_type", scores.f1_of_type}}}};
}

}  // namespace saithe
