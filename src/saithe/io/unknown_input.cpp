#include "saithe/io/unknown_input.h"

#include <algorithm>
#include <cctype>
#include <filesystem>

#include "saithe/core/text_io.h"

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

/// The folders in a folder that hold a matrix, as `hg19` of Cell Ranger 2; empty if none does.
std::string folders_with_matrix(const std::filesystem::path& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    const bool has_matrix = std::filesystem::exists(entry.path() / "matrix.mtx", error) ||
                            std::filesystem::exists(entry.path() / "matrix.mtx.gz", error);
    if (has_matrix) names.push_back("'" + entry.path().string() + "'");
  }
  std::ranges::sort(names);
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
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
  } else if (input.is_folder) {
    if (const std::string folders = folders_with_matrix(input.path); !folders.empty()) {
      why = "is a folder without a matrix of its own; name one in it: " + printable(folders);
    }
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
  }
  return why.empty() ? kNoFormat : why;
}

}  // namespace saithe::io
