#include "saithe/classify/explain.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "bundled_models.h"
#include "gene_flags.h"
#include "output_folder.h"
#include "output_plan.h"
#include "query_lines.h"
#include "saithe/core/text_io.h"
#include "saithe/core/usable_memory.h"
#include "saithe/io/open.h"
#include "saithe/report/plots.h"
#include "session.h"

namespace saithe::cli {
namespace {

constexpr const char* kTypeTable = "type_genes.tsv";
constexpr const char* kCellTable = "cell_genes.tsv";
constexpr const char* kDotPlot = "dotplot";
// Above this share of the difference that they explain, attributions are not to be trusted.
constexpr double kAcceptedGap = 0.01;

// In memory for each cell while those to explain are chosen: label, probability, novelty.
constexpr std::int64_t kBytesOfCell = 80;

/// PredictOptions without what only the table of predict shows.
struct LabelOptions {
  PredictOptions prediction;

  template <typename Visitor>
  static void describe(Visitor& visit, LabelOptions& options) {
    auto all_but_one = [&](const char* name, auto& value, const char* help) {
      if (std::string_view(name) != "multi-label") visit(name, value, help);
    };
    PredictOptions::describe(all_but_one, options.prediction);
  }
  /// The novelty that predict writes is in units of the threshold, rejected or not; here it chooses
  /// the cells, and no more.
  template <typename Visitor>
  static void needs(Visitor& need, const LabelOptions& options) {
    need({"false-reject-rate"}, options.prediction.reject, "with --no-reject");
  }
};

/// Where integration starts.
struct BackgroundOptions {
  std::string background;
  int background_cells = 100;

  template <typename Visitor>
  static void describe(Visitor& visit, BackgroundOptions& options) {
    visit("background", options.background,
          "compare with cells of this file instead of the training cells' mean");
    visit("background-cells", options.background_cells,
          "use at most so many of them, evenly spaced (0: all)");
  }
  template <typename Visitor>
  static void needs(Visitor& need, const BackgroundOptions& options) {
    need({"background-cells"}, !options.background.empty(), "without --background FILE");
  }
};

struct Request {
  std::string model;
  std::string query;
  std::string output;
  ReadOptions reading;
  ExplainOptions explaining;
  LabelOptions labels;
  BackgroundOptions background;
};

/// A number of the tables; empty where there is none.
std::string number(double value) {
  return std::isnan(value) ? "" : fmt::format("{:.6g}", value);
}

/// Appends a type's genes of one contrast.
void add_type_rows(std::string& text, const Model& model, const Explanation& explanation,
                   const TypeExplanation& type, bool is_over_all, int n) {
  const TypeContrast& contrast = is_over_all ? type.over_all : type.over_other;
  const bool has_query = !explanation.expression.n_cells.empty();
  for (const Evidence evidence : {Evidence::Expressed, Evidence::Absent}) {
    int rank = 0;
    for (const GeneIndex gene : top_genes(contrast, evidence, n)) {
      text += fmt::format("{}\t{}\t{}\t{}\t{}\t{}\t{}", model.types.name(type.type),
                          is_over_all ? "all" : "other", model.types.name(type.over_other.other),
                          evidence == Evidence::Expressed ? "expressed" : "absent", ++rank,
                          model.preprocessor.gene_names()[as_size(gene)],
                          number(contrast.attribution[as_size(gene)]));
      if (has_query) {
        const TypeExpression& expression = explanation.expression;
        const LabelIndex other = type.over_other.other;
        const bool has_other = expression.n_cells[as_size(other)] > 0;
        const double in_others = is_over_all ? mean_in_others(expression, type.type, gene)
                                 : has_other ? static_cast<double>(expression.mean(other, gene))
                                             : std::nan("");
        text +=
            fmt::format("\t{}\t{}", number(static_cast<double>(expression.mean(type.type, gene))),
                        number(in_others));
      }
      text += fmt::format("\t{}\n", number(explanation.background[as_size(gene)]));
    }
  }
}

std::string type_genes_tsv(const Model& model, const Explanation& explanation, int n) {
  std::string text = "type\tcontrast\tother\tevidence\trank\tgene\tattribution";
  if (!explanation.expression.n_cells.empty()) text += "\tmean_in_type\tmean_in_others";
  text += "\tmean_in_background\n";
  for (const TypeExplanation& type : explanation.types) {
    add_type_rows(text, model, explanation, type, true, n);
    add_type_rows(text, model, explanation, type, false, n);
  }
  return text;
}

std::string cell_genes_tsv(const Model& model, const CellSource& source,
                           const Explanation& explanation) {
  std::string text =
      "barcode\tlabel\tcontrast\tother\trank\tgene\tattribution\texpression\tmean_in_background\n";
  for (const CellExplanation& cell : explanation.cells) {
    for (const bool is_over_all : {true, false}) {
      int rank = 0;
      for (const CellGene& gene : is_over_all ? cell.over_all : cell.over_other) {
        text += fmt::format("{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\n",
                            source.obs().index()[as_size(cell.cell)], model.types.name(cell.label),
                            is_over_all ? "all" : "other", model.types.name(cell.other), ++rank,
                            model.preprocessor.gene_names()[as_size(gene.gene)],
                            number(gene.attribution), number(gene.expression),
                            number(explanation.background[as_size(gene.gene)]));
      }
    }
  }
  return text;
}

void require_request(const Request& request) {
  const BackgroundOptions& background = request.background;
  if (background.background_cells < 0) {
    fail(ErrorKind::InvalidArgument, "--background-cells: {} is not 0 (all) or more",
         background.background_cells);
  }
  if (request.query.empty() && !background.background.empty()) {
    fail(ErrorKind::InvalidArgument,
         "--background: without a QUERY there is nothing to compare with it");
  }
}

Background make_background(const Request& request, const Model& model, Session& session) {
  if (request.background.background.empty()) return mean_background(model.preprocessor);
  const auto source =
      open_source(request.background.background, request.reading, session.context());
  GeneMatchOptions genes = request.labels.prediction.genes;
  genes.gene_column.clear();  // it names a column of the query
  // As of a query: attributions of genes that the background lacks are against their mean.
  const Predictions match = match_model(model, *source, genes, request.labels.prediction.force);
  say_genes(model, match, "background: genes", session);
  return cell_background(model.preprocessor, *source, request.background.background_cells,
                         session.context(), genes);
}

/// What a model alone is explained by has no use for the options of cells.
void refuse_idle_options(const Request& request, const OptionFlags& flags) {
  if (request.query.empty()) {
    constexpr const char* kWhy = "without a QUERY: the model alone is explained";
    flags.refuse({"cells", "steps"}, kWhy);
    flags.refuse_all_of<LabelOptions>(kWhy);
    flags.refuse_all_of<GeneMatchOptions>(kWhy);
    flags.refuse_all_of<ReadOptions>(kWhy);
  }
  flags.require_effect(request.labels);
  flags.require_effect(request.background);
}

/// Predicts first, because what is explained is the prediction.
Explanation explain_query(const Request& request, const Model& model, CellSource& source,
                          Session& session) {
  PredictOptions options = request.labels.prediction;
  options.with_probabilities = false;
  require_memory_for_cells(source.name() + ": choosing cells to explain", source.n_cells(),
                           kBytesOfCell, session.context().max_memory);
  const Predictions predictions =
      predict(model, source, options, session.device(), session.context());
  const auto n_labelled = std::count_if(predictions.labels.begin(), predictions.labels.end(),
                                        [](LabelIndex label) { return label != kNoLabel; });
  say_match(model, predictions, session);
  if (source.n_cells() == 0) {
    fail(ErrorKind::Incompatible, "{}: holds no cells, so there is nothing to explain",
         source.name());
  }
  if (n_labelled == 0) {
    fail(ErrorKind::Incompatible,
         "{}: no cell of it gets a label, so there is nothing to explain; --no-reject labels all "
         "cells that have counts",
         source.name());
  }
  const Background background = make_background(request, model, session);
  Explanation explanation =
      explain_cells(model, source, predictions, background, request.explaining, session.context());
  session.say(fmt::format(
      "explained: {} of {} labelled cells{}, against {}", explanation.cells.size(), n_labelled,
      request.explaining.cells > 0
          ? fmt::format(" (at most {} of each type: --cells)", request.explaining.cells)
          : "",
      background.name));
  session.say(fmt::format("completeness: attributions miss their sum by at most {:.2g} %",
                          100 * explanation.largest_gap));
  if (explanation.largest_gap > kAcceptedGap) {
    session.context().warn(fmt::format(
        "the attributions of some cell miss their sum by {:.1f} %; raise --steps (now {})",
        100 * explanation.largest_gap, request.explaining.steps));
  }
  return explanation;
}

int run(const CommonOptions& common, const OptionFlags& flags, Request request) {
  Session session(common);
  flags.apply(request.reading);
  flags.apply(request.explaining);
  flags.apply(request.labels);
  request.labels.prediction.genes = gene_match_options(flags);
  flags.apply(request.background);
  require_request(request);
  refuse_idle_options(request, flags);
  const std::string plot = kDotPlot;
  std::vector<std::string> files = {kTypeTable};
  if (!request.query.empty()) {
    files.insert(files.end(), {kCellTable, plot + ".svg", plot + ".png"});
  }
  OutputPlan plan({model_path(request.model), request.query, request.background.background,
                   request.labels.prediction.genes.gene_symbols});
  for (const std::string& name : files) {
    plan.add(std::filesystem::path(request.output) / name, content_of_result(name));
  }
  OutputFolder folder(request.output, files, common.overwrite);
  const Model model = load_named_model(request.model, session);
  require_explainable(model, request.explaining);
  require_rejection(flags, model);
  if (!model.has_hidden_layer()) {
    flags.refuse({"steps"}, "on this model: it is linear, and one gradient is exact");
  }
  std::unique_ptr<CellSource> source;
  Explanation explanation;
  if (request.query.empty()) {
    explanation = explain_model(model, request.explaining);
  } else {
    source = open_source(request.query, request.reading, session.context());
    explanation = explain_query(request, model, *source, session);
    write_file(folder.file(kCellTable), cell_genes_tsv(model, *source, explanation), true);
    plot_markers(marker_table(model, explanation, request.explaining.top_genes), plot,
                 "Genes that speak for each type")
        .write(folder.file(""), true);
  }
  write_file(folder.file(kTypeTable),
             type_genes_tsv(model, explanation, request.explaining.top_genes), true);
  for (const std::string& name : folder.commit()) {
    session.say("written: " + (folder.path() / name).string());
  }
  if (source != nullptr) session.finish(source->n_cells());
  return 0;
}

}  // namespace

void add_explain(CLI::App& program) {
  const auto flags = std::make_shared<OptionFlags>();
  const auto request = std::make_shared<Request>();
  CLI::App* app = add_subcommand(
      program,
      {"explain", "Name the genes that speak for each type and cell",
       "saithe explain model.saithe query.h5ad -o genes/"},
      flags, [=](const CommonOptions& common) { return run(common, *flags, *request); });
  app->add_option("MODEL", request->model,
                  "a model that train or walkthrough wrote, or a bundled one: pbmc3k")
      ->required();
  app->add_option(
      "QUERY", request->query,
      "cells: h5ad, Zarr, 10x HDF5, MTX, Loom, h5Seurat, CSV (without: the model's types alone)");
  app->add_option("-o,--output", request->output, "folder to write into; made if missing")
      ->required()
      ->type_name("FOLDER");
  flags->add(*app, ExplainOptions{}, "Genes");
  flags->add(*app, BackgroundOptions{}, "Background");
  flags->add(*app, LabelOptions{}, "Labels");
  add_gene_flags(*app, *flags);
  flags->add(*app, ReadOptions{}, "Reading");
}

}  // namespace saithe::cli
