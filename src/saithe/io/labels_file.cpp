#include "saithe/io/labels_file.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "saithe/core/text_io.h"

namespace saithe {
namespace {

struct Label {
  std::string cell_type;
  std::int64_t line = 0;
  bool is_used = false;
};

/// Whether a first line names its columns: pandas leaves the name of the barcodes empty.
bool is_header(const std::vector<std::string_view>& fields) {
  static constexpr std::array<std::string_view, 7> kNames = {"",      "barcode", "barcodes", "cell",
                                                             "cells", "cell_id", "index"};
  return fields.size() == 2 && std::ranges::find(kNames, lower(fields[0])) != kNames.end();
}

std::unordered_map<std::string, Label> read_labels(const std::filesystem::path& path) {
  LineReader reader(path);
  std::unordered_map<std::string, Label> labels;
  std::string_view line;
  std::vector<std::string_view> fields;
  while (reader.next(line)) {
    if (line.empty()) continue;
    split_fields(line, '\t', fields);
    if (reader.line_number() == 1 && is_header(fields)) continue;
    if (fields.size() != 2) {
      fail(ErrorKind::BadFormat, "{}: has {}; expected two, barcode and label", reader.where(),
           counted(std::ssize(fields), "tab-separated column"));
    }
    if (fields[0].empty()) {
      fail(ErrorKind::BadFormat, "{}: the barcode of the label '{}' is empty", reader.where(),
           printable(fields[1]));
    }
    const auto [entry, is_new] =
        labels.emplace(fields[0], Label{std::string(fields[1]), reader.line_number(), false});
    if (!is_new) {
      fail(ErrorKind::BadFormat, "{}: the barcode '{}' stands on line {} already", reader.where(),
           printable(fields[0]), entry->second.line);
    }
  }
  return labels;
}

}  // namespace

LabelJoin join_labels(const std::filesystem::path& labels_path, const CellSource& source) {
  auto labels = read_labels(labels_path);
  LabelJoin join;
  std::int64_t n_found = 0;
  const auto join_cell = [&](CellIndex cell, const std::string& barcode) {
    const auto found = labels.find(barcode);
    if (found == labels.end()) {
      ++join.n_cells_without_label;
      return;
    }
    if (found->second.is_used) {
      fail(
          ErrorKind::BadFormat,
          "{}: the barcode '{}' stands twice, so labels cannot be joined by barcode. Make barcodes "
          "unique, or put the labels into a column of the file.",
          source.name(), printable(barcode));
    }
    found->second.is_used = true;
    ++n_found;
    if (found->second.cell_type.empty()) {  // listed, but nobody has named its type
      ++join.n_cells_without_label;
      return;
    }
    join.cells.push_back(cell);
    join.labels.push_back(found->second.cell_type);
  };
  visit_names(source.obs(), join_cell);
  join.n_labels_without_cell = static_cast<std::int64_t>(labels.size()) - n_found;
  if (labels.empty()) {
    fail(ErrorKind::BadFormat,
         "{}: holds no labels; expected lines of a barcode, a tab and a label",
         labels_path.string());
  }
  if (n_found == 0) {
    fail(ErrorKind::BadFormat,
         "{}: none of its {} barcodes is in {} (which has, for example, '{}'; the labels have "
         "'{}'). Check suffixes such as -1.",
         labels_path.string(), labels.size(), source.name(),
         source.n_cells() == 0 ? "no cells" : printable(source.obs().name_of(0)),
         printable(labels.begin()->first));
  }
  return join;
}

}  // namespace saithe
