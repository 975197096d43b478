#include "saithe/classify/predict.h"
#include "annotations.h"
#include "input_paths.h"
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
  bool force = false;
};

std::string predictions_tsv(const Model& model, const CellSource& source,
                            const Predictions& predictions) {
  std::string text = "barcode\tpredicted\tconfidence\n";
  const auto& barcodes = source.obs().index();
  for (std::size_t cell = 0; cell < barcodes.size(); ++cell) {
    text += barcodes[cell] + "\t" + type_name(model, predictions.labels[cell]) + "\t" +
            format_number(predictions.confidence[cell]) + "\n";
  }
  return text;
}

void write_h5ad_output(const Request& request, const ReadOptions& reading, const Model& model,
                       Predictions predictions, Session& session) {
  Annotations annotations;
  add_predicted_types(annotations, model, predictions.labels, predictions.confidence);
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
  if (request.output != "-") {
    require_not_an_input(request.output, {request.model, request.query});
    const OutputFile probe(request.output, common.overwrite);
  }
  const Model model = load_model(request.model);
  const auto source = open_source(request.query, reading, session.context());
  PredictOptions options;
  options.with_probabilities = !is_table;
  options.force = request.force;
  Predictions predictions = predict(model, *source, options, common.device, session.context());
  session.say(fmt::format("genes: {} of the model's {} found ({:.1f} % of its weight)",
                          predictions.n_genes_matched, model.preprocessor.n_genes(),
                          100 * predictions.weight_matched));
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
  app->add_flag("--force", request->force, "accept a query that lacks most of the model's genes");
  flags->add(*app, ReadOptions{}, "Reading");
}

}  // namespace saithe::cli
