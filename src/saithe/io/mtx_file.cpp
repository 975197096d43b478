#include "saithe/io/mtx_file.h"

#include <algorithm>

#include "saithe/core/text_io.h"
#include "saithe/matrix/row_gatherer.h"

namespace saithe::io {
namespace {

constexpr std::string_view kBanner = "%%matrixmarket";

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

MtxSizes read_sizes(LineReader& reader, const std::filesystem::path& path) {
  std::string_view line;
  if (!reader.next(line)) fail(ErrorKind::BadFormat, "{}: the file is empty", reader.where());
  const std::string_view whole = line;
  std::string banner;
  for (auto word = take_word(line); !word.empty(); word = take_word(line)) {
    banner += (banner.empty() ? "" : " ") + lower(word);
  }
  const bool is_read = banner == "%%matrixmarket matrix coordinate integer general" ||
                       banner == "%%matrixmarket matrix coordinate real general";
  if (!is_read && banner.starts_with("%%matrixmarket matrix ")) {
    fail(ErrorKind::BadFormat,
         "{}: is a matrix '{}'; only coordinate, integer or real, general is read. Write it so, in "
         "Python: import scipy.io, scipy.sparse; scipy.io.mmwrite(\"matrix.mtx\", "
         "scipy.sparse.coo_matrix(scipy.io.mmread(\"{}\")), symmetry=\"general\")",
         reader.where(), printable(banner.substr(22, 60)), printable(path.string()));
  }
  if (whole.starts_with("\x1F\x8B")) {
    fail(ErrorKind::BadFormat, "{}: is packed twice. Unpack it once: gunzip -k \"{}\"",
         printable(path.string()), printable(path.string()));
  }
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

/// Which rows or columns of the file are genes, and where cells are.
struct Orientation {
  bool are_cells_in_rows = false;
  std::span<const GeneIndex> new_gene;  // -1: no gene; empty: all are
};

struct Entry {
  std::int64_t row = 0;
  std::int64_t column = 0;
  double value = 0;
};

/// The digits at the front of `text`, taken off; false if there are none, or too many.
bool take_digits(std::string_view& text, std::int64_t& number) {
  static constexpr std::size_t kMostDigits = 15;  // a double holds as many
  std::size_t n = 0;
  number = 0;
  for (; n < text.size() && n <= kMostDigits && text[n] >= '0' && text[n] <= '9'; ++n) {
    number = number * 10 + (text[n] - '0');
  }
  text.remove_prefix(n);
  return n > 0 && n <= kMostDigits;
}

bool take_blank(std::string_view& text) {
  const bool is_blank = !text.empty() && (text.front() == ' ' || text.front() == '\t');
  if (is_blank) text.remove_prefix(1);
  return is_blank;
}

/// An entry as nearly every file writes it: three whole numbers, a blank between them.
bool parse_plain(std::string_view line, Entry& entry) {
  std::int64_t value = 0;
  const bool is_plain = take_digits(line, entry.row) && take_blank(line) &&
                        take_digits(line, entry.column) && take_blank(line) &&
                        take_digits(line, value) && line.empty();
  entry.value = static_cast<double>(value);
  return is_plain;
}

bool parse_any(std::string_view line, Entry& entry) {
  return parse_number(take_word(line), entry.row) && parse_number(take_word(line), entry.column) &&
         parse_number(take_word(line), entry.value) && take_word(line).empty();
}

void read_entries(LineReader& reader, const MtxSizes& sizes, const Orientation& orientation,
                  RowGatherer& rows, const Context& context) {
  static constexpr std::int64_t kReportEvery = std::int64_t{1} << 20;
  std::string_view line;
  std::int64_t n_read = 0;
  while (reader.next(line)) {
    if (line.empty() || line.front() == '%') continue;
    Entry entry;
    if (!parse_plain(line, entry) && !parse_any(line, entry)) {
      fail(ErrorKind::BadFormat, "{}: '{}' is not 'row column value'", reader.where(),
           printable(line.substr(0, 80)));
    }
    const auto [row, column, value] = entry;
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
    auto gene = static_cast<GeneIndex>((orientation.are_cells_in_rows ? column : row) - 1);
    if (!orientation.new_gene.empty()) gene = orientation.new_gene[as_size(gene)];
    if (gene < 0) continue;
    rows.add((orientation.are_cells_in_rows ? row : column) - 1, gene, static_cast<float>(value),
             context);
  }
  if (n_read < sizes.n_stored) {
    fail(ErrorKind::BadFormat,
         "{}: ends after {} of {} entries; the file is cut off. Copy it again.", reader.where(),
         n_read, sizes.n_stored);
  }
}

}  // namespace

bool is_matrix_market(std::string_view head) {
  static constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (head.starts_with(kByteOrderMark)) head.remove_prefix(kByteOrderMark.size());
  return lower(head.substr(0, kBanner.size())) == kBanner;
}

std::shared_ptr<PackedRows> read_mtx(const std::filesystem::path& path,
                                     const std::function<bool(const MtxSizes&)>& are_cells_in_rows,
                                     std::span<const GeneIndex> new_gene, const Context& context) {
  LineReader reader(path, LineReader::Encoding::Any, context.n_threads() > 1);
  const MtxSizes sizes = read_sizes(reader, path);
  const Orientation orientation{are_cells_in_rows(sizes), new_gene};
  const bool is_turned = orientation.are_cells_in_rows;
  const std::int64_t n_cells = is_turned ? sizes.n_rows : sizes.n_columns;
  auto n_genes = checked_cast<GeneIndex>(is_turned ? sizes.n_columns : sizes.n_rows, path.c_str());
  if (!new_gene.empty()) {
    SAITHE_ASSERT(std::ssize(new_gene) == n_genes);
    n_genes = static_cast<GeneIndex>(
        std::count_if(new_gene.begin(), new_gene.end(), [](GeneIndex gene) { return gene >= 0; }));
  }
  RowGatherer rows(n_genes, context.max_memory);
  read_entries(reader, sizes, orientation, rows, context);
  return rows.finish(n_cells, context);
}

}  // namespace saithe::io
