#include <algorithm>
#include <array>
#include <numeric>

#include "saithe/core/text_io.h"
#include "saithe/io/formats.h"

namespace saithe::io {
namespace {

namespace fs = std::filesystem;

/// FOLDER/NAME or FOLDER/NAME.gz, or nothing.
std::optional<fs::path> find_file(const fs::path& folder, const std::string& name) {
  for (const char* ending : {"", ".gz"}) {
    fs::path path = folder / (name + ending);
    std::error_code error;
    if (fs::is_regular_file(path, error)) return path;
  }
  return std::nullopt;
}

fs::path require_file(const fs::path& folder, const std::string& name) {
  auto path = find_file(folder, name);
  if (!path) {
    fail(ErrorKind::NotFound,
         "{}: has no {} (nor {}.gz); a 10x MTX folder holds matrix.mtx, barcodes.tsv and genes.tsv "
         "or features.tsv",
         folder.string(), name, name);
  }
  return *path;
}

struct FeatureTable {
  std::vector<std::string> ids;
  std::vector<std::string> names;
  std::vector<bool> is_gene;
  std::int64_t n_other = 0;
};

FeatureTable read_features(const fs::path& path) {
  LineReader reader(path);
  FeatureTable features;
  std::string_view line;
  std::vector<std::string_view> fields;
  while (reader.next(line)) {
    if (line.empty()) continue;
    split_fields(line, '\t', fields);
    features.ids.emplace_back(fields[0]);
    features.names.emplace_back(fields.size() > 1 ? fields[1] : fields[0]);
    features.is_gene.push_back(fields.size() < 3 || fields[2] == "Gene Expression");
    if (!features.is_gene.back()) ++features.n_other;
  }
  return features;
}

std::vector<std::string> read_barcodes(const fs::path& path) {
  LineReader reader(path);
  std::vector<std::string> barcodes;
  std::string_view line;
  while (reader.next(line)) {
    if (!line.empty()) barcodes.emplace_back(line.substr(0, line.find('\t')));
  }
  return barcodes;
}

struct Header {
  std::int64_t n_rows = 0;
  std::int64_t n_columns = 0;
  std::int64_t n_stored = 0;
};

/// The next run of characters that are no blanks, taken off `line`.
std::string_view take_word(std::string_view& line) {
  static constexpr const char* kBlanks = " \t";
  const auto begin = line.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) {
    line = {};
    return {};
  }
  line.remove_prefix(begin);
  const auto word = line.substr(0, line.find_first_of(kBlanks));
  line.remove_prefix(word.size());
  return word;
}

Header read_header(LineReader& reader) {
  std::string_view line;
  if (!reader.next(line)) fail(ErrorKind::BadFormat, "{}: the file is empty", reader.where());
  std::string banner(line);
  std::transform(banner.begin(), banner.end(), banner.begin(), [](unsigned char c) {
    return static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  });
  const bool is_read = banner == "%%matrixmarket matrix coordinate integer general" ||
                       banner == "%%matrixmarket matrix coordinate real general";
  if (!is_read) {
    fail(ErrorKind::BadFormat,
         "{}: begins with '{}'; expected '%%MatrixMarket matrix coordinate integer general' (or "
         "real)",
         reader.where(), printable(line.substr(0, 80)));
  }
  do {
    if (!reader.next(line)) fail(ErrorKind::BadFormat, "{}: ends before its sizes", reader.where());
  } while (line.empty() || line.front() == '%');
  Header header;
  const std::string text(line);
  const bool has_sizes = parse_number(take_word(line), header.n_rows) &&
                         parse_number(take_word(line), header.n_columns) &&
                         parse_number(take_word(line), header.n_stored) && take_word(line).empty();
  if (!has_sizes || header.n_rows < 0 || header.n_columns < 0 || header.n_stored < 0) {
    fail(ErrorKind::BadFormat, "{}: '{}' is not the three sizes rows, columns, entries",
         reader.where(), printable(text));
  }
  return header;
}

/// Entries of cells x features, in the order of the file.
struct Entries {
  std::vector<CellIndex> cells;
  std::vector<GeneIndex> genes;
  std::vector<float> values;
};

Entries read_entries(LineReader& reader, const Header& header) {
  Entries entries;
  std::string_view line;
  std::int64_t n_read = 0;
  while (reader.next(line)) {
    if (line.empty() || line.front() == '%') continue;
    std::int64_t row = 0;
    std::int64_t column = 0;
    double value = 0;
    const std::string_view whole = line;
    const bool is_entry = parse_number(take_word(line), row) &&
                          parse_number(take_word(line), column) &&
                          parse_number(take_word(line), value) && take_word(line).empty();
    if (!is_entry) {
      fail(ErrorKind::BadFormat, "{}: '{}' is not 'row column value'", reader.where(),
           printable(whole.substr(0, 80)));
    }
    if (row < 1 || row > header.n_rows || column < 1 || column > header.n_columns) {
      fail(ErrorKind::BadFormat, "{}: the entry ({}, {}) lies outside the matrix of {} x {}",
           reader.where(), row, column, header.n_rows, header.n_columns);
    }
    if (++n_read > header.n_stored) {
      fail(ErrorKind::BadFormat, "{}: has more entries than the {} it announces", reader.where(),
           header.n_stored);
    }
    if (value == 0) continue;
    entries.cells.push_back(column - 1);
    entries.genes.push_back(static_cast<GeneIndex>(row - 1));
    entries.values.push_back(static_cast<float>(value));
  }
  if (n_read < header.n_stored) {
    fail(ErrorKind::BadFormat,
         "{}: ends after {} of {} entries; the file is cut off. Copy it again.", reader.where(),
         n_read, header.n_stored);
  }
  return entries;
}

CsrMatrix to_rows(const Entries& entries, CellIndex n_cells, GeneIndex n_genes) {
  CsrMatrix matrix;
  matrix.n_rows = n_cells;
  matrix.n_cols = n_genes;
  matrix.row_start.assign(as_size(n_cells) + 1, 0);
  for (const CellIndex cell : entries.cells) ++matrix.row_start[as_size(cell) + 1];
  std::partial_sum(matrix.row_start.begin(), matrix.row_start.end(), matrix.row_start.begin());
  matrix.columns.resize(entries.genes.size());
  matrix.values.resize(entries.genes.size());
  std::vector<RowPointer> write(matrix.row_start.begin(), matrix.row_start.end() - 1);
  for (std::size_t i = 0; i < entries.genes.size(); ++i) {
    const auto at = as_size(write[as_size(entries.cells[i])]++);
    matrix.columns[at] = entries.genes[i];
    matrix.values[at] = entries.values[i];
  }
  sort_and_merge(matrix);
  return matrix;
}

/// "v2" or "v3" for a 10x MTX folder; nothing if it is none.
std::optional<std::string> matrix_market_version(const fs::path& folder) {
  if (!find_file(folder, "matrix.mtx")) return std::nullopt;
  return find_file(folder, "features.tsv") ? "v3" : "v2";
}

std::unique_ptr<CellSource> open_matrix_market(InputFile input, const ReadOptions&,
                                               const Context& context) {
  const fs::path& folder = input.path;
  const fs::path matrix_path = require_file(folder, "matrix.mtx");
  const fs::path barcodes_path = require_file(folder, "barcodes.tsv");
  const fs::path features_path = matrix_market_version(folder) == "v3"
                                     ? *find_file(folder, "features.tsv")
                                     : require_file(folder, "genes.tsv");
  FeatureTable features = read_features(features_path);
  Table obs(read_barcodes(barcodes_path));
  warn_of_repeated_barcodes(obs.index(), barcodes_path.string(), context);
  const auto n_features =
      checked_cast<GeneIndex>(static_cast<std::int64_t>(features.ids.size()), "features");

  LineReader reader(matrix_path);
  const Header header = read_header(reader);
  if (header.n_rows != n_features || header.n_columns != obs.n_rows()) {
    fail(ErrorKind::BadFormat,
         "{}: is a matrix of {} x {}, but {} has {} features and {} has {} barcodes",
         reader.where(), header.n_rows, header.n_columns, features_path.filename().string(),
         n_features, barcodes_path.filename().string(), obs.n_rows());
  }
  CsrMatrix counts = to_rows(read_entries(reader, header), obs.n_rows(), n_features);

  if (features.n_other > 0) {
    std::vector<GeneIndex> new_column;
    GeneIndex n_kept = 0;
    FeatureTable kept;
    for (std::size_t i = 0; i < features.ids.size(); ++i) {
      new_column.push_back(features.is_gene[i] ? n_kept++ : -1);
      if (!features.is_gene[i]) continue;
      kept.ids.push_back(features.ids[i]);
      kept.names.push_back(features.names[i]);
    }
    context.warn(
        fmt::format("{}: {} features are not of the type 'Gene Expression' and are left out",
                    features_path.string(), features.n_other));
    counts = map_columns(counts.view(), new_column, n_kept);
    features = std::move(kept);
  }
  Table var =
      make_gene_table(std::move(features.names), std::move(features.ids), features_path.string());
  return std::make_unique<Dataset>(folder.string(), std::move(counts), std::move(obs),
                                   std::move(var));
}

/// Every folder: what lacks a file is told which.
std::optional<std::string> recognise_matrix_market(const InputFile& input) {
  if (!input.is_folder) return std::nullopt;
  return "10x MTX folder " + matrix_market_version(input.path).value_or("");
}

}  // namespace

const Format kMatrixMarket{"", recognise_matrix_market, open_matrix_market, nullptr};

}  // namespace saithe::io
