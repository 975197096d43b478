#include "query_lines.h"

namespace saithe::cli {

void say_match(const Model& model, const Predictions& predictions, Session& session) {
  session.say(fmt::format("genes: {} of the model's {} found by {} ({:.1f} % of its weight)",
                          predictions.genes.n_matched, model.preprocessor.n_genes(),
                          predictions.genes.matched_by, 100 * predictions.weight_matched));
  for (const std::string& note : predictions.genes.notes) session.say("genes: " + note);
  session.say(fmt::format("values: {}", to_text(predictions.kind)));
}

void say_unassigned(CellIndex n_unassigned, CellIndex n_cells, Session& session) {
  session.say(fmt::format("unassigned: {} of {} cells", n_unassigned, n_cells));
}

}  // namespace saithe::cli
