#include "annotations.h"
#include "bundled_models.h"
#include "gene_flags.h"
#include "input_paths.h"
#include "query_lines.h"
#include "saithe/classify/predict.h"
#include "saithe/core/text_io.h"
#include "saithe/embed/umap.h"
#include "saithe/io/open.h"
#include "session.h"

namespace saithe::cli {
namespace {

struct Request {
  std::string model;
  std::string data;
  std::string output;
  bool force = false;
};

int run(const CommonOptions& common, const OptionFlags& flags, const Request& request) {
  Session session(common);
  ReadOptions reading;
  UmapOptions layout;
  flags.apply(reading);
  flags.apply(layout);
  require_umap_options(layout);
  require_model_first(request.model, request.data);
  require_not_an_input(request.output, {request.model, request.data});
  require_h5ad_name(request.output);
  { const OutputFile probe(request.output, common.overwrite); }
  const Model model = load_named_model(request.model, session);
  const auto source = open_source(request.data, reading, session.context());
  PredictOptions options;
  options.with_hidden = true;
  options.with_probabilities = false;
  options.force = request.force;
  options.genes = gene_match_options(flags);
  Predictions predictions = predict(model, *source, options, common.device, session.context());
  say_match(model, predictions, session);
  if (predictions.hidden.n_rows() == 0) {
    fail(ErrorKind::Incompatible, "{}: the model has no hidden layer to embed", request.model);
  }
  Annotations annotations;
  annotations.obsm.emplace_back("X_umap",
                                umap(predictions.hidden.view(), layout, session.context()));
  annotations.obsm.emplace_back("X_saithe_hidden", std::move(predictions.hidden));
  annotations.uns.emplace_back("saithe/version", model.saithe_version);
  if (is_h5ad(request.data)) {
    annotate_h5ad(request.data, request.output, annotations, common.overwrite, session.context());
  } else {
    write_h5ad(request.output, read_dataset(request.data, reading, session.context()), annotations,
               common.overwrite, session.context());
  }
  session.say("written: " + request.output);
  session.finish(source->n_cells());
  return 0;
}

}  // namespace

void add_embed(CLI::App& program) {
  const auto flags = std::make_shared<OptionFlags>();
  const auto request = std::make_shared<Request>();
  CLI::App* app = add_subcommand(
      program,
      {"embed", "Write a model's last hidden layer of cells, and its UMAP",
       "saithe embed model.saithe query.h5ad -o embedded.h5ad"},
      flags, [=](const CommonOptions& common) { return run(common, *flags, *request); });
  app->add_option("MODEL", request->model,
                  "a model that train or walkthrough wrote, or a bundled one: pbmc3k")
      ->required();
  app->add_option("DATA", request->data, "cells: h5ad, 10x HDF5, 10x MTX folder")->required();
  app->add_option("-o,--output", request->output, "the h5ad to write")
      ->required()
      ->type_name("FILE");
  app->add_flag("--force", request->force, "accept cells that lack most of the model's genes");
  flags->add(*app, UmapOptions{}, "UMAP");
  add_gene_flags(*app, *flags);
  flags->add(*app, ReadOptions{}, "Reading");
}

}  // namespace saithe::cli
