#include "labelled_cells.h"

#include "saithe/io/labels_file.h"

namespace saithe::cli {

void add_label_flags(CLI::App& app, LabelPlace& place) {
  app.add_option("--label-key", place.key, "obs column that holds the cell types")
      ->type_name("KEY");
  app.add_option("--labels", place.table,
                 "table of barcode and cell type (two tab-separated columns, no header)")
      ->type_name("FILE");
}

std::vector<std::string> obs_text(const CellSource& source, const std::string& key,
                                  const char* option) {
  if (source.obs().find(key) == nullptr) {
    const std::string names = source.obs().column_names();
    fail(ErrorKind::BadFormat, "{}: {} {}: obs has no such column; it has: {}", source.name(),
         option, key, names.empty() ? "none (name a table with --labels)" : names);
  }
  return source.obs().as_text(key);
}

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
  if (!place.key.empty()) return obs_text(source, place.key, "--label-key");
  const LabelJoin join = join_labels(place.table, source);
  std::vector<std::string> labels(as_size(source.n_cells()));
  for (std::size_t i = 0; i < join.cells.size(); ++i) {
    labels[as_size(join.cells[i])] = join.labels[i];
  }
  session.say(
      fmt::format("labels: {} cells joined by barcode, {} cells without a label, {} labels "
                  "without a cell",
                  join.cells.size(), join.n_cells_without_label, join.n_labels_without_cell));
  return labels;
}

}  // namespace saithe::cli
