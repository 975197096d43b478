#include "query_lines.h"

#include <algorithm>

namespace saithe::cli {
namespace {

// A share of rejected or shallow cells that is worth a warning: this, and, of rejected ones, so
// many times the stated rate. Single cells prove nothing.
constexpr double kNotableShare = 0.05;
constexpr double kNotableRatio = 3;
constexpr CellIndex kNotableCells = 10;

/// " Of some types most are: 185 of 186 'Dendritic cells', ..."; empty where there is none.
std::string mostly_rejected(const UnassignedCells& cells, const LabelSet& types) {
  std::string text;
  for (std::size_t type = 0; type < cells.of_type.size(); ++type) {
    const auto [n_cells, n_rejected] = cells.of_type[type];
    if (n_rejected < kNotableCells || 2 * n_rejected <= n_cells) continue;
    text += fmt::format("{}{} of {} '{}'", text.empty() ? " Of some types most are: " : ", ",
                        n_rejected, n_cells, printable(types.name(static_cast<LabelIndex>(type))));
  }
  return text.empty() ? text : text + ".";
}

}  // namespace

void say_genes(const Model& model, const Predictions& predictions, const std::string& what,
               Session& session) {
  session.say(fmt::format("{}: {} of the model's {} found by {} ({:.1f} % of its weight)", what,
                          predictions.genes.n_matched, model.preprocessor.n_genes(),
                          predictions.genes.matched_by, 100 * predictions.weight_matched));
  for (const std::string& note : predictions.genes.notes) session.say(what + ": " + note);
}

void warn_of_words_as_types(const Model& model, Session& session) {
  for (const char* word : {kUnassigned, kHeterogeneous}) {
    if (model.types.find(word) == kNoLabel) continue;
    session.context().warn(fmt::format(
        "the model has a type called '{}': among the labels it cannot be told from {}. "
        "--labels-deny leaves it out",
        word,
        word == std::string_view(kUnassigned) ? "cells that get none"
                                              : "clusters without a majority (--majority-vote)"));
  }
}

void say_match(const Model& model, const Predictions& predictions, Session& session) {
  say_genes(model, predictions, "genes", session);
  session.say(fmt::format("values: {}", to_text(predictions.kind)));
  warn_of_words_as_types(model, session);
}

void require_rejection(const OptionFlags& flags, const Model& model) {
  if (!model.novelty.held_out_quantiles.empty()) return;
  const std::string why = model.novelty.n_types == 0
                              ? "has no novelty score"
                              : "has no threshold of novelty, as after --validate none";
  flags.refuse({"false-reject-rate", "reject"},
               "on this model: it " + why + ", and rejects only cells without counts");
}

void say_unassigned(const UnassignedCells& cells, const LabelSet& types, double false_reject_rate,
                    Session& session) {
  session.say(fmt::format("unassigned: {} of {} cells", cells.n_unassigned, cells.n_cells));
  const CellIndex n_empty = cells.n_unassigned - cells.n_rejected;
  if (2 * n_empty > cells.n_cells) {
    session.context().warn(fmt::format(
        "{} of {} cells have no counts in the genes of the model, and can only be unassigned: is "
        "the right matrix read (--layer, --use-raw)?",
        n_empty, cells.n_cells));
  }
  const double share = static_cast<double>(cells.n_rejected) /
                       static_cast<double>(std::max<CellIndex>(cells.n_cells, 1));
  if (cells.n_rejected < kNotableCells || share < kNotableShare ||
      share < kNotableRatio * false_reject_rate) {
    return;
  }
  session.context().warn(fmt::format(
      "{:.0f} % of the cells are unlike every known type and unassigned, where --false-reject-rate "
      "expects {:.3g} % of cells like the reference's. They are of types that the reference lacks, "
      "or the query is of another study or protocol, in which known types are rejected, too. The "
      "column of best labels names their most probable types, which --no-reject takes.{}",
      100 * share, 100 * false_reject_rate, mostly_rejected(cells, types)));
}

void warn_of_shallow_cells(const Model& model, CellIndex n_shallow, CellIndex n_cells,
                           Session& session) {
  const double share =
      static_cast<double>(n_shallow) / static_cast<double>(std::max<CellIndex>(n_cells, 1));
  if (n_shallow < kNotableCells || share < kNotableShare) return;
  session.context().warn(fmt::format(
      "{:.0f} % of the cells have less than half the {:.0f} counts that 99 % of the model's "
      "training cells have. Fewer of their labels may be right than their probabilities say, above "
      "all with preset fast. Leave out cells with few counts, or train on a reference as shallow.",
      100 * share, model.card.shallow_counts));
}

}  // namespace saithe::cli
