#include "saithe/io/mtx_tables.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <optional>
#include <tuple>

#include "saithe/core/error.h"
#include "saithe/core/text_io.h"

namespace saithe::io {
namespace {

namespace fs = std::filesystem;

bool is_separator(char letter) {
  return letter == '.' || letter == '_' || letter == '-' || letter == ' ';
}

/// PATH or PATH.gz, or nothing.
std::optional<fs::path> find_file(const fs::path& path) {
  for (const char* ending : {"", ".gz"}) {
    fs::path candidate = path.string() + ending;
    std::error_code error;
    if (fs::is_regular_file(candidate, error)) return candidate;
  }
  return std::nullopt;
}

/// What a file is called without .gz; empty for a name that does not end in `ending`.
std::string stem_before(const fs::path& path, std::string_view ending) {
  std::string name = path.filename().string();
  if (name.ends_with(".gz")) name.resize(name.size() - 3);
  if (!name.ends_with(ending)) return {};
  return name.substr(0, name.size() - ending.size());
}

bool ends_in(const fs::path& path, std::string_view ending) {
  std::string name = path.filename().string();
  if (name.ends_with(".gz")) name.resize(name.size() - 3);
  return name.ends_with(ending);
}

/// The files of a folder whose names end in `ending` or `ending`.gz, sorted.
std::vector<fs::path> files_ending(const fs::path& folder, std::string_view ending) {
  std::vector<fs::path> found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (entry.is_regular_file(error) && ends_in(entry.path(), ending))
      found.push_back(entry.path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

constexpr const char* kSplitPipeGenes = "all_genes.csv";
constexpr const char* kSplitPipeCells = "cell_metadata.csv";

/// What stands before the names of split-pipe's matrix; nothing if it is of another name.
std::optional<std::string> split_pipe_prefix(const fs::path& matrix) {
  for (const char* name : {"DGE.mtx", "count_matrix.mtx"}) {
    if (ends_in(matrix, name)) return stem_before(matrix, name);
  }
  return std::nullopt;
}

/// A table of genes or of cells, by its name.
struct NamedTable {
  fs::path path;
  std::string prefix;  // what stands before, in small letters, without what separates it
  bool is_of_genes = false;
  std::size_t rank = 0;  // of several with the same prefix the first is meant
};

/// What a name like GSM1_features.txt.gz says, in small letters or large; nothing of another name.
std::optional<NamedTable> named_table(const fs::path& path) {
  struct Word {
    std::string_view text;
    bool is_of_genes;
  };
  static constexpr Word kWords[] = {
      {"features", true},      {"genes", true},  {"gene_names", true}, {"barcodes", false},
      {"cellbarcodes", false}, {"cells", false}, {"cell_names", false}};
  static constexpr std::string_view kEndings[] = {".tsv", ".txt", ".csv"};
  std::string name = lower(path.filename().string());
  if (name.ends_with(".gz")) name.resize(name.size() - 3);
  const auto ending = std::find_if(std::begin(kEndings), std::end(kEndings),
                                   [&](std::string_view end) { return name.ends_with(end); });
  if (ending == std::end(kEndings)) return std::nullopt;
  name.resize(name.size() - ending->size());
  for (std::size_t rank = 0; rank < std::size(kWords); ++rank) {
    if (!name.ends_with(kWords[rank].text)) continue;
    name.resize(name.size() - kWords[rank].text.size());
    if (!name.empty() && !is_separator(name.back())) continue;
    while (!name.empty() && is_separator(name.back())) name.pop_back();
    return NamedTable{path, name, kWords[rank].is_of_genes, rank};
  }
  return std::nullopt;
}

/// The tables whose names share the longest beginning with the matrix's, both or none: as people
/// name what they send to GEO.
void find_tables_by_prefix(MtxPaths& paths) {
  const std::string stem = lower(stem_before(paths.matrix, ".mtx"));
  std::vector<NamedTable> tables;
  std::error_code error;
  const fs::path folder = paths.matrix.parent_path();
  for (const auto& entry : fs::directory_iterator(folder.empty() ? "." : folder, error)) {
    if (!entry.is_regular_file(error)) continue;
    auto table = named_table(folder / entry.path().filename());
    if (!table || !stem.starts_with(table->prefix)) continue;
    const std::size_t n = table->prefix.size();
    if (n == 0 || n == stem.size() || is_separator(stem[n])) tables.push_back(std::move(*table));
  }
  std::sort(tables.begin(), tables.end(), [](const NamedTable& a, const NamedTable& b) {
    return std::tuple(b.prefix.size(), a.rank, a.path) <
           std::tuple(a.prefix.size(), b.rank, b.path);
  });
  for (const NamedTable& genes : tables) {
    if (!genes.is_of_genes) continue;
    const auto cells = std::find_if(tables.begin(), tables.end(), [&](const NamedTable& table) {
      return !table.is_of_genes && table.prefix == genes.prefix;
    });
    if (cells == tables.end()) continue;
    paths.genes = genes.path;
    paths.cells = cells->path;
    paths.is_v3 = ends_in(genes.path, "features.tsv");
    return;
  }
}

/// The tables beside a matrix: under its prefix, as other programs name them, or in its folder.
void find_tables(MtxPaths& paths) {
  struct Names {
    std::string genes;
    std::string cells;
    bool has_cells_in_rows;
    bool is_usual;
  };
  const fs::path folder = paths.matrix.parent_path();
  const std::string stem = stem_before(paths.matrix, ".mtx");
  std::vector<Names> candidates;
  if (ends_in(paths.matrix, "matrix.mtx")) {
    const std::string prefix = stem_before(paths.matrix, "matrix.mtx");
    candidates = {{prefix + "features.tsv", prefix + "barcodes.tsv", false, true},
                  {prefix + "genes.tsv", prefix + "barcodes.tsv", false, true}};
  }
  if (const auto prefix = split_pipe_prefix(paths.matrix)) {
    candidates.push_back({*prefix + kSplitPipeGenes, *prefix + kSplitPipeCells, true, true});
  }
  candidates.push_back({stem + ".genes.txt", stem + ".barcodes.txt", true, true});  // bustools
  candidates.push_back({stem + "_cols.txt", stem + "_rows.txt", true, true});       // alevin
  for (const std::string& start : {stem + ".", stem + "_", std::string()}) {
    candidates.push_back({start + "features.tsv", start + "barcodes.tsv", false, false});
    candidates.push_back({start + "genes.tsv", start + "barcodes.tsv", false, false});
  }
  for (const Names& names : candidates) {
    const auto genes = find_file(folder / names.genes);
    const auto cells = find_file(folder / names.cells);
    if (!genes || !cells) continue;
    paths.genes = *genes;
    paths.cells = *cells;
    paths.has_cells_in_rows = names.has_cells_in_rows;
    paths.is_usual = names.is_usual;
    paths.is_v3 = ends_in(*genes, "features.tsv");
    paths.is_split_pipe = ends_in(*genes, kSplitPipeGenes);
    return;
  }
  find_tables_by_prefix(paths);
}

/// Tables that may belong to a matrix in `folder` whose other table is missing.
std::vector<fs::path> half_of_tables(const MtxPaths& paths) {
  const fs::path folder = paths.matrix.parent_path();
  const std::string prefix =
      ends_in(paths.matrix, "matrix.mtx") ? stem_before(paths.matrix, "matrix.mtx") : "";
  std::vector<fs::path> found;
  for (const char* name : {"barcodes.tsv", "features.tsv", "genes.tsv"}) {
    if (const auto path = find_file(folder / (prefix + name))) found.push_back(*path);
  }
  return found;
}

/// The one matrix of a folder. Throws Error(NotFound) if there is none, Error(BadFormat) if there
/// are several.
fs::path find_matrix(const fs::path& folder) {
  if (const auto path = find_file(folder / "matrix.mtx")) return *path;
  std::vector<fs::path> found = files_ending(folder, "matrix.mtx");
  if (found.empty()) found = files_ending(folder, ".mtx");
  if (found.size() == 1) return found.front();
  if (found.empty()) {
    if (const std::string within = readable_within(folder); !within.empty()) {
      fail(ErrorKind::NotFound, "{}: is a folder without a matrix of its own; name one in it: {}",
           folder.string(), printable(within));
    }
    fail(ErrorKind::NotFound,
         "{}: has no matrix.mtx (nor matrix.mtx.gz, nor one with a prefix); a 10x MTX folder holds "
         "matrix.mtx, barcodes.tsv and genes.tsv or features.tsv",
         folder.string());
  }
  std::string names;
  for (const fs::path& path : found)
    names += (names.empty() ? "" : ", ") + path.filename().string();
  fail(ErrorKind::BadFormat, "{}: holds several matrices ({}); give the path of one of them",
       folder.string(), names);
}

/// Refuses split-pipe's matrix, of cells in rows, with one of its two tables.
void require_split_pipe_tables(const MtxPaths& paths) {
  const auto prefix = split_pipe_prefix(paths.matrix);
  if (!prefix || !paths.genes.empty()) return;
  const fs::path folder = paths.matrix.parent_path();
  const bool has_genes = find_file(folder / (*prefix + kSplitPipeGenes)).has_value();
  const bool has_cells = find_file(folder / (*prefix + kSplitPipeCells)).has_value();
  if (has_genes == has_cells) return;
  fail(ErrorKind::NotFound,
       "{}: there is no {}{} beside it; split-pipe writes a matrix with {} and {}. Put both there.",
       paths.matrix.string(), *prefix, has_genes ? kSplitPipeCells : kSplitPipeGenes,
       kSplitPipeGenes, kSplitPipeCells);
}

}  // namespace

MtxPaths find_mtx_paths(const fs::path& path, bool is_folder) {
  MtxPaths paths;
  paths.matrix = is_folder ? find_matrix(path) : path;
  find_tables(paths);
  require_split_pipe_tables(paths);
  const auto half = half_of_tables(paths);
  // A matrix of another name than 10x's may stand alone.
  const bool may_be_alone = !is_folder || !ends_in(paths.matrix, "matrix.mtx");
  if (!paths.genes.empty() || (half.empty() && may_be_alone)) return paths;
  const bool has_cells = !half.empty() && ends_in(half.front(), "barcodes.tsv");
  fail(ErrorKind::NotFound,
       "{}: {} beside it; a 10x MTX folder holds matrix.mtx, barcodes.tsv and genes.tsv or "
       "features.tsv, each with the same prefix, .gz or not",
       paths.matrix.string(),
       half.empty() ? "there are no tables of barcodes and genes under its prefix"
       : has_cells  ? "there is no features.tsv or genes.tsv"
                    : "there is no barcodes.tsv");
}

void warn_of_mtx_twins(const MtxPaths& paths, const Context& context) {
  const auto warn_if_there = [&](const fs::path& path, const fs::path& twin) {
    std::error_code error;
    if (!fs::exists(twin, error)) return;
    context.warn(fmt::format("{}: {} lies beside it and is not read. Remove the one that is older.",
                             path.string(), twin.filename().string()));
  };
  for (const fs::path& path : {paths.matrix, paths.genes, paths.cells}) {
    if (path.empty() || path.extension() == ".gz") continue;
    warn_if_there(path, path.string() + ".gz");
  }
  if (!paths.is_v3) return;
  const std::string other = stem_before(paths.genes, "features.tsv") + "genes.tsv";
  for (const char* ending : {"", ".gz"}) {
    warn_if_there(paths.genes, paths.genes.parent_path() / (other + ending));
  }
}

bool is_table_of_mtx(const fs::path& path) {
  const fs::path folder = path.parent_path();
  return named_table(path) && !files_ending(folder.empty() ? "." : folder, ".mtx").empty();
}

std::string readable_within(const fs::path& folder) {
  static constexpr std::array kEndings = {".h5", ".h5ad", ".loom", ".h5seurat"};
  std::vector<std::string> found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const fs::path& path = entry.path();
    const bool is_file =
        entry.is_regular_file(error) &&
        std::ranges::find(kEndings, lower(path.extension().string())) != kEndings.end();
    const bool is_folder = entry.is_directory(error) && !files_ending(path, ".mtx").empty();
    if (is_file || is_folder) found.push_back("'" + path.string() + "'");
  }
  std::ranges::sort(found);
  return fmt::format("{}", fmt::join(found, ", "));
}

std::string name_mtx_layout(const fs::path& path, bool is_folder) {
  MtxPaths paths;
  if (is_folder) {
    if (find_file(path / "features.tsv")) return "10x MTX folder v3";
    if (find_file(path / "genes.tsv")) return "10x MTX folder v2";
    const auto matrices = files_ending(path, ".mtx");
    if (matrices.size() != 1) return "MTX folder";
    paths.matrix = matrices.front();
  } else {
    paths.matrix = path;
  }
  find_tables(paths);
  if (paths.genes.empty()) return "MTX file without tables";
  if (paths.is_split_pipe) return "MTX of split-pipe (Parse)";
  if (!paths.is_usual || paths.has_cells_in_rows) return "MTX with tables";
  const bool has_prefix = !stem_before(paths.matrix, "matrix.mtx").empty();
  return fmt::format("10x MTX{} {}", has_prefix ? " with a prefix" : "", paths.is_v3 ? "v3" : "v2");
}

std::vector<fs::path> mtx_places(const fs::path& path) {
  std::error_code error;
  MtxPaths paths;
  try {
    paths.matrix = fs::is_directory(path, error) ? find_matrix(path) : path;
  } catch (const Error&) {
    return {};
  }
  find_tables(paths);
  std::vector<fs::path> places = {paths.matrix};
  for (const fs::path& table : {paths.genes, paths.cells}) {
    if (!table.empty()) places.push_back(table);
  }
  // A second table of genes beside the first would be read instead of it.
  const fs::path folder = paths.matrix.parent_path();
  const bool is_usual = ends_in(paths.matrix, "matrix.mtx");
  const std::string prefix = is_usual ? stem_before(paths.matrix, "matrix.mtx") : "";
  for (const char* name : {"matrix.mtx", "barcodes.tsv", "features.tsv", "genes.tsv"}) {
    for (const char* ending : {"", ".gz"}) places.push_back(folder / (prefix + name + ending));
  }
  return places;
}

}  // namespace saithe::io
