#include "labelled_cells.h"

#include <algorithm>
#include <filesystem>
#include <iterator>

#include "saithe/classify/train.h"
#include "saithe/core/usable_memory.h"
#include "saithe/io/labels_file.h"
#include "saithe/prep/expression_kind.h"

namespace saithe::cli {

void add_label_flags(CLI::App& app, LabelPlace& place) {
  app.add_option("--label-key", place.key, "obs column that holds the cell types")
      ->type_name("KEY");
  app.add_option("--labels", place.table,
                 "table of barcode and cell type (two tab-separated columns)")
      ->type_name("FILE");
}

std::vector<std::string> obs_text(const CellSource& source, const std::string& key,
                                  const char* option) {
  if (!source.obs().has(key)) {
    const std::string names = source.obs().column_names();
    fail(ErrorKind::BadFormat, "{}: {} {}: obs has no such column; it has: {}", source.name(),
         option, key, names.empty() ? "none (name a table with --labels)" : names);
  }
  return source.obs().as_text(key);
}

namespace {

// Barcode and label as the table has them, and the label as the cell gets it.
constexpr std::int64_t kBytesOfJoinedLabel = 250;

/// Labels of nothing but blanks are none.
std::vector<std::string> without_blanks(std::vector<std::string> labels) {
  for (std::string& label : labels) {
    if (label.find_first_not_of(" \t") == std::string::npos) label.clear();
  }
  return labels;
}

}  // namespace

std::vector<std::string> find_labels(const LabelPlace& place, const CellSource& source,
                                     Session& session) {
  if (!place.key.empty() && !place.table.empty()) {
    fail(ErrorKind::InvalidArgument, "give only one of --label-key and --labels");
  }
  if (place.key.empty() && place.table.empty()) {
    const std::string names = source.obs().column_names();
    fail(ErrorKind::InvalidArgument,
         "say where the cell types are: --label-key KEY (a column of obs{}) or --labels FILE",
         names.empty() ? ", which has none here" : ": " + names);
  }
  if (!place.key.empty()) return without_blanks(obs_text(source, place.key, "--label-key"));
  require_memory_for_cells(place.table.string() + ": joining labels by barcode", source.n_cells(),
                           kBytesOfJoinedLabel, session.context().max_memory);
  const LabelJoin join = join_labels(place.table, source);
  std::vector<std::string> labels(as_size(source.n_cells()));
  for (std::size_t i = 0; i < join.cells.size(); ++i) {
    labels[as_size(join.cells[i])] = join.labels[i];
  }
  labels = without_blanks(std::move(labels));
  session.say(
      fmt::format("labels: {} cells joined by barcode, {} cells without a label, {} labels "
                  "without a cell",
                  join.cells.size(), join.n_cells_without_label, join.n_labels_without_cell));
  return labels;
}

namespace {

/// Under whatever names: its cells would be on both sides of a split.
void require_no_file_twice(const std::vector<std::string>& paths) {
  static_cast<void>(reference_names(paths));
  for (std::size_t i = 0; i < paths.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      std::error_code error;
      if (!std::filesystem::equivalent(paths[i], paths[j], error)) continue;
      fail(ErrorKind::InvalidArgument, "{} and {} are the same file; a reference is given once",
           paths[j], paths[i]);
    }
  }
}

/// What became of the genes of several files.
std::string genes_line(GeneIndex n_genes, std::size_t n_files, GeneChoice choice) {
  if (choice == GeneChoice::Common) {
    return fmt::format("genes: {} are common to the {} files", n_genes, n_files);
  }
  return fmt::format(
      "genes: {} in any of the {} files; what a file lacks is missing in its cells, not 0", n_genes,
      n_files);
}

}  // namespace

LabelledCells open_references(const std::vector<std::string>& paths, const ReadOptions& reading,
                              const ConcatenateOptions& options, const LabelPlace& place,
                              Session& session) {
  require_no_file_twice(paths);
  std::vector<std::unique_ptr<CellSource>> parts;
  LabelledCells result;
  for (const std::string& path : paths) {
    parts.push_back(open_source(path, reading, session.context()));
    if (paths.size() > 1) {
      session.say(fmt::format("reference {}: {} cells, {} genes", path, parts.back()->n_cells(),
                              parts.back()->n_genes()));
    }
    require_memory_for_training(path, parts.back()->n_cells(), session.context());
    if (place.key.empty()) continue;
    // Before files are joined: the error names the file that has no such column.
    std::vector<std::string> labels = find_labels(place, *parts.back(), session);
    if (result.labels.empty()) {
      result.labels = std::move(labels);
    } else {
      std::ranges::move(labels, std::back_inserter(result.labels));
    }
  }
  const auto say = [&](const std::string& note) { session.say("genes: " + note); };
  if (paths.size() == 1) {
    result.cells = rename_genes(std::move(parts.front()), options.matching, say);
    if (place.key.empty()) result.labels = find_labels(place, *result.cells, session);
    return result;
  }
  std::vector<CellSource*> sources;
  for (const auto& part : parts) sources.push_back(part.get());
  require_common_kind(sources, session.context());
  auto joined = std::make_unique<ConcatenatedCells>(std::move(parts), options, say);
  if (place.key.empty()) result.labels = find_labels(place, *joined, session);
  session.say(genes_line(joined->n_genes(), paths.size(), options.genes));
  const std::int64_t n_renamed = joined->make_barcodes_distinct();
  if (n_renamed > 0) {
    session.say(fmt::format(
        "barcodes: {} stand in several files and got a suffix -1, -2, ... (tables of cells have a "
        "column 'reference', the file)",
        n_renamed));
  }
  result.cells = std::move(joined);
  return result;
}

}  // namespace saithe::cli
