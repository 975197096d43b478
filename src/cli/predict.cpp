#include "saithe/classify/predict.h"

#include <algorithm>
#include <cmath>

#include "annotations.h"
#include "saithe/classify/model_file.h"
#include "saithe/core/text_io.h"
#include "saithe/io/open.h"
#include "session.h"

namespace saithe::cli {
namespace {

struct Request {
  std::string model;
  std::string query;
  std::string output;
  std::string probabilities;
  PredictOptions options;
  bool no_reject = false;
};

std::string number_or_empty(float value) {
  return std::isnan(value) ? "" : format_number(value);
}

std::string predictions_tsv(const Model& model, const CellSource& source,
                            const Predictions& predictions) {
  std::string text =
      "barcode\tpredicted\tconfidence\tbest_label\trunner_up\trunner_up_confidence\tnovelty\n";
  const auto& barcodes = source.obs().index();
  for (std::size_t cell = 0; cell < barcodes.size(); ++cell) {
    text += fmt::format("{}\t{}\t{}\t{}\t{}\t{}\t{}\n", barcodes[cell],
                        type_name(model, predictions.labels[cell]),
                        format_number(predictions.confidence[cell]),
                        type_name(model, predictions.best_labels[cell]),
                        type_name(model, predictions.runners_up[cell]),
                        format_number(predictions.runner_up_confidence[cell]),
                        number_or_empty(predictions.novelty[cell]));
  }
  return text;
}

std::string probabilities_tsv(const Model& model, const CellSource& source,
                              const DenseMatrix& probabilities) {
  std::string text = "barcode";
  for (const std::string& type : model.types.names()) text += "\t" + type;
  text += "\n";
  const auto& barcodes = source.obs().index();
  for (std::size_t cell = 0; cell < barcodes.size(); ++cell) {
    text += barcodes[cell];
    for (const float p : probabilities.row(static_cast<std::int64_t>(cell))) {
      text += "\t" + format_number(p);
    }
    text += "\n";
  }
  return text;
}

void write_h5ad_output(const Request& request, const ReadOptions& reading, const Model& model,
                       Predictions predictions, Session& session) {
  Annotations annotations;
  add_predicted_types(annotations, model, predictions.labels, predictions.confidence);
  add_prediction_details(annotations, model, predictions);
  annotations.obsm.emplace_back("predicted_cell_type_probabilities",
                                std::move(predictions.probabilities));
  if (is_h5ad(request.query)) {
    annotate_h5ad(request.query, request.output, annotations, session.common().overwrite,
                  session.context());
    return;
  }
  write_h5ad(request.output, read_dataset(request.query, reading, session.context()), annotations,
             session.common().overwrite, session.context());
}

int run(const CommonOptions& common, const OptionFlags& flags, const Request& request) {
  Session session(common);
  ReadOptions reading;
  flags.apply(reading);
  const bool is_table = request.output == "-" || !request.output.ends_with(".h5ad");
  if (request.output != "-") const OutputFile probe(request.output, common.overwrite);
  if (!request.probabilities.empty()) {
    const OutputFile probe(request.probabilities, common.overwrite);
  }
  const Model model = load_model(request.model);
  const auto source = open_source(request.query, reading, session.context());
  PredictOptions options = request.options;
  options.with_probabilities = !is_table || !request.probabilities.empty();
  options.reject = !request.no_reject;
  Predictions predictions = predict(model, *source, options, common.device, session.context());
  session.say(fmt::format("genes: {} of the model's {} found by {} ({:.1f} % of its weight)",
                          predictions.n_genes_matched, model.preprocessor.n_genes(),
                          predictions.matched_by, 100 * predictions.weight_matched));
  session.say(fmt::format("values: {}", to_text(predictions.kind)));
  const auto n_unassigned =
      std::count(predictions.labels.begin(), predictions.labels.end(), kNoLabel);
  session.say(fmt::format("unassigned: {} of {} cells", n_unassigned, predictions.labels.size()));
  if (!request.probabilities.empty()) {
    write_file(request.probabilities, probabilities_tsv(model, *source, predictions.probabilities),
               common.overwrite);
    session.say("written: " + request.probabilities);
  }
  if (request.output == "-") {
    const std::string text = predictions_tsv(model, *source, predictions);
    if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() ||
        std::fflush(stdout) != 0) {
      fail(ErrorKind::Output, "standard output cannot be written");
    }
  } else if (is_table) {
    write_file(request.output, predictions_tsv(model, *source, predictions), common.overwrite);
  } else {
    write_h5ad_output(request, reading, model, std::move(predictions), session);
  }
  if (request.output != "-") session.say("written: " + request.output);
  session.finish(source->n_cells());
  return 0;
}

}  // namespace

void add_predict(CLI::App& program) {
  const auto flags = std::make_shared<OptionFlags>();
  const auto request = std::make_shared<Request>();
  CLI::App* app =
      add_subcommand(program, "predict", "Label cells with a model", flags,
                     [=](const CommonOptions& common) { return run(common, *flags, *request); });
  app->add_option("MODEL", request->model, "a model that train or walkthrough wrote")->required();
  app->add_option("QUERY", request->query, "cells: h5ad, 10x HDF5, 10x MTX folder")->required();
  app->add_option("-o,--output", request->output,
                  "FILE.h5ad: the query with columns added; other names: a table; -: to stdout")
      ->required()
      ->type_name("FILE");
  PredictOptions& options = request->options;
  app->add_option("--probabilities", request->probabilities,
                  "write the probability of every type here, a table")
      ->type_name("FILE");
  app->add_flag("--no-reject", request->no_reject, "unassigned only for cells without counts");
  app->add_option("--false-reject-rate", options.false_reject_rate,
                  "share of cells of known types that may become unassigned")
      ->capture_default_str()
      ->type_name("");
  app->add_option("--labels-allow", options.labels_allow, "give only these types")
      ->delimiter(',')
      ->type_name("TYPES");
  app->add_option("--labels-deny", options.labels_deny, "never give these types")
      ->delimiter(',')
      ->type_name("TYPES");
  app->add_flag("--force", options.force, "accept a query that lacks most of the model's genes");
  flags->add(*app, ReadOptions{}, "Reading");
}

}  // namespace saithe::cli
