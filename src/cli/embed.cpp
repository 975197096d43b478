#include <optional>

#include "bundled_models.h"
#include "cells_destination.h"
#include "gene_flags.h"
#include "input_paths.h"
#include "output_plan.h"
#include "query_lines.h"
#include "result_names.h"
#include "saithe/classify/predict.h"
#include "saithe/core/text_io.h"
#include "saithe/core/usable_memory.h"
#include "saithe/embed/umap.h"
#include "saithe/io/open.h"
#include "session.h"

namespace saithe::cli {
namespace {

struct Request {
  std::string model;
  std::string data;
  std::string output;  ///< empty: in place
  std::optional<std::string> key_added;
  bool in_place = false;
  bool force = false;
};

/// The names of what is added.
Annotations make_annotations(const std::optional<std::string>& key_added, DenseMatrix layout,
                             DenseMatrix hidden, const std::string& version,
                             const std::vector<std::pair<std::string, std::string>>& parameters) {
  const std::string key = key_added ? require_key(*key_added) : "";
  Annotations annotations;
  annotations.obsm.emplace_back(key.empty() ? "X_umap" : "X_" + key + "_umap", std::move(layout));
  annotations.obsm.emplace_back(key.empty() ? "X_saithe_hidden" : "X_" + key + "_hidden",
                                std::move(hidden));
  const std::string place = (key.empty() ? "saithe" : "saithe_" + key) + "/embedding/";
  annotations.uns.emplace_back(place + "version", version);
  for (const auto& [name, value] : parameters) {
    annotations.uns.emplace_back(place + "parameters/" + name, value);
  }
  return annotations;
}

int run(const CommonOptions& common, const OptionFlags& flags, const Request& request) {
  if (request.in_place == !request.output.empty()) {
    fail(ErrorKind::InvalidArgument, "embed needs one of -o FILE and --in-place");
  }
  Session session(common);
  ReadOptions reading;
  UmapOptions layout;
  flags.apply(reading);
  flags.apply(layout);
  require_umap_options(layout);
  if (request.key_added) require_key(*request.key_added);
  const GeneMatchOptions genes = gene_match_options(flags);
  require_model_first(request.model, request.data);
  if (!request.in_place) {
    OutputPlan({model_path(request.model), request.data, genes.gene_symbols})
        .add(request.output, OutputContent::Cells);
  }
  const CellsDestination destination(request.data, request.output, common.overwrite);
  const Model model = load_named_model(request.model, session);
  if (!model.has_hidden_layer()) {
    fail(ErrorKind::Incompatible, "{}: the model has no hidden layer to embed", request.model);
  }
  const auto source = open_source(request.data, reading, session.context());
  if (source->n_cells() < kMinUmapPoints) {
    fail(ErrorKind::BadFormat, "{}: has {}; a UMAP needs {} or more", request.data,
         counted(source->n_cells(), "cell"), kMinUmapPoints);
  }
  require_memory_for_cells(request.data + ": a UMAP", source->n_cells(),
                           umap_bytes_of_point(layout, model.network().shape.hidden.back()),
                           session.context().max_memory);
  destination.require_free(*source, make_annotations(request.key_added, {}, {}, "", {}));
  PredictOptions options;
  options.with_hidden = true;
  options.with_probabilities = false;
  options.force = request.force;
  options.genes = genes;
  Predictions predictions = predict(model, *source, options, session.device(), session.context());
  say_match(model, predictions, session);
  auto parameters = options_as_text(layout);
  parameters.emplace_back("seed", std::to_string(session.context().seed()));
  DenseMatrix umap_layout = umap(predictions.hidden.view(), layout, session.context());
  destination.write(
      *source,
      make_annotations(request.key_added, std::move(umap_layout), std::move(predictions.hidden),
                       model.saithe_version, parameters),
      session);
  session.commit_outputs();
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
  app->add_option("DATA", request->data, "cells: h5ad, Zarr, 10x HDF5, MTX, Loom, h5Seurat, CSV")
      ->required();
  app->add_option("-o,--output", request->output, "the h5ad to write, or of a Zarr store the store")
      ->type_name("FILE");
  app->add_flag("--in-place", request->in_place, "add to the cells' own h5ad or Zarr folder");
  app->add_option("--key-added", request->key_added,
                  "write obsm X_NAME_umap and X_NAME_hidden (default: X_umap, X_saithe_hidden)")
      ->type_name("NAME");
  app->add_flag("--force", request->force, "accept cells that lack most of the model's genes");
  flags->add(*app, UmapOptions{}, "UMAP");
  add_gene_flags(*app, *flags);
  flags->add(*app, ReadOptions{}, "Reading");
}

}  // namespace saithe::cli
