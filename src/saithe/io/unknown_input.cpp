#include "saithe/io/unknown_input.h"

#include <algorithm>
#include <cctype>
#include <vector>

#include "saithe/core/text_io.h"
#include "saithe/io/delimited_text.h"
#include "saithe/io/mtx_tables.h"

namespace saithe::io {
namespace {

constexpr const char* kNoFormat =
    "is of no format that is read here: h5ad, Zarr of AnnData, 10x HDF5 (.h5), Loom, h5Seurat, MTX "
    "(a folder with matrix.mtx, barcodes.tsv and genes.tsv or features.tsv), CSV or TSV with names "
    "of cells and genes";

/// What an HDF5 file lacks that otherwise is like one that is read; empty if it is like none.
std::string why_unknown(const Hdf5Group& root) {
  const bool has_obs = root.has("obs");
  const bool has_var = root.has("var");
  const bool is_like_h5ad = has_obs || has_var || root.has("X");
  if (is_like_h5ad && !(has_obs && has_var)) {
    return fmt::format(
        "is like an h5ad but has no {}, which AnnData always writes. Write it with AnnData's "
        "write_h5ad",
        has_obs   ? "var"
        : has_var ? "obs"
                  : "obs and no var");
  }
  if (root.has_group("matrix") && root.group("matrix").has("indptr")) {
    return "is like a 10x HDF5 file but has no matrix/barcodes. Take filtered_feature_bc_matrix.h5 "
           "as Cell Ranger wrote it";
  }
  if (root.has_dataset("matrix")) {
    return fmt::format("is like a Loom file but has no {}. Write it with loompy",
                       root.has_group("row_attrs")   ? "col_attrs"
                       : root.has_group("col_attrs") ? "row_attrs"
                                                     : "row_attrs and no col_attrs");
  }
  return {};
}

/// Whether a number with separators of thousands stands in quotes: "1,234".
bool has_thousands(std::string_view text) {
  const auto is_digit = [](char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; };
  for (auto at = text.find('"'); at != std::string_view::npos; at = text.find('"', at + 1)) {
    std::string_view rest = text.substr(at + 1);
    const auto n_first = static_cast<std::size_t>(
        std::find_if_not(rest.begin(), rest.end(), is_digit) - rest.begin());
    if (n_first < 1 || n_first > 3) continue;
    rest.remove_prefix(n_first);
    if (rest.size() >= 5 && rest[0] == ',' && std::all_of(&rest[1], &rest[4], is_digit) &&
        (rest[4] == '"' || rest[4] == ',')) {
      return true;
    }
  }
  return false;
}

/// Whether it is called as models are, or holds the words of a safetensors file.
bool is_like_model(const InputFile& input) {
  return !input.is_folder && (input.path.extension() == ".saithe" ||
                              input.head.find(R"("__metadata__":{)") != std::string::npos ||
                              input.head.find(R"("data_offsets":[)") != std::string::npos);
}

/// The lines of a head; the last is left out where it may be cut.
std::vector<std::string_view> lines_of(std::string_view head, bool is_whole) {
  std::vector<std::string_view> lines;
  while (!head.empty()) {
    const auto end = head.find('\n');
    if (end == std::string_view::npos && !is_whole) break;
    std::string_view line = head.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!line.empty()) lines.push_back(line);
    head.remove_prefix(end == std::string_view::npos ? head.size() : end + 1);
  }
  return lines;
}

bool is_in_quotes(std::string_view line) {
  return line.size() >= 2 && line.front() == '"' && line.back() == '"' &&
         std::ranges::count(line, '"') == 2;
}

/// What a text lacks that otherwise is like a table; empty if it is like none.
std::string why_no_table(const std::string& path, std::string_view head) {
  const std::vector<std::string_view> lines = lines_of(head, head.size() < kHeadBytes);
  const auto n_separators = [&](std::string_view line) {
    return std::max({std::ranges::count(line, ','), std::ranges::count(line, ';'),
                     std::ranges::count(line, '\t')});
  };
  const auto has_fields = [&](std::string_view line) { return n_separators(line) >= 2; };
  const auto first = std::ranges::find_if(lines, has_fields);
  if (first == lines.end()) return {};
  if (std::ranges::all_of(lines, is_in_quotes)) {
    return fmt::format(
        "has each of its lines in quotes as a whole. Write it without quotes around the lines: "
        "sed 's/^\"//; s/\"$//' \"{}\" > cells.csv",
        path);
  }
  if (lines.size() == 1) {
    return "is like a table with a single line; expected a line of names, and a line below for "
           "each cell or gene";
  }
  const std::size_t n_above = static_cast<std::size_t>(first - lines.begin());
  const bool has_title =
      n_above > 0 ||
      (lines.size() > 2 && n_separators(lines[1]) == n_separators(lines[2]) &&
       std::ranges::count_if(lines[0], [](unsigned char c) { return std::isalnum(c) != 0; }) > 0 &&
       lines[0].find_last_not_of(",;\t") < lines[0].find_first_of(",;\t"));
  if (has_title) {
    return fmt::format(
        "has {} above its table ('{}'); expected the names of the columns in the first line. "
        "Remove what stands above them",
        n_above > 1 ? counted(static_cast<std::int64_t>(n_above), "line") : "a line",
        printable(lines.front().substr(
            0, std::min<std::size_t>(40, lines.front().find_first_of(",;\t")))));
  }
  return "is like a table whose first line names nothing, or whose lines have no names; expected "
         "names of genes (or cells) in the first line, and in each line below a name and numbers";
}

}  // namespace

bool is_gct_table(const InputFile& input) {
  return input.head.starts_with("#1.2") || input.head.starts_with("#1.3");
}

std::string why_unknown(const InputFile& input) {
  const std::string path = printable(input.path.string());
  std::string why;
  if (input.hdf5) {
    why = why_unknown(*input.hdf5);
  } else if (input.head.empty()) {
    why = "is empty. Copy it again";
  } else if (input.head.starts_with("\x89HDF\r\n")) {
    why = fmt::format("is a packed HDF5 file, which can only be read unpacked: gunzip -k \"{}\"",
                      path);
  } else if (input.head.starts_with("\x1F\x8B")) {
    why = fmt::format("is packed twice. Unpack it once: gunzip -k \"{}\"", path);
  } else if (is_like_model(input)) {
    why =
        "is like a model of saithe, not like a file of cells. If it is one, it is damaged or not "
        "wanted here: copy it again, train it anew, or name a file of cells";
  } else if (input.head.find('\r') != std::string::npos &&
             input.head.find('\n') == std::string::npos) {
    why = fmt::format(
        "has the line ends of old Macs (CR). Write it with others: tr '\\r' '\\n' < \"{}\" > "
        "cells.csv",
        path);
  } else if (is_gct_table(input)) {
    why =
        "is a GCT table, which is not read. Write it as a plain one: tail -n +3 FILE | cut -f 1,3- "
        "> "
        "counts.tsv";
  } else if (has_thousands(input.head)) {
    why = "has numbers with separators of thousands (\"1,234\"). Write them without (1234)";
  } else if (is_table_of_mtx(input.path)) {
    why = kTableOfMtx;
  } else if (is_text(input.head)) {
    why = why_no_table(path, input.head);
  }
  return why.empty() ? kNoFormat : why;
}

}  // namespace saithe::io
