#include "saithe/io/mtx_file.h"

#include <algorithm>
#include <numeric>

#include "saithe/core/text_io.h"

namespace saithe::io {
namespace {

constexpr std::string_view kBanner = "%%matrixmarket";

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(), [](unsigned char c) {
    return static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  });
  return result;
}

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

MtxSizes read_sizes(LineReader& reader) {
  std::string_view line;
  if (!reader.next(line)) fail(ErrorKind::BadFormat, "{}: the file is empty", reader.where());
  const std::string_view whole = line;
  std::string banner;
  for (auto word = take_word(line); !word.empty(); word = take_word(line)) {
    banner += (banner.empty() ? "" : " ") + lower(word);
  }
  const bool is_read = banner == "%%matrixmarket matrix coordinate integer general" ||
                       banner == "%%matrixmarket matrix coordinate real general";
  if (!is_read) {
    fail(ErrorKind::BadFormat,
         "{}: begins with '{}'; expected '%%MatrixMarket matrix coordinate integer general' (or "
         "real)",
         reader.where(), printable(whole.substr(0, 80)));
  }
  do {
    if (!reader.next(line)) fail(ErrorKind::BadFormat, "{}: ends before its sizes", reader.where());
  } while (line.empty() || line.front() == '%');
  MtxSizes sizes;
  const std::string text(line);
  const bool has_sizes = parse_number(take_word(line), sizes.n_rows) &&
                         parse_number(take_word(line), sizes.n_columns) &&
                         parse_number(take_word(line), sizes.n_stored) && take_word(line).empty();
  if (!has_sizes || sizes.n_rows < 0 || sizes.n_columns < 0 || sizes.n_stored < 0) {
    fail(ErrorKind::BadFormat, "{}: '{}' is not the three sizes rows, columns, entries",
         reader.where(), printable(text));
  }
  return sizes;
}

/// Makes rows of entries that come in any order. Those that come cell by cell, as 10x writes them,
/// are stored once; others are kept with their cell and sorted at the end.
class RowBuilder {
 public:
  RowBuilder(CellIndex n_cells, GeneIndex n_genes) {
    matrix_.n_rows = n_cells;
    matrix_.n_cols = n_genes;
    matrix_.row_start.assign(as_size(n_cells) + 1, 0);
  }

  void add(CellIndex cell, GeneIndex gene, float value) {
    if (is_in_order_ && cell < last_) keep_cells();
    if (!is_in_order_) cells_.push_back(cell);
    last_ = cell;
    ++matrix_.row_start[as_size(cell) + 1];  // for now their number
    matrix_.columns.push_back(gene);
    matrix_.values.push_back(value);
  }

  CsrMatrix finish() {
    std::partial_sum(matrix_.row_start.begin(), matrix_.row_start.end(), matrix_.row_start.begin());
    if (!is_in_order_) sort_by_cell();
    sort_and_merge(matrix_);
    return std::move(matrix_);
  }

 private:
  /// From here on the order does not tell the cells.
  void keep_cells() {
    is_in_order_ = false;
    cells_.reserve(matrix_.columns.size());
    for (CellIndex cell = 0; cell < matrix_.n_rows; ++cell) {
      cells_.insert(cells_.end(), as_size(matrix_.row_start[as_size(cell) + 1]), cell);
    }
  }

  void sort_by_cell() {
    std::vector<RowPointer> write(matrix_.row_start.begin(), matrix_.row_start.end() - 1);
    std::vector<GeneIndex> columns(matrix_.columns.size());
    std::vector<float> values(matrix_.values.size());
    for (std::size_t i = 0; i < cells_.size(); ++i) {
      const auto at = as_size(write[as_size(cells_[i])]++);
      columns[at] = matrix_.columns[i];
      values[at] = matrix_.values[i];
    }
    matrix_.columns = std::move(columns);
    matrix_.values = std::move(values);
  }

  CsrMatrix matrix_;
  std::vector<CellIndex> cells_;  // of each entry; empty while they come in order
  CellIndex last_ = 0;
  bool is_in_order_ = true;
};

void read_entries(LineReader& reader, const MtxSizes& sizes, bool are_cells_in_rows,
                  RowBuilder& rows, const Context& context) {
  static constexpr std::int64_t kReportEvery = std::int64_t{1} << 20;
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
    if (row < 1 || row > sizes.n_rows || column < 1 || column > sizes.n_columns) {
      fail(ErrorKind::BadFormat, "{}: the entry ({}, {}) lies outside the matrix of {} x {}",
           reader.where(), row, column, sizes.n_rows, sizes.n_columns);
    }
    if (++n_read > sizes.n_stored) {
      fail(ErrorKind::BadFormat, "{}: has more entries than the {} it announces", reader.where(),
           sizes.n_stored);
    }
    if (n_read % kReportEvery == 0) {
      context.throw_if_cancelled();
      context.report("reading", n_read, sizes.n_stored);
    }
    if (value == 0) continue;
    rows.add((are_cells_in_rows ? row : column) - 1,
             static_cast<GeneIndex>((are_cells_in_rows ? column : row) - 1),
             static_cast<float>(value));
  }
  if (n_read < sizes.n_stored) {
    fail(ErrorKind::BadFormat,
         "{}: ends after {} of {} entries; the file is cut off. Copy it again.", reader.where(),
         n_read, sizes.n_stored);
  }
}

}  // namespace

bool is_matrix_market(std::string_view head) {
  return lower(head.substr(0, kBanner.size())) == kBanner;
}

CsrMatrix read_mtx(const std::filesystem::path& path,
                   const std::function<bool(const MtxSizes&)>& are_cells_in_rows,
                   const Context& context) {
  LineReader reader(path);
  const MtxSizes sizes = read_sizes(reader);
  const bool is_turned = are_cells_in_rows(sizes);
  const std::int64_t n_cells = is_turned ? sizes.n_rows : sizes.n_columns;
  const auto n_genes =
      checked_cast<GeneIndex>(is_turned ? sizes.n_columns : sizes.n_rows, path.c_str());
  RowBuilder rows(n_cells, n_genes);
  read_entries(reader, sizes, is_turned, rows, context);
  return rows.finish();
}

}  // namespace saithe::io
