#include <nlohmann/json.hpp>

#include "bundled_models.h"
#include "model_summary.h"
#include "saithe/classify/model_card.h"
#include "saithe/classify/model_file.h"
#include "saithe/core/text_io.h"
#include "saithe/io/open.h"
#include "session.h"

namespace saithe::cli {
namespace {

using nlohmann::ordered_json;

ordered_json columns_json(const std::vector<ColumnSummary>& columns) {
  ordered_json all = ordered_json::object();
  for (const ColumnSummary& column : columns) {
    all[column.name] = {{"kind", column.kind}, {"n_values", column.n_values}};
  }
  return all;
}

ordered_json places_json(const std::vector<PlaceSummary>& places) {
  ordered_json all = ordered_json::object();
  for (const PlaceSummary& place : places) {
    all[place.name] = {{"value_kind", to_text(place.kind)}, {"finding", place.finding}};
  }
  return all;
}

ordered_json summary_json(const FileSummary& summary) {
  return {{"format", summary.format},
          {"n_cells", summary.n_cells},
          {"n_genes", summary.n_genes},
          {"n_stored", summary.n_stored},
          {"value_kind", to_text(summary.value_kind)},
          {"total", summary.total},
          {"places", places_json(summary.places)},
          {"layers", summary.layers},
          {"has_raw", summary.has_raw},
          {"obsm", summary.obsm},
          {"uns", summary.uns},
          {"obs", columns_json(summary.obs)},
          {"var", columns_json(summary.var)},
          {"warnings", summary.warnings}};
}

std::string columns_text(const char* name, const std::vector<ColumnSummary>& columns) {
  std::string text;
  for (const ColumnSummary& column : columns) {
    text += fmt::format("{} {}: {}, {}\n", name, printable(column.name), column.kind,
                        counted(column.n_values, "distinct value"));
  }
  return text;
}

std::string summary_text(const FileSummary& summary) {
  std::string text =
      fmt::format("format: {}\ncells: {}\ngenes: {}\nstored values: {}\nvalues: {}\ntotal: {}\n",
                  summary.format, summary.n_cells, summary.n_genes, summary.n_stored,
                  to_text(summary.value_kind), format_number(summary.total));
  for (const PlaceSummary& place : summary.places) {
    text += "place: " + printable(place.finding) + "\n";
  }
  for (const std::string& layer : summary.layers)
    text += "layer: " + printable(layer) + " (--layer)\n";
  if (summary.has_raw) text += "raw: there (--use-raw)\n";
  for (const std::string& name : summary.obsm) text += "obsm: " + printable(name) + "\n";
  for (const std::string& name : summary.uns) text += "uns: " + printable(name) + "\n";
  text += columns_text("obs", summary.obs) + columns_text("var", summary.var);
  for (const std::string& warning : summary.warnings)
    text += "warning: " + printable(warning) + "\n";
  return text;
}

int run(const CommonOptions& common, const OptionFlags& flags, const std::string& path,
        bool as_json, bool as_card) {
  Session session(common);
  ReadOptions options;
  flags.apply(options);
  if (as_card && as_json) {
    fail(ErrorKind::InvalidArgument,
         "--json has no effect with --card, which is Markdown; leave one of them out");
  }
  std::string text;
  if (is_model_file(model_path(path))) {
    flags.refuse_all_of<ReadOptions>("on a model");
    const Model model = load_model(model_path(path));
    text =
        as_card ? model_card_markdown(model)
        : as_json
            ? model_json(model).dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n"
            : model_text(model);
  } else {
    if (as_card) {
      fail(ErrorKind::InvalidArgument, "--card: {} is no model; only models have a card", path);
    }
    const FileSummary summary = inspect_file(path, options, session.context());
    text = as_json
               ? summary_json(summary).dump(2, ' ', false, ordered_json::error_handler_t::replace) +
                     "\n"
               : summary_text(summary);
  }
  write_stdout(text);
  return 0;
}

}  // namespace

void add_inspect(CLI::App& program) {
  const auto flags = std::make_shared<OptionFlags>();
  const auto path = std::make_shared<std::string>();
  const auto as_json = std::make_shared<bool>(false);
  const auto as_card = std::make_shared<bool>(false);
  CLI::App* app = add_subcommand(
      program, {"inspect", "Say what a data or model file holds", "saithe inspect query.h5ad"},
      flags,
      [=](const CommonOptions& common) { return run(common, *flags, *path, *as_json, *as_card); });
  app->add_option("FILE", *path,
                  "h5ad, Zarr, 10x HDF5, MTX, Loom, h5Seurat, CSV or TSV, or a model")
      ->required();
  app->add_flag("--json", *as_json, "print JSON, for machines");
  app->add_flag("--card", *as_card, "print the model card, Markdown");
  flags->add(*app, ReadOptions{}, "Reading");
}

}  // namespace saithe::cli
