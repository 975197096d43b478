// Tables of text: CSV, TSV and their kin, cells x genes or genes x cells. They are turned into
// packed rows line by line; no dense matrix is made.

#include <algorithm>
#include <array>
#include <unordered_set>

#include "saithe/core/text_io.h"
#include "saithe/core/usable_memory.h"
#include "saithe/data/packed_cells.h"
#include "saithe/io/delimited_text.h"
#include "saithe/io/formats.h"
#include "saithe/io/long_table.h"
#include "saithe/io/mtx_tables.h"
#include "saithe/io/name_patterns.h"
#include "saithe/io/repeated_barcodes.h"
#include "saithe/io/unknown_input.h"
#include "saithe/io/written_column.h"
#include "saithe/matrix/row_gatherer.h"

namespace saithe::io {
namespace {

constexpr std::int64_t kLinesBetweenPolls = 1024;
constexpr std::size_t kBlockEntries = std::size_t{1} << 20;
// In memory for the name of each row, which stands there twice in the end.
constexpr std::int64_t kBytesOfName = 2 * 64;
// Of --memory, for the rows in memory; a table of genes in rows is turned round beside them.
constexpr std::int64_t kPackedShare = 4;

/// A column that is no gene and no cell.
struct ColumnBeside {
  std::string name;
  Column column;
  bool is_told_by_name = false;  // nothing else tells it from the values
};

/// What is read of a table before it is known what its rows are.
struct RowsOfText {
  std::vector<std::string> names;
  std::vector<std::string> columns;  // names of the values' columns
  std::vector<ColumnBeside> beside;  // in the table's order
  std::shared_ptr<PackedRows> values;
};

/// Reads the lines of a table one after the other. None of them is a comment: a cell or gene may be
/// called "#1".
class RowReader {
 public:
  RowReader(LineReader& reader, const TableStart& start, const Context& context)
      : reader_(&reader), start_(&start), splitter_(start.separator), context_(context) {
    const std::vector<bool> are_measures = measures_among(start.names, start.n_texts);
    for (std::size_t i = 0; i < start.names.size(); ++i) {
      const bool is_beside = i < start.n_texts || are_measures[i];
      places_.push_back({is_beside, is_beside ? beside_.size() : rows_.columns.size()});
      if (is_beside) {
        beside_.emplace_back(
            are_measures[i] ? WrittenColumn::Holds::NumbersOrTexts : WrittenColumn::Holds::Texts,
            start.separator);
      } else {
        rows_.columns.push_back(start.names[i]);
      }
    }
    if (rows_.columns.empty()) {
      fail(ErrorKind::BadFormat,
           "{}: all its columns of numbers are named like measures of cells ('{}', ...); expected "
           "values of genes",
           reader.where(), printable(start.names[start.n_texts]));
    }
    block_.n_cols = checked_cast<GeneIndex>(std::ssize(rows_.columns), "columns of the table");
    rows_.values = std::make_shared<PackedRows>(block_.n_cols, context.max_memory / kPackedShare);
  }

  RowsOfText read() {
    const std::string first = reader_->where();
    add(start_->first_row);
    for (std::string_view line; reader_->next(line);) {
      if (line.empty()) continue;
      if (reader_->line_number() % kLinesBetweenPolls == 0) poll();
      add(line);
    }
    if (rows_.names.empty()) {
      fail(
          ErrorKind::BadFormat,
          "{}: has no row but what a program counted beside the genes ({}); expected rows of genes",
          reader_->where(), printable(counters_));
    }
    pack();
    finish_columns(first);
    warn_of_thousands();
    if (!counters_.empty()) {
      context_.warn(
          printable(fmt::format("{}: left out, as what a program counted beside the genes: {}",
                                reader_->where(), counters_)));
    }
    return std::move(rows_);
  }

 private:
  void poll() const {
    context_.throw_if_cancelled();
    std::int64_t bytes_of_row = kBytesOfName;
    for (const WrittenColumn& column : beside_) bytes_of_row += column.bytes_of_row();
    require_memory_so_far(reader_->where(), std::ssize(rows_.names), bytes_of_row,
                          context_.max_memory);
  }
  void add(std::string_view line) {
    if (!splitter_.split(line, fields_)) {
      fail(ErrorKind::BadFormat,
           "{}: a quote (\") is not closed on its line, or something stands behind it. Remove the "
           "quote, or the line break within it.",
           reader_->where());
    }
    if (fields_.size() != start_->names.size() + 1) {
      fail(ErrorKind::BadFormat, "{}: has {}; expected {}, as the first line has{}",
           reader_->where(), counted(std::ssize(fields_), "field"), start_->names.size() + 1,
           line.starts_with('#') ? ". Comments (#) stand before the header only" : "");
    }
    if (names_counter(fields_[0])) {
      counters_ += (counters_.empty() ? "'" : ", '") + std::string(fields_[0]) + "'";
      return;
    }
    rows_.names.emplace_back(fields_[0]);
    for (std::size_t i = 1; i < fields_.size(); ++i) {
      const Place place = places_[i - 1];
      if (place.is_beside) {
        WrittenColumn& column = beside_[place.index];
        column.add(fields_[i]);
        if (start_->separator == ';' && column.is_of_numbers()) note_mark(fields_[i]);
        continue;
      }
      float value = 0;
      if (!parse_value(fields_[i], start_->separator, value)) fail_value(i);
      if (start_->separator == ';') note_mark(fields_[i]);
      if (value == 0) continue;
      block_.columns.push_back(static_cast<GeneIndex>(place.index));
      block_.values.push_back(value);
    }
    block_.row_start.push_back(std::ssize(block_.columns));
    ++block_.n_rows;
    if (block_.columns.size() >= kBlockEntries) pack();
  }

  /// Between semicolons a comma is decimal, and so is a point; where there are both, a point may
  /// separate thousands.
  void note_mark(std::string_view field) {
    const auto comma = field.find(',');
    const auto point = field.find('.');
    if (comma == point) return;  // neither
    (comma != std::string_view::npos ? with_comma_ : with_point_) = field;
    is_decimal_ = is_decimal_ || !has_thousands(field);
    if (with_comma_.empty() || with_point_.empty()) return;
    fail(
        ErrorKind::BadFormat,
        "{}: some numbers have a comma ('{}') and some a point ('{}'), which may separate "
        "thousands. Write all with one decimal mark (1234,5 or 1234.5), and thousands without any.",
        reader_->where(), printable(with_comma_), printable(with_point_));
  }

  /// Whether the mark may separate thousands: "1.234".
  static bool has_thousands(std::string_view field) {
    const auto mark = field.find_first_of(",.");
    return field.front() != '0' && mark >= 1 && mark <= 3 && field.size() == mark + 4 &&
           field.find_first_not_of("0123456789,.") == std::string_view::npos;
  }

  void warn_of_thousands() const {
    const bool has_commas = !with_comma_.empty();
    const std::string& example = has_commas ? with_comma_ : with_point_;
    if (example.empty() || is_decimal_) return;
    const char* mark = has_commas ? "comma" : "point";
    context_.warn(fmt::format(
        "{}: every number with a {} has three digits behind it, as '{}'; they are read as "
        "decimals. If {}s separate thousands, remove them",
        reader_->where(), mark, printable(example), mark));
  }

  void pack() {
    rows_.values->append(block_.view(), context_);
    block_.n_rows = 0;
    block_.row_start.resize(1);
    block_.columns.clear();
    block_.values.clear();
  }

  [[noreturn]] void fail_value(std::size_t column) const {
    fail_value(column, reader_->where(), fields_[0], fields_[column]);
  }

  [[noreturn]] void fail_value(std::size_t column, const std::string& where, std::string_view row,
                               std::string_view value) const {
    fail(ErrorKind::BadFormat, "{}: column {} ('{}') of row '{}': '{}' is not a number{}", where,
         column + 1, printable(start_->names[column - 1]), printable(row),
         printable(value.substr(0, 40)),
         value.empty() && start_->names[column - 1].empty()
             ? "; the column has no name: does each line end with a separator? Remove it"
         : is_missing_value(value)
             ? "; a missing value has no meaning among counts: write 0, or remove its gene or cell"
         : has_comma_in_number(value)
             ? start_->separator == ';'
                   ? "; write it without separators of thousands (1234,5)"
                   : "; write it with a decimal point (1234.5), or separate fields by semicolons, "
                     "between which commas are decimal"
             : "");
  }

  /// Gives the columns beside the values to the rows. `first`: where the first of them is.
  void finish_columns(const std::string& first) {
    for (std::size_t i = 0; i < places_.size(); ++i) {
      if (!places_[i].is_beside) continue;
      WrittenColumn& written = beside_[places_[i].index];
      const bool is_text_by_looks = !written.may_be_of_numbers();
      const bool is_told_by_name =
          i >= start_->n_texts || (written.is_of_numbers() && !start_->knows_texts);
      rows_.beside.push_back({start_->names[i], std::move(written).finish(), is_told_by_name});
      if (is_text_by_looks && !start_->knows_texts) {
        require_texts(i, std::get<TextColumn>(rows_.beside.back().column).values, first);
      }
    }
  }

  /// What the first row makes a column of text, other rows do not make one of numbers: a value that
  /// cannot be read must not take its cell or gene along. `first`: where that row is.
  void require_texts(std::size_t column, const std::vector<std::string>& texts,
                     const std::string& first) const {
    const auto n_numbers = std::count_if(texts.begin(), texts.end(), [&](const std::string& text) {
      float value = 0;
      return parse_value(text, start_->separator, value) || has_comma_in_number(text);
    });
    // "inf" may be short for infected, but not beside numbers.
    const auto n_infinite = std::ranges::count_if(texts, is_infinite_value);
    if (n_numbers == 0 || 2 * (n_numbers + n_infinite) <= std::ssize(texts)) return;
    fail_value(column + 1, first, rows_.names.front(), texts.front());
  }

  /// Where the fields of a column go: to one beside the values, or to one of the values.
  struct Place {
    bool is_beside = false;
    std::size_t index = 0;
  };

  LineReader* reader_;
  const TableStart* start_;
  std::vector<Place> places_;  // of all columns but the names of rows
  std::vector<WrittenColumn> beside_;
  FieldSplitter splitter_;
  const Context& context_;
  std::vector<std::string_view> fields_;
  std::string counters_;    // rows that are no genes, in quotes
  std::string with_comma_;  // the last number with one
  std::string with_point_;
  bool is_decimal_ = false;  // one of the marks
  CsrMatrix block_;          // rows that are not packed yet
  RowsOfText rows_;
};

/// Whether the names are 0, 1, 2, ... or 1, 2, 3, ..., of so many rows that values are not.
bool are_surely_counted(const std::vector<std::string>& names) {
  static constexpr std::size_t kEnough = 10;
  return names.size() >= kEnough && is_counted_up(names);
}

/// Numbers name rows, as R and pandas count them, unless they repeat or stand below a gene, a cell
/// or a word that may be one: then the table has no names of rows, and they are values.
void require_names(const std::vector<std::string>& names, const TableStart& start,
                   const std::string& where) {
  float value = 0;
  if (!std::all_of(names.begin(), names.end(), [&](const std::string& name) {
        return parse_value(name, start.separator, value) || is_missing_value(name);
      })) {
    return;
  }
  const bool is_below_gene = looks_like_gene(start.corner);
  if (is_below_gene || looks_like_cell(start.corner)) {
    fail(
        ErrorKind::BadFormat,
        "{}: the first column holds numbers below '{}', which is named like a {}: the table has no "
        "names of {}. Add a first column with them.",
        where, printable(start.corner), is_below_gene ? "gene" : "cell",
        is_below_gene ? "cells" : "genes");
  }
  // "V1,V2,V3" and "0,1,2" number all columns.
  const bool is_first_of_numbered = is_counted_up({start.corner, start.names.front()}) ||
                                    (start.corner == "V1" && start.names.front() == "V2");
  if ((is_first_of_numbered || !may_name_numbers(start.corner)) && !are_surely_counted(names)) {
    fail(ErrorKind::BadFormat,
         "{}: the first column holds numbers below '{}', which may be values or names of rows. If "
         "they are names, call the column 'index'; if '{}' is a gene or a cell, add a first column "
         "with names of rows.",
         where, printable(start.corner), printable(start.corner));
  }
  std::unordered_set<std::string_view> distinct(names.begin(), names.end());
  if (distinct.size() == names.size()) return;
  fail(ErrorKind::BadFormat,
       "{}: the first column holds numbers that repeat; expected the names of genes or cells",
       where);
}

RowsAre rows_are(const RowsOfText& rows, const TableStart& start, CellsIn asked,
                 const std::string& where, const Context& context) {
  if (asked == CellsIn::Rows) return RowsAre::Cells;
  if (asked == CellsIn::Columns) return RowsAre::Genes;
  const std::vector<std::string>& columns = rows.columns;
  const RowsAre told = tell_rows(rows.names, columns, start.corner);
  if (told != RowsAre::Unknown) return told;
  context.warn(fmt::format(
      "{}: neither its rows ('{}', ...) nor its columns ('{}', ...) are named like genes; rows are "
      "taken as cells, as AnnData does (--cells-in columns if they are genes)",
      where, printable(rows.names.front()), printable(columns.front())));
  return RowsAre::Cells;
}

/// What stands beside the values describes the rows.
void add_columns(Table& table, RowsOfText& rows, const std::string& where, const Context& context) {
  std::vector<std::string> names;
  std::string measures;
  std::size_t n_measures = 0;
  for (const ColumnBeside& beside : rows.beside) {
    names.push_back(beside.name);
    if (!beside.is_told_by_name) continue;
    measures += (measures.empty() ? "'" : ", '") + beside.name + "'";
    ++n_measures;
  }
  if (n_measures > 0) {
    context.warn(printable(fmt::format(
        "{}: {} {} named like a measure of each row, not like a gene or a cell: it is kept beside "
        "the names of rows and left out of the values",
        where, measures, n_measures == 1 ? "is" : "are each")));
  }
  if (make_names_unique(names) > 0) {
    context.warn(fmt::format(
        "{}: columns beside the values have the name of an earlier one; the later ones get a "
        "suffix -1, -2, ...",
        where));
  }
  for (std::size_t i = 0; i < names.size(); ++i) {
    Column& column = rows.beside[i].column;
    warn_of_inexact_integers(column, fmt::format("{}: {}", where, printable(names[i])), context);
    table.set(std::move(names[i]), std::move(column));
  }
}

/// A row of numbers is no barcode where a column of text has another name for each cell.
void warn_of_numbered_cells(const RowsOfText& rows, const std::string& where,
                            const Context& context) {
  if (!is_counted_up(rows.names) || rows.names.size() < 2) return;
  for (const ColumnBeside& beside : rows.beside) {
    const auto* texts = std::get_if<TextColumn>(&beside.column);
    if (texts == nullptr) continue;
    const std::unordered_set<std::string_view> distinct(texts->values.begin(), texts->values.end());
    if (distinct.size() < rows.names.size()) continue;
    context.warn(printable(fmt::format(
        "{}: its cells are called by their numbers ('{}', ...), while the column '{}' has a text "
        "of its own for each ('{}', ...). If that is the barcode, remove the column before it",
        where, rows.names.front(), beside.name, texts->values.front())));
    return;
  }
}

/// As spreadsheets put sums behind the last column and below the last row.
void warn_of_sums(const std::vector<std::string>& names, const char* what, const std::string& where,
                  const Context& context) {
  static constexpr std::array kSums = {"total", "totals", "grand total", "sum", "subtotal"};
  for (const std::string& name : names) {
    if (std::ranges::find(kSums, lower(name)) == kSums.end()) continue;
    context.warn(printable(
        fmt::format("{}: '{}' is read as a {}, and called like a sum of the others. If it is one, "
                    "remove it",
                    where, name, what)));
  }
}

std::unique_ptr<CellSource> open_wide(const std::string& where, RowsOfText rows,
                                      const TableStart& start, const ReadOptions& options,
                                      const Context& context) {
  require_names(rows.names, start, where);
  const bool are_cells = rows_are(rows, start, options.cells_in, where, context) == RowsAre::Cells;
  const std::vector<std::string> column_names = std::move(rows.columns);
  Table obs(are_cells ? rows.names : column_names);
  warn_of_repeated_barcodes(obs, where, context);
  Table var = make_gene_table(are_cells ? column_names : rows.names, where, context);
  warn_of_sums(are_cells ? rows.names : column_names, "cell", where, context);
  warn_of_sums(are_cells ? column_names : rows.names, "gene", where, context);
  if (are_cells) warn_of_numbered_cells(rows, where, context);
  add_columns(are_cells ? obs : var, rows, where, context);
  auto counts =
      are_cells ? std::move(rows.values) : transpose(*rows.values, context.max_memory, context);
  return std::make_unique<PackedCells>(where, std::move(counts), std::move(obs), std::move(var),
                                       MeasuredGenes());
}

/// A comma within numbers of one column cuts each in two, and looks like R's missing corner.
void require_corner(const TableStart& start, const std::string& where) {
  static constexpr std::array kCorners = {"",          "gene",    "genes",   "gene_id",
                                          "gene_name", "symbol",  "cell",    "cells",
                                          "cell_id",   "barcode", "barcodes"};
  if (!start.lacks_corner || start.n_texts > 0 || start.names.size() < 2 ||
      std::ranges::find(kCorners, lower(start.names.front())) == kCorners.end()) {
    return;
  }
  fail(
      ErrorKind::BadFormat,
      "{}: its rows have one field more than its first line, whose first name '{}' is one of names "
      "of rows. {}, or name the last column.",
      where, printable(start.names.front()),
      start.separator == ',' ? "Write numbers with a decimal point where commas separate the fields"
                             : "Remove what separates fields at the end of each line");
}

std::unique_ptr<CellSource> open_text_table(InputFile input, const ReadOptions& options,
                                            const Context& context) {
  LineReader reader(input.path, LineReader::Encoding::Utf8, context.n_threads() > 1);
  std::optional<TableStart> start = read_start(reader);
  SAITHE_ASSERT(start.has_value());
  const std::string where = input.path.string();
  if (!start->comment_below.empty()) {
    fail(ErrorKind::BadFormat,
         "{}: a comment (#) stands below the header. Comments stand before the header only; remove "
         "the line.",
         start->comment_below);
  }
  if (const auto columns = find_long_columns(*start)) {
    return read_long_table(reader, *start, *columns, where, context);
  }
  require_no_other_long_table(*start, where);
  require_corner(*start, where);
  if (start->n_texts == start->names.size() && is_table_of_mtx(input.path)) {
    fail(ErrorKind::BadFormat, "{}: {}", where, kTableOfMtx);
  }
  if (start->n_texts == start->names.size()) {
    fail(
        ErrorKind::BadFormat,
        "{}: has no column of numbers: the line below the header holds words alone ('{}', ...). "
        "Numbers are written with a decimal point, or with a decimal comma where semicolons "
        "separate the fields, TRUE and FALSE as 1 and 0; remove lines that describe cells or genes",
        reader.where(), printable(std::string_view(start->first_row).substr(0, 40)));
  }
  RowsOfText rows = RowReader(reader, *start, context).read();
  return open_wide(where, std::move(rows), *start, options, context);
}

std::optional<std::string> recognise_text_table(const InputFile& input) {
  if (input.is_folder || input.hdf5 || input.head.empty() || is_gct_table(input) ||
      !is_text(input.head)) {
    return std::nullopt;
  }
  LineReader reader(input.path);
  const auto start = read_start(reader);
  if (!start) return std::nullopt;
  if (find_long_columns(*start)) return "table of gene, cell, count (UMI-tools)";
  switch (start->separator) {
    case ',':
      return "CSV";
    case '\t':
      return "TSV";
    default:
      return start->separator == ';' ? "CSV (semicolons)" : "table of text (blanks)";
  }
}

}  // namespace

const Format kTextTable{"cells-in", recognise_text_table, open_text_table, nullptr};

}  // namespace saithe::io
