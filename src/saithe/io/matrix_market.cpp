// Folders and files of Matrix Market with the two tables beside them: 10x's, also under the
// prefixes of GEO, and those of STARsolo, kallisto | bustools, alevin and Parse's split-pipe.

#include <algorithm>
#include <functional>
#include <numeric>

#include "saithe/core/text_io.h"
#include "saithe/data/packed_cells.h"
#include "saithe/io/delimited_text.h"
#include "saithe/io/empty_barcodes.h"
#include "saithe/io/formats.h"
#include "saithe/io/mtx_file.h"
#include "saithe/io/mtx_tables.h"
#include "saithe/io/repeated_barcodes.h"
#include "saithe/io/spilled_names.h"
#include "saithe/io/split_pipe_tables.h"

namespace saithe::io {
namespace {

namespace fs = std::filesystem;

// ---- tables ---------------------------------------------------------------------------------

struct FeatureTable {
  std::vector<std::string> ids;
  std::vector<std::string> names;
  std::vector<std::string> genomes;   // empty where the file does not say
  std::vector<GeneIndex> new_column;  // -1: no gene
  std::map<std::string, std::int64_t> n_of_type;
};

/// Calls `take(fields)` for every line; quotes, as R's write.table sets them, are taken off.
void read_lines(const fs::path& path,
                const std::function<void(const std::vector<std::string_view>&)>& take) {
  LineReader reader(path);
  const bool has_commas = path.string().find(".csv") != std::string::npos;
  FieldSplitter splitter(has_commas ? ',' : '\t');
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

FeatureTable read_genes_of(const MtxPaths& paths, const Context& context) {
  if (!paths.is_split_pipe) return read_features(paths.genes);
  SplitPipeGenes genes = read_split_pipe_genes(paths.genes, context.max_memory);
  FeatureTable features;
  features.ids = std::move(genes.ids);
  features.names = std::move(genes.names);
  features.genomes = std::move(genes.genomes);
  features.new_column = std::vector<GeneIndex>(features.ids.size());
  std::iota(features.new_column.begin(), features.new_column.end(), 0);
  return features;
}

/// R's write.table() puts the number of each line before its barcode.
Table read_cells_of(const MtxPaths& paths, const Context& context) {
  if (paths.is_split_pipe) return read_split_pipe_cells(paths.cells, context.max_memory);
  const std::int64_t most_bytes = most_kept_bytes(context.max_memory);
  SpilledNames barcodes(most_bytes);
  SpilledNames second(most_bytes);  // of each line, while each has two fields and begins so
  CountedNames numbers;
  CountedNames numbers_of_second;
  read_lines(paths.cells, [&](const std::vector<std::string_view>& fields) {
    const bool have_all_two = second.size() == barcodes.size();
    barcodes.append(fields[0]);
    numbers.add(fields[0]);
    if (fields.size() != 2 || !have_all_two || !numbers.are_counted()) return;
    second.append(fields[1]);
    numbers_of_second.add(fields[1]);
  });
  const bool are_numbered = second.size() == barcodes.size();
  if (are_numbered && second.size() > 0 && !numbers_of_second.are_counted()) {
    context.warn(fmt::format(
        "{}: its lines begin with their numbers; the second field is taken as the barcode ('{}', "
        "...)",
        paths.cells.string(), printable(second.first())));
    return SpilledNames::table_of(std::move(second));
  }
  return SpilledNames::table_of(std::move(barcodes));
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
  FeatureTable features = read_genes_of(paths, context);
  Table obs = read_cells_of(paths, context);
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
      "{}: no tables of barcodes and genes lie beside it under its name: cells and genes are only "
      "numbered{}",
      matrix.string(),
      options.cells_in == CellsIn::Auto
          ? "; its rows are taken as genes, as 10x and Seurat write it (--cells-in rows if they "
            "are cells)"
          : ""));
  Table obs = table_of_numbers("cell_", counts->n_rows());
  Table var(numbered_names("gene_", counts->n_cols()));
  return std::make_unique<PackedCells>(matrix.string(), std::move(counts), std::move(obs),
                                       std::move(var), MeasuredGenes());
}

std::unique_ptr<CellSource> open_matrix_market(InputFile input, const ReadOptions& options,
                                               const Context& context) {
  const MtxPaths paths = find_mtx_paths(input.path, input.is_folder);
  warn_of_mtx_twins(paths, context);
  if (paths.genes.empty()) return open_alone(paths.matrix, options, context);
  return open_with_tables(input, paths, options, context);
}

std::optional<std::string> recognise_matrix_market(const InputFile& input) {
  if (!input.is_folder && !is_matrix_market(input.head)) return std::nullopt;
  return name_mtx_layout(input.path, input.is_folder);
}

}  // namespace

const Format kMatrixMarket{"cells-in", recognise_matrix_market, open_matrix_market, nullptr};

}  // namespace saithe::io
