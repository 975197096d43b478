// Folders and files of Matrix Market with the two tables beside them: 10x's, also under the
// prefixes of GEO, and those of STARsolo, kallisto | bustools, alevin and Parse's split-pipe.

#include <algorithm>
#include <numeric>
#include <set>

#include "saithe/core/text_io.h"
#include "saithe/data/packed_cells.h"
#include "saithe/io/delimited_text.h"
#include "saithe/io/empty_barcodes.h"
#include "saithe/io/formats.h"
#include "saithe/io/mtx_file.h"
#include "saithe/io/repeated_barcodes.h"
#include "saithe/io/split_pipe_tables.h"

namespace saithe::io {
namespace {

namespace fs = std::filesystem;

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

/// A matrix and the tables that name its genes and cells.
struct MtxPaths {
  fs::path matrix;
  fs::path genes;
  fs::path cells;
  bool has_cells_in_rows = false;  // as the program writes that gives its files these names
  bool is_usual = false;           // the names say which way round it is
  bool is_v3 = false;              // features.tsv
  bool is_split_pipe = false;      // CSV tables with a line of names
};

constexpr const char* kSplitPipeGenes = "all_genes.csv";
constexpr const char* kSplitPipeCells = "cell_metadata.csv";

/// What stands before the names of split-pipe's matrix; nothing if it is of another name.
std::optional<std::string> split_pipe_prefix(const fs::path& matrix) {
  for (const char* name : {"DGE.mtx", "count_matrix.mtx"}) {
    if (ends_in(matrix, name)) return stem_before(matrix, name);
  }
  return std::nullopt;
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
}

/// Warns where a file lies there twice, packed and not, or genes.tsv beside features.tsv: the two
/// may differ, and one is read.
void warn_of_twins(const MtxPaths& paths, const Context& context) {
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

MtxPaths find_paths(const InputFile& input) {
  MtxPaths paths;
  paths.matrix = input.is_folder ? find_matrix(input.path) : input.path;
  find_tables(paths);
  require_split_pipe_tables(paths);
  const auto half = half_of_tables(paths);
  // A matrix of another name than 10x's may stand alone.
  const bool may_be_alone = !input.is_folder || !ends_in(paths.matrix, "matrix.mtx");
  if (!paths.genes.empty() || (half.empty() && may_be_alone)) return paths;
  const bool has_cells = !half.empty() && ends_in(half.front(), "barcodes.tsv");
  fail(ErrorKind::NotFound,
       "{}: {} beside it; a 10x MTX folder holds matrix.mtx, barcodes.tsv and genes.tsv or "
       "features.tsv, each with the same prefix, .gz or not",
       paths.matrix.string(),
       half.empty() ? "there are no tables of barcodes and genes"
       : has_cells  ? "there is no features.tsv or genes.tsv"
                    : "there is no barcodes.tsv");
}

// ---- tables ---------------------------------------------------------------------------------

struct FeatureTable {
  std::vector<std::string> ids;
  std::vector<std::string> names;
  std::vector<std::string> genomes;   // empty where the file does not say
  std::vector<GeneIndex> new_column;  // -1: no gene
  std::map<std::string, std::int64_t> n_of_type;
};

/// Calls `take(fields)` for every line; quotes, as R's write.table sets them, are taken off.
template <typename Take>
void read_lines(const fs::path& path, Take take) {
  LineReader reader(path);
  FieldSplitter splitter('\t');
  std::vector<std::string_view> fields;
  for (std::string_view line; reader.next(line);) {
    if (line.empty()) continue;
    if (!splitter.split(line, fields)) {
      fail(ErrorKind::BadFormat,
           "{}: a quote (\") is not closed on its line, or something stands behind it. Remove it.",
           reader.where());
    }
    take(fields);
  }
}

FeatureTable read_features(const fs::path& path) {
  FeatureTable features;
  read_lines(path, [&](const std::vector<std::string_view>& fields) {
    if (fields.size() >= 3 && fields[2] != kGeneExpression) {
      ++features.n_of_type[std::string(fields[2])];
      features.new_column.push_back(-1);
      return;
    }
    features.new_column.push_back(static_cast<GeneIndex>(features.ids.size()));
    features.ids.emplace_back(fields[0]);
    features.names.emplace_back(fields.size() > 1 ? fields[1] : fields[0]);
  });
  if (features.ids.empty() && !features.n_of_type.empty()) {
    fail(ErrorKind::BadFormat, "{}: none of its {} features is of the type '{}'", path.string(),
         features.new_column.size(), kGeneExpression);
  }
  return features;
}

FeatureTable read_genes_of(const MtxPaths& paths) {
  if (!paths.is_split_pipe) return read_features(paths.genes);
  SplitPipeGenes genes = read_split_pipe_genes(paths.genes);
  FeatureTable features;
  features.ids = std::move(genes.ids);
  features.names = std::move(genes.names);
  features.genomes = std::move(genes.genomes);
  features.new_column.resize(features.ids.size());
  std::iota(features.new_column.begin(), features.new_column.end(), 0);
  return features;
}

Table read_cells_of(const MtxPaths& paths) {
  if (paths.is_split_pipe) return read_split_pipe_cells(paths.cells);
  std::vector<std::string> barcodes;
  read_lines(paths.cells, [&](const std::vector<std::string_view>& fields) {
    barcodes.emplace_back(fields[0]);
  });
  return Table(std::move(barcodes));
}

/// Which way round a matrix is: by the lengths of its tables, or, if it is square, by its name.
bool are_cells_in_rows(const MtxSizes& sizes, const MtxPaths& paths, std::int64_t n_features,
                       std::int64_t n_cells, CellsIn asked) {
  const bool fits_columns = sizes.n_rows == n_features && sizes.n_columns == n_cells;
  const bool fits_rows = sizes.n_rows == n_cells && sizes.n_columns == n_features;
  const bool is_asked_in_vain =
      (asked == CellsIn::Rows && !fits_rows) || (asked == CellsIn::Columns && !fits_columns);
  if ((!fits_columns && !fits_rows) || is_asked_in_vain) {
    const auto has_one_more = [](std::int64_t a, std::int64_t b, std::int64_t rows,
                                 std::int64_t columns) {
      return a - rows >= 0 && a - rows <= 1 && b - columns >= 0 && b - columns <= 1;
    };
    const bool may_have_header = has_one_more(n_features, n_cells, sizes.n_rows, sizes.n_columns) ||
                                 has_one_more(n_cells, n_features, sizes.n_rows, sizes.n_columns);
    fail(ErrorKind::BadFormat, "{}: is a matrix of {} x {}, but {} has {} and {} has {}{}",
         paths.matrix.string(), sizes.n_rows, sizes.n_columns, paths.genes.filename().string(),
         counted(n_features, "feature"), paths.cells.filename().string(),
         counted(n_cells, "barcode"),
         fits_columns || fits_rows ? fmt::format("; --cells-in {} cannot be", to_text(asked))
         : may_have_header
             ? ". One more than there are: if a table begins with a line of names of columns, "
               "remove that line"
             : ". Take the three files of one run");
  }
  if (fits_columns != fits_rows) return fits_rows;
  if (asked != CellsIn::Auto) return asked == CellsIn::Rows;
  if (!paths.is_usual) {
    fail(ErrorKind::BadFormat,
         "{}: has as many cells as genes ({}), so it cannot be told which of them its rows are; "
         "say it with --cells-in rows or --cells-in columns",
         paths.matrix.string(), n_cells);
  }
  return paths.has_cells_in_rows;
}

std::unique_ptr<CellSource> open_with_tables(const InputFile& input, const MtxPaths& paths,
                                             const ReadOptions& options, const Context& context) {
  FeatureTable features = read_genes_of(paths);
  Table obs = read_cells_of(paths);
  warn_of_repeated_barcodes(obs, paths.cells.string(), context);
  const auto n_features = checked_cast<GeneIndex>(std::ssize(features.new_column), "features");
  auto counts = read_mtx(
      paths.matrix,
      [&](const MtxSizes& sizes) {
        return are_cells_in_rows(sizes, paths, n_features, obs.n_rows(), options.cells_in);
      },
      features.new_column, context);
  warn_of_empty_barcodes(
      input.path, obs.n_rows(), std::ssize(features.ids),
      [&](CellIndex cell) {
        return counts->read({&cell, 1}, context).n_stored();
      },
      context);
  warn_of_other_features(features.n_of_type, paths.genes.string(), context);
  Table var = features.ids == features.names
                  ? make_gene_table(std::move(features.names), paths.genes.string(), context)
                  : make_gene_table(std::move(features.names), std::move(features.ids),
                                    paths.genes.string(), context);
  if (!features.genomes.empty()) var.set("genome", TextColumn{std::move(features.genomes), {}});
  return std::make_unique<PackedCells>(input.path.string(), std::move(counts), std::move(obs),
                                       std::move(var), MeasuredGenes());
}

/// A matrix alone: its genes and cells have no names.
std::unique_ptr<CellSource> open_alone(const fs::path& matrix, const ReadOptions& options,
                                       const Context& context) {
  auto counts = read_mtx(
      matrix,
      [&](const MtxSizes& sizes) {
        // No table bears the sizes out, and each row and column takes memory.
        static constexpr std::int64_t kSmall = std::int64_t{1} << 22;
        static constexpr std::int64_t kPerEntry = 16;
        if (std::max(sizes.n_rows, sizes.n_columns) >
            std::max(kSmall, kPerEntry * sizes.n_stored)) {
          fail(ErrorKind::BadFormat, "{}: claims to be a matrix of {} x {} with only {} entries",
               matrix.string(), sizes.n_rows, sizes.n_columns, sizes.n_stored);
        }
        return options.cells_in == CellsIn::Rows;
      },
      {}, context);
  context.warn(fmt::format(
      "{}: no tables of barcodes and genes lie beside it: cells and genes are only numbered{}",
      matrix.string(),
      options.cells_in == CellsIn::Auto
          ? "; its rows are taken as genes, as 10x and Seurat write it (--cells-in rows if they "
            "are cells)"
          : ""));
  Table obs(numbered_names("cell_", counts->n_rows()));
  Table var(numbered_names("gene_", counts->n_cols()));
  return std::make_unique<PackedCells>(matrix.string(), std::move(counts), std::move(obs),
                                       std::move(var), MeasuredGenes());
}

std::unique_ptr<CellSource> open_matrix_market(InputFile input, const ReadOptions& options,
                                               const Context& context) {
  const MtxPaths paths = find_paths(input);
  warn_of_twins(paths, context);
  if (paths.genes.empty()) return open_alone(paths.matrix, options, context);
  return open_with_tables(input, paths, options, context);
}

/// Every folder: what lacks a file is told which.
std::optional<std::string> recognise_matrix_market(const InputFile& input) {
  if (!input.is_folder && !is_matrix_market(input.head)) return std::nullopt;
  MtxPaths paths;
  if (input.is_folder) {
    if (find_file(input.path / "features.tsv")) return "10x MTX folder v3";
    if (find_file(input.path / "genes.tsv")) return "10x MTX folder v2";
    const auto matrices = files_ending(input.path, ".mtx");
    if (matrices.size() != 1) return "MTX folder";
    paths.matrix = matrices.front();
  } else {
    paths.matrix = input.path;
  }
  find_tables(paths);
  if (paths.genes.empty()) return "MTX file without tables";
  if (paths.is_split_pipe) return "MTX of split-pipe (Parse)";
  if (!paths.is_usual || paths.has_cells_in_rows) return "MTX with tables";
  const bool has_prefix = !stem_before(paths.matrix, "matrix.mtx").empty();
  return fmt::format("10x MTX{} {}", has_prefix ? " with a prefix" : "", paths.is_v3 ? "v3" : "v2");
}

}  // namespace

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

const Format kMatrixMarket{"cells-in", recognise_matrix_market, open_matrix_market, nullptr};

}  // namespace saithe::io
