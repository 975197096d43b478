#include "saithe/report/report.h"

#include <algorithm>
#include <cmath>

#include "saithe/core/text_io.h"
#include "saithe/report/shown_text.h"

namespace saithe {
namespace {

// No script, no network: everything that is shown stands in the page.
constexpr const char* kHead = R"(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<style>
:root { --ink: #1d2430; --soft: #5b6675; --line: #dfe4ea; --paper: #f5f7f9; --card: #ffffff; --accent: #0072b2; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8ecf1; --soft: #a3afbd; --line: #333d49; --paper: #151a20; --card: #1e252d; --accent: #6cb8ea; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, "DejaVu Sans", sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 24px 20px 60px; }
h1 { font-size: 24px; margin: 0 0 4px; overflow-wrap: anywhere; }
h2 { font-size: 18px; margin: 36px 0 12px; border-bottom: 1px solid var(--line); padding-bottom: 6px; }
p.lead { color: var(--soft); margin: 0 0 20px; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(140px, 1fr)); gap: 12px; }
.tile { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 12px 14px; }
.tile b { display: block; font-size: 22px; font-variant-numeric: tabular-nums; }
.tile span { color: var(--soft); font-size: 13px; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 440px), 1fr)); gap: 18px; align-items: start; }
figure { margin: 0; background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 12px; break-inside: avoid; }
figure div { background: #fff; border-radius: 4px; padding: 6px; }
figure svg { display: block; width: 100%; height: auto; max-height: 520px; }
figure.large { grid-column: 1 / -1; }
figure.large svg { max-height: 900px; }
figcaption { color: var(--soft); font-size: 13px; margin-top: 8px; }
.scroll { overflow-x: auto; background: var(--card); border: 1px solid var(--line); border-radius: 8px; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; font-size: 14px; }
th, td { padding: 6px 12px; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; }
th:first-child, td:first-child { text-align: left; white-space: normal; overflow-wrap: anywhere; min-width: 9em; }
tr:last-child td { border-bottom: 0; }
thead th { color: var(--soft); font-weight: 600; }
table.confusion th { white-space: normal; hyphens: auto; overflow-wrap: break-word; font-size: 12px; padding: 6px 8px; }
td.hit { font-weight: 700; color: var(--accent); }
ul { margin: 0; padding-left: 20px; }
summary { cursor: pointer; color: var(--accent); margin: 0 0 10px; }
footer { color: var(--soft); font-size: 13px; margin-top: 40px; }
@media print { body { background: #fff; } .scroll { overflow: visible; } }
</style>
)";

std::string fixed(double value, int digits) {
  return std::isfinite(value) ? fmt::format("{:.{}f}", value, digits) : std::string("-");
}

std::string cell(const std::string& text, const char* tag = "td") {
  return fmt::format("<{}>{}</{}>", tag, escape_html(text), tag);
}

std::string tile(const std::string& value, const std::string& name) {
  return fmt::format("<div class=\"tile\"><b>{}</b><span>{}</span></div>\n", escape_html(value),
                     escape_html(name));
}

/// A table from rows of texts; the first row is the head. Columns in which nothing stands but "-"
/// are left out.
std::string table(std::vector<std::vector<std::string>> rows) {
  for (std::size_t column = rows.front().size(); column-- > 0;) {
    const auto is_none = [&](const auto& row) { return row[column] == "-"; };
    if (rows.size() == 1 || !std::all_of(rows.begin() + 1, rows.end(), is_none)) continue;
    for (auto& row : rows) row.erase(row.begin() + static_cast<std::ptrdiff_t>(column));
  }
  std::string html = "<div class=\"scroll\"><table>\n<thead><tr>";
  for (const std::string& text : rows.front()) html += cell(text, "th");
  html += "</tr></thead>\n<tbody>\n";
  for (std::size_t r = 1; r < rows.size(); ++r) {
    html += "<tr>";
    for (const std::string& text : rows[r]) html += cell(text);
    html += "</tr>\n";
  }
  return html + "</tbody></table></div>\n";
}

/// What few want to read, behind a line that opens it.
std::string folded(const std::string& line, const std::string& html) {
  return "<details><summary>" + escape_html(line) + "</summary>\n" + html + "</details>\n";
}

std::string summary(const ReportInput& input) {
  std::string html = "<div class=\"tiles\">\n";
  html += tile(format_count(input.n_cells),
               fmt::format("cells kept of {}", format_count(input.n_cells_read)));
  html += tile(format_count(input.n_genes),
               fmt::format("genes kept of {}", format_count(input.n_genes_read)));
  html += tile(fmt::format("{}", input.training.n_types()), "cell types");
  if (input.validation.n_cells == 0) return html + "</div>\n";
  html += tile(fixed(input.validation.accuracy, 4), "accuracy, validation cells");
  html += tile(fixed(input.validation.macro_f1, 4), "macro F1, validation cells");
  html += tile(fixed(input.validation.ece, 4), "calibration error, validation cells");
  return html + "</div>\n";
}

std::string scores(const ReportInput& input) {
  const auto row = [](const char* name, const Evaluation& e) {
    return std::vector<std::string>{name,
                                    format_count(e.n_cells),
                                    fixed(e.accuracy, 4),
                                    fixed(e.macro_f1, 4),
                                    fixed(e.median_f1, 4),
                                    e.loss ? fixed(*e.loss, 4) : "-",
                                    fixed(e.nll, 4),
                                    fixed(e.brier, 4),
                                    fixed(e.ece, 4)};
  };
  std::vector<std::vector<std::string>> rows = {
      {"cells", "number", "accuracy", "macro F1", "median F1", "loss", "NLL", "Brier", "ECE"},
      row("training", input.training)};
  if (input.validation.n_cells > 0) rows.push_back(row("validation", input.validation));
  if (input.uncalibrated.n_cells == 0 || input.calibration.empty()) return table(rows);
  rows.push_back(row("validation, not calibrated", input.uncalibrated));
  return table(rows) + fmt::format("<p>Calibrated by {}, fitted on the validation cells.</p>\n",
                                   input.calibration);
}

/// The cells whose label looks wrong, most certain first, cut where the list gets long.
std::string suspects(const ReportInput& input) {
  constexpr std::size_t kShown = 50;
  if (input.suspects.empty()) return {};
  std::vector<ShownSuspect> sorted = input.suspects;
  std::stable_sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) {
    return a.probability - a.label_probability > b.probability - b.label_probability;
  });
  std::vector<std::vector<std::string>> rows = {
      {"cell", "label", "looks like", "probability of the label", "of what it looks like"}};
  for (std::size_t i = 0; i < std::min(kShown, sorted.size()); ++i) {
    rows.push_back({sorted[i].barcode, sorted[i].label, sorted[i].looks_like,
                    fixed(sorted[i].label_probability, 4), fixed(sorted[i].probability, 4)});
  }
  return fmt::format(
             "<h2>Labels that look wrong</h2>\n<p>{} cells{}. Models that had not seen a cell are "
             "confident that it is of another type (confident learning, two passes). {}{}</p>\n",
             format_count(static_cast<std::int64_t>(sorted.size())),
             sorted.size() > kShown ? fmt::format(", the first {} here", kShown) : "",
             input.suspect_cells > 0
                 ? fmt::format("They were trained on a stratified draw of {} cells and judged "
                               "all. ",
                               format_count(input.suspect_cells))
                 : "",
             input.suspects_dropped ? "They were left out of the training."
                                    : "They were trained on all the same.") +
         table(rows);
}

std::string per_type(const Evaluation& evaluation) {
  std::vector<std::vector<std::string>> rows = {
      {"cell type", "cells", "precision", "recall", "F1"}};
  for (const TypeScores& type : evaluation.per_type) {
    rows.push_back({type.cell_type, format_count(type.support), fixed(type.precision, 4),
                    fixed(type.recall, 4), fixed(type.f1, 4)});
  }
  return table(rows);
}

std::string confusion(const Evaluation& evaluation) {
  std::string html =
      "<div class=\"scroll\"><table class=\"confusion\">\n<thead><tr><th>true \\ predicted</th>";
  for (const TypeScores& type : evaluation.per_type) html += cell(type.cell_type, "th");
  html += "</tr></thead>\n<tbody>\n";
  const auto n = as_size(evaluation.n_types());
  for (std::size_t truth = 0; truth < n; ++truth) {
    html += "<tr>" + cell(evaluation.per_type[truth].cell_type);
    for (std::size_t predicted = 0; predicted < n; ++predicted) {
      const auto count = evaluation.confusion[truth * n + predicted];
      html += fmt::format("<td{}>{}</td>", truth == predicted ? " class=\"hit\"" : "", count);
    }
    html += "</tr>\n";
  }
  return html + "</tbody></table></div>\n";
}

/// What no score of this page can tell.
std::string limits(const ReportInput& input) {
  return fmt::format(
      "<p>The model knows the {} types of its reference and no other. A type that the reference "
      "lacks cannot be named: {}.</p>\n",
      input.training.n_types(),
      input.rejects ? "cells unlike every known type become <i>unassigned</i> in a prediction, but "
                      "those that resemble one get its name"
                    : "this model calls its cells by the most similar type it knows, often with "
                      "high confidence, and rejects none");
}

std::string confused_pairs(const Evaluation& evaluation) {
  const auto pairs = most_confused(evaluation, 5);
  if (pairs.empty()) return "<p>No validation cell was called another type than its label.</p>\n";
  std::vector<std::vector<std::string>> rows = {{"label", "called", "cells"}};
  for (const Confusion& pair : pairs)
    rows.push_back({pair.truth, pair.predicted, format_count(pair.n_cells)});
  return table(rows);
}

std::string history(const TrainHistory& history) {
  std::vector<std::vector<std::string>> rows = {
      {"epoch", "training loss", "validation loss", "training accuracy", "validation accuracy"}};
  for (const EpochRecord& record : history.epochs) {
    rows.push_back({fmt::format("{}", record.epoch), fixed(record.train_loss, 4),
                    fixed(record.validation_loss, 4), fixed(record.train_accuracy, 4),
                    fixed(record.validation_accuracy, 4)});
  }
  return table(rows);
}

std::string compared_losses(const std::vector<LossComparison>& losses) {
  if (losses.empty()) return {};
  std::vector<std::vector<std::string>> rows = {
      {"loss", "training loss", "validation loss", "accuracy", "NLL", "Brier", "ECE"}};
  for (const LossComparison& run : losses) {
    rows.push_back({run.loss, fixed(run.last.train_loss, 4), fixed(run.last.validation_loss, 4),
                    fixed(run.validation.accuracy, 4), fixed(run.validation.nll, 4),
                    fixed(run.validation.brier, 4), fixed(run.validation.ece, 4)});
  }
  return "<h2>The same network with another loss</h2>\n" + table(rows) +
         "<p>Losses of two kinds cannot be compared with each other; accuracy, NLL, Brier and ECE "
         "of the validation cells can. The article's loss applies softmax twice, so that even a "
         "perfect network cannot bring it to 0.</p>\n";
}

std::string filters(const ReportInput& input) {
  std::vector<std::vector<std::string>> rows = {{"filter", "cells dropped", "genes dropped"}};
  for (const FilterStep& step : input.filter_steps) {
    rows.push_back(
        {step.name, format_count(step.n_cells_dropped), format_count(step.n_genes_dropped)});
  }
  return rows.size() == 1 ? "<p>No filter was on.</p>\n" : table(rows);
}

std::string figures(const std::vector<Figure>& all) {
  std::string html = "<div class=\"figures\">\n";
  for (const Figure& figure : all) {
    std::string svg = figure.svg();
    svg.erase(0, svg.find("<svg"));  // an XML declaration has no place inside HTML
    // What has many types needs the whole width to be read.
    const bool is_large = figure.width() > 640 || figure.height() > 560;
    html += fmt::format(
        "<figure{}><div role=\"img\" "
        "aria-label=\"{}\">{}</div><figcaption>{}</figcaption></figure>\n",
        is_large ? " class=\"large\"" : "", escape_html(figure.title()), svg,
        escape_html(figure.caption()));
  }
  return html + "</div>\n";
}

}  // namespace

std::string report_html(const ReportInput& input) {
  std::string html = kHead;
  html += "<title>" + escape_html(input.title) + "</title>\n</head>\n<body>\n<main>\n";
  html += "<h1>" + escape_html(input.title) + "</h1>\n";
  html += fmt::format("<p class=\"lead\">Reference: {}. Made by saithe {}.</p>\n",
                      escape_html(input.input_name), escape_html(input.saithe_version));
  html += summary(input);
  if (!input.value_kind.empty()) {
    html += fmt::format("<p>The values were taken for {}{}.</p>\n", escape_html(input.value_kind),
                        input.value_kind == "counts" ? ""
                                                     : ": genes were chosen by the variance of the "
                                                       "logarithms, and no cell was thinned");
  }
  if (!input.left_out.empty()) {
    html += fmt::format("<p>Left out of the reference: {}.</p>\n", escape_html(input.left_out));
  }
  if (!input.warnings.empty()) {
    html += "<h2>Warnings</h2>\n<ul>\n";
    for (const std::string& warning : input.warnings)
      html += "<li>" + escape_html(warning) + "</li>\n";
    html += "</ul>\n";
  }
  html += "<h2>Pictures</h2>\n" + figures(input.figures);
  html += "<h2>Scores</h2>\n" + scores(input) + limits(input);
  if (input.validation.n_cells > 0) {
    html += "<h2>Scores of each type, validation cells</h2>\n" + per_type(input.validation);
    html += "<h2>Confusion, validation cells</h2>\n" + confusion(input.validation);
    html += "<h2>Most confused types</h2>\n" + confused_pairs(input.validation);
  }
  html += suspects(input);
  if (!input.history.epochs.empty()) {
    html += "<h2>Training</h2>\n" + folded(fmt::format("The curves above as numbers, {} epochs",
                                                       input.history.epochs.size()),
                                           history(input.history));
  }
  html += compared_losses(input.losses);
  html += "<h2>Filters</h2>\n" + filters(input);
  std::vector<std::vector<std::string>> options = {{"option", "value"}};
  for (const auto& [name, value] : input.options) options.push_back({"--" + name, value});
  html += "<h2>Options</h2>\n" +
          folded(fmt::format("All {} with their values", input.options.size()), table(options));
  html +=
      "<footer>NLL: mean of -ln(probability of the label). Brier: sum over types of squared "
      "errors. "
      "ECE: expected calibration error, 15 bins. Macro and median F1 over the types "
      "present.</footer>\n";
  return html + "</main>\n</body>\n</html>\n";
}

void write_report(const ReportInput& input, const std::filesystem::path& path, bool overwrite) {
  write_file(path, report_html(input), overwrite);
}

}  // namespace saithe
