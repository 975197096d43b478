#include <algorithm>
#include <map>

#include "bundled_models.h"
#include "gene_flags.h"
#include "input_paths.h"
#include "labelled_cells.h"
#include "output_plan.h"
#include "query_lines.h"
#include "saithe/classify/evaluation_json.h"
#include "saithe/classify/majority_vote.h"
#include "saithe/classify/predict.h"
#include "saithe/core/text_io.h"
#include "session.h"

namespace saithe::cli {
namespace {

struct Request {
  std::string model;
  std::string data;
  std::string output;
  LabelPlace labels;
  bool force = false;
};

/// Tells of the cells that no score can be of; the number of those without a label. Throws
/// Error(Incompatible) if no cell has one.
std::int64_t say_unjudged(const CellSource& source, const std::vector<std::string>& labels,
                          const std::vector<LabelIndex>& truth, Session& session) {
  static constexpr std::size_t kMostNames = 10;
  std::map<std::string, std::int64_t> unknown;
  std::int64_t n_unknown = 0;
  std::int64_t n_unlabelled = 0;
  for (std::size_t cell = 0; cell < labels.size(); ++cell) {
    if (truth[cell] != kNoLabel) continue;
    if (is_label(labels[cell])) {
      ++unknown[labels[cell]];
      ++n_unknown;
    } else {
      ++n_unlabelled;
    }
  }
  if (n_unlabelled == std::ssize(labels)) {
    fail(ErrorKind::Incompatible, "{}: none of the {} cells has a label: all are missing",
         source.name(), labels.size());
  }
  if (n_unlabelled > 0) {
    session.say(fmt::format("not judged: {} without a label", counted(n_unlabelled, "cell")));
  }
  if (unknown.empty()) return n_unlabelled;
  std::string names;
  std::size_t n_named = 0;
  for (const auto& [type, n] : unknown) {
    if (n_named++ == kMostNames) break;
    names += fmt::format("{}'{}' ({})", names.empty() ? "" : ", ", printable(type), n);
  }
  session.context().warn(
      fmt::format("{}: {} of types that the model does not know, in no score: {}{}", source.name(),
                  counted(n_unknown, "cell") + (n_unknown == 1 ? " is" : " are"), names,
                  unknown.size() > kMostNames ? ", ..." : ""));
  return n_unlabelled;
}

int run(const CommonOptions& common, const OptionFlags& flags, const Request& request) {
  Session session(common);
  ReadOptions reading;
  flags.apply(reading);
  require_model_first(request.model, request.data);
  const GeneMatchOptions genes = gene_match_options(flags);
  if (!request.output.empty()) {
    OutputPlan({model_path(request.model), request.data, request.labels.table, genes.gene_symbols})
        .add(request.output, OutputContent::Other);
    const OutputFile probe(request.output, common.overwrite);
  }
  const Model model = load_named_model(request.model, session);
  const auto source = open_source(request.data, reading, session.context());
  if (source->n_cells() == 0) {
    fail(ErrorKind::Incompatible, "{}: holds no cells, so there is nothing to evaluate",
         source->name());
  }
  std::vector<std::string> known = find_labels(request.labels, *source, session);
  const auto truth = model.types.encode(known);
  const std::int64_t n_unlabelled = say_unjudged(*source, known, truth, session);
  known = {};
  const bool has_loss = model.members.size() == 1 && model.output == OutputKind::Softmax;
  PredictOptions options;
  options.with_logits = has_loss;
  options.force = request.force;
  options.genes = genes;
  EvaluationSums sums(model.types, has_loss ? std::optional(model.loss) : std::nullopt);
  EvaluationSums sums_rejecting(model.types);
  UnassignedCells unassigned;
  std::int64_t n_shallow = 0;
  const auto judge = [&](CellIndex first, const Predictions& block) {
    const auto probabilities = block.probabilities.view();
    const auto known_of_block = std::span(truth).subspan(as_size(first), block.labels.size());
    sums.add(probabilities, known_of_block,
             has_loss ? std::optional(block.logits.view()) : std::nullopt, block.best_labels);
    sums_rejecting.add_rejecting(probabilities, known_of_block, block.labels);
    unassigned.add(block);
    n_shallow += std::ranges::count(block.is_shallow, true);
  };
  const Predictions query =
      predict_in_blocks(model, *source, options, session.device(), session.context(), judge);
  say_match(model, query, session);
  say_unassigned(unassigned, model.types, options.false_reject_rate, session);
  warn_of_shallow_cells(model, n_shallow, source->n_cells(), session);
  session.say(
      "scores: every cell with a type that the model knows is judged by its most probable one, "
      "unassigned or not");
  Evaluation evaluation = sums.scores();
  set_without_label(evaluation, n_unlabelled);
  const std::string text = evaluation_json(evaluation, sums_rejecting.scores());
  if (request.output.empty()) {
    write_stdout(text);
  } else {
    write_file(request.output, text, common.overwrite);
    session.say("written: " + request.output);
  }
  session.finish(source->n_cells());
  return 0;
}

}  // namespace

void add_evaluate(CLI::App& program) {
  const auto flags = std::make_shared<OptionFlags>();
  const auto request = std::make_shared<Request>();
  CLI::App* app = add_subcommand(
      program,
      {"evaluate", "Judge a model on labelled cells",
       "saithe evaluate model.saithe known.h5ad --label-key cell_type -o scores.json"},
      flags, [=](const CommonOptions& common) { return run(common, *flags, *request); });
  app->add_option("MODEL", request->model,
                  "a model that train or walkthrough wrote, or a bundled one: pbmc3k")
      ->required();
  app->add_option("DATA", request->data,
                  "labelled cells: h5ad, Zarr, 10x HDF5, MTX, Loom, h5Seurat, CSV")
      ->required();
  app->add_option("-o,--output", request->output, "write the JSON here instead of to stdout")
      ->type_name("FILE");
  add_label_flags(*app, request->labels);
  app->add_flag("--force", request->force, "accept cells that lack most of the model's genes");
  add_gene_flags(*app, *flags);
  flags->add(*app, ReadOptions{}, "Reading");
}

}  // namespace saithe::cli
