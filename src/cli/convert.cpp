#include <algorithm>

#include "output_plan.h"
#include "saithe/core/text_io.h"
#include "saithe/core/usable_memory.h"
#include "saithe/io/open.h"
#include "saithe/io/write_h5ad.h"
#include "session.h"

namespace saithe::cli {
namespace {

struct Request {
  std::string input;
  std::string output;
};

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + printable(name);
  return text;
}

/// What the file calls the matrix beside its layers: "X", of Loom "matrix".
std::string main_matrix(const FileSummary& contents) {
  const bool is_loom = !contents.places.empty() && contents.places.back().name == "matrix";
  return is_loom ? "matrix" : "X";
}

/// The place whose values become X: "layers/counts", "raw/X", "X".
std::string place_used(const FileSummary& contents, const ReadOptions& reading) {
  const bool is_layer = std::ranges::find(contents.layers, reading.layer) != contents.layers.end();
  if (reading.layer == main_matrix(contents) && !is_layer) return reading.layer;
  if (!reading.layer.empty()) return "layers/" + reading.layer;
  if (reading.use_raw) return "raw/X";
  for (const ValueKind kind : {ValueKind::Counts, ValueKind::LogNormalized}) {
    for (const PlaceSummary& place : contents.places) {
      if (place.kind == kind) return place.name;
    }
  }
  return contents.places.empty() ? "X" : contents.places.back().name;
}

/// Of AnnData 0.5 and 0.6 it is called raw.X.
bool is_of_raw(const std::string& place) {
  return place == "raw/X" || place == "raw.X";
}

/// A line for each kind of thing that the new file lacks.
void say_what_is_left(const FileSummary& contents, const ReadOptions& reading, Session& session) {
  const std::string used = place_used(contents, reading);
  std::vector<std::string> layers;
  for (const std::string& layer : contents.layers) {
    if ("layers/" + layer != used) layers.push_back(layer);
  }
  const auto say = [&](const char* what, const std::vector<std::string>& names) {
    if (!names.empty()) session.say(fmt::format("not kept: {} {}", what, joined(names)));
  };
  say("layers", layers);
  say("obsm", contents.obsm);
  say("uns", contents.uns);
  say("of the file", contents.not_read);
  if (contents.has_raw && !is_of_raw(used)) session.say("not kept: raw (--use-raw takes it)");
  if (const std::string main = main_matrix(contents); used != main) {
    session.say("not kept: " + main);
  }
}

int run(const CommonOptions& common, const OptionFlags& flags, const Request& request) {
  Session session(common);
  ReadOptions reading;
  flags.apply(reading);
  reading.any_values = true;  // a copy may hold what no model takes
  OutputPlan({request.input}).add(request.output, OutputContent::H5ad);
  { const OutputFile probe(request.output, common.overwrite); }
  auto [contents, opened] = open_described(request.input, reading, session.context());
  // Not only when it comes to them.
  require_memory_for_cells(request.input + ": reading a column of obs", opened->n_cells(),
                           opened->obs().most_bytes_of_entry(), session.context().max_memory);
  ValueKindFinder finder;
  const auto source = show_to(finder, std::move(opened));
  session.say(fmt::format("read: {}, {} x {}", contents.format, counted(source->n_cells(), "cell"),
                          counted(source->n_genes(), "gene")));
  say_what_is_left(contents, reading, session);
  write_h5ad(request.output, *source, {}, common.overwrite, session.context());
  session.say(
      fmt::format("values: {}", finder.has_values() ? to_text(finder.kind()) : "zeros only"));
  if (finder.has_values() && finder.kind() == ValueKind::Unknown) {
    session.context().warn(finder.warning(source->obs(), source->var()));
  }
  session.say("written: " + request.output);
  session.finish(source->n_cells());
  return 0;
}

}  // namespace

void add_convert(CLI::App& program) {
  const auto flags = std::make_shared<OptionFlags>();
  const auto request = std::make_shared<Request>();
  CLI::App* app = add_subcommand(
      program,
      {"convert", "Write cells of any format as an h5ad",
       "saithe convert filtered_feature_bc_matrix.h5 cells.h5ad"},
      flags, [=](const CommonOptions& common) { return run(common, *flags, *request); });
  app->add_option("IN", request->input, "cells: h5ad, Zarr, 10x HDF5, MTX, Loom, h5Seurat, CSV")
      ->required();
  app->add_option("OUT", request->output, "the h5ad to write: counts, obs and var")->required();
  flags->add(*app, ReadOptions{}, "Reading");
}

}  // namespace saithe::cli
