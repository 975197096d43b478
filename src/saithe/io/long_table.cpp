#include "saithe/io/long_table.h"

#include <algorithm>
#include <array>
#include <limits>
#include <numeric>
#include <unordered_map>

#include "saithe/core/usable_memory.h"
#include "saithe/data/packed_cells.h"
#include "saithe/io/gene_table.h"
#include "saithe/matrix/row_gatherer.h"

namespace saithe::io {
namespace {

constexpr std::int64_t kLinesBetweenPolls = std::int64_t{1} << 16;
// In memory for each cell: its name, how it is found by it, and where it goes in their order.
constexpr std::int64_t kBytesOfCell = 200;
constexpr CellIndex kCellsAtOnce = 1024;
constexpr std::int64_t kRowsShare = 4;  // of the memory, that the rows keep; the rest is in a file

/// Names numbered by their first appearance.
class NameNumbers {
 public:
  std::int32_t number_of(std::string_view name) {
    const auto found = numbers_.find(std::string(name));
    if (found != numbers_.end()) return found->second;
    const auto number = checked_cast<std::int32_t>(std::ssize(names_), "names");
    names_.emplace_back(name);
    numbers_.emplace(name, number);
    return number;
  }
  /// Sorts the names; the new number of each old one.
  std::vector<std::int32_t> sort() {
    std::vector<std::int32_t> order(names_.size());
    std::iota(order.begin(), order.end(), 0);
    std::sort(order.begin(), order.end(), [&](std::int32_t a, std::int32_t b) {
      return names_[as_size(a)] < names_[as_size(b)];
    });
    std::vector<std::int32_t> new_number(names_.size());
    std::vector<std::string> sorted;
    for (const std::int32_t old : order) {
      new_number[as_size(old)] = static_cast<std::int32_t>(sorted.size());
      sorted.push_back(std::move(names_[as_size(old)]));
    }
    names_ = std::move(sorted);
    return new_number;
  }
  std::vector<std::string>& names() { return names_; }

 private:
  std::vector<std::string> names_;
  std::unordered_map<std::string, std::int32_t> numbers_;
};

/// One line of the table.
struct Entry {
  std::int32_t gene = 0;
  std::int32_t cell = 0;
  float count = 0;
};

/// What has no name would become one gene or cell, of everything whose name is missing.
void require_name(std::string_view name, std::string_view what, const LineReader& reader) {
  if (name != "NA" && name.find_first_not_of(" \t") != std::string_view::npos) return;
  fail(ErrorKind::BadFormat, "{}: the name of the {} is missing{}. Add it, or remove the line.",
       reader.where(), what, name == "NA" ? " (NA)" : "");
}

Entry parse_entry(const std::vector<std::string_view>& fields, const TableStart& start,
                  const LongColumns& columns, NameNumbers& genes, NameNumbers& cells,
                  const LineReader& reader) {
  const std::size_t n_fields = start.names.size() + 1;
  if (fields.size() != n_fields) {
    fail(ErrorKind::BadFormat, "{}: has {}; expected {}, among them gene, cell and count{}",
         reader.where(), counted(std::ssize(fields), "field"), n_fields,
         !fields.empty() && fields[0].starts_with('#')
             ? ". Comments (#) stand before the header only"
             : "");
  }
  Entry entry;
  const std::string_view count = fields[columns.count];
  if (!parse_value(count, start.separator, entry.count)) {
    fail(ErrorKind::BadFormat, "{}: column {} ('{}'): '{}' is not a number", reader.where(),
         columns.count + 1,
         printable(columns.count == 0 ? start.corner : start.names[columns.count - 1]),
         printable(count.substr(0, 40)));
  }
  require_name(fields[columns.gene], "gene", reader);
  require_name(fields[columns.cell], "cell", reader);
  entry.gene = genes.number_of(fields[columns.gene]);
  entry.cell = cells.number_of(fields[columns.cell]);
  return entry;
}

constexpr std::array<std::string_view, 7> kGeneNames = {
    "gene", "gene_id", "gene_name", "gene_symbol", "symbol", "feature", "feature_id"};
constexpr std::array<std::string_view, 6> kCellNames = {"cell",   "cell_id", "cell_barcode",
                                                        "cellid", "barcode", "cb"};
constexpr std::array<std::string_view, 11> kCountNames = {
    "count", "counts", "umi",     "umis",  "umi_count", "umi_counts",
    "n_umi", "reads",  "n_reads", "value", "n"};

/// The names of all columns, the first one's too, in small letters.
std::vector<std::string> lower_names(const TableStart& start) {
  std::vector<std::string> names = {lower(start.corner)};
  for (const std::string& name : start.names) names.push_back(lower(name));
  return names;
}

/// The one field whose name is among `known`; nothing if there is none, or several.
std::optional<std::size_t> find_column(const std::vector<std::string>& names,
                                       std::span<const std::string_view> known) {
  std::optional<std::size_t> found;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (std::ranges::find(known, names[i]) == known.end()) continue;
    if (found) return std::nullopt;
    found = i;
  }
  return found;
}

/// The rows of cells in their new order, with the columns' new numbers, in bounded memory.
std::shared_ptr<PackedRows> reordered(const PackedRows& rows,
                                      const std::vector<std::int32_t>& new_cell,
                                      const std::vector<std::int32_t>& new_gene,
                                      const Context& context) {
  std::vector<CellIndex> old_cell(new_cell.size());
  for (std::size_t old = 0; old < new_cell.size(); ++old) {
    old_cell[as_size(new_cell[old])] = static_cast<CellIndex>(old);
  }
  const auto n_genes = static_cast<GeneIndex>(new_gene.size());
  auto sorted = std::make_shared<PackedRows>(n_genes, context.max_memory / kRowsShare);
  const RowSelection in_order(rows, old_cell);
  for (CellIndex first = 0, end = 0; first < rows.n_rows(); first = end) {
    context.throw_if_cancelled();
    end = in_order.block_end(first, kCellsAtOnce, context);
    CsrMatrix block = in_order.read(first, end, context);
    block.n_cols = n_genes;
    for (GeneIndex& column : block.columns) column = new_gene[as_size(column)];
    sort_and_merge(block, context);
    sorted->append(block.view(), context);
  }
  return sorted;
}

}  // namespace

std::optional<LongColumns> find_long_columns(const TableStart& start) {
  const std::vector<std::string> names = lower_names(start);
  if (names.size() != 3 && (names.size() != 4 || !names.front().empty())) return std::nullopt;
  const auto gene = find_column(names, kGeneNames);
  const auto cell = find_column(names, kCellNames);
  const auto count = find_column(names, kCountNames);
  if (!gene || !cell || !count) return std::nullopt;
  return LongColumns{*gene, *cell, *count};
}

void require_no_other_long_table(const TableStart& start, const std::string& where) {
  constexpr std::size_t kMostNumbers = 2;
  const std::size_t n_numbers = start.names.size() - start.n_texts;
  if (n_numbers > kMostNumbers) return;
  std::vector<std::string> texts = lower_names(start);
  texts.resize(start.n_texts + 1);
  const auto holds = [&](std::span<const std::string_view> known) {
    return std::ranges::any_of(texts, [&](const std::string& name) {
      return std::ranges::find(known, name) != known.end();
    });
  };
  if (!holds(kGeneNames) || !holds(kCellNames)) return;
  std::string names = start.corner;
  for (const std::string& name : start.names) names += ", " + name;
  fail(ErrorKind::BadFormat,
       "{}: has a line for each gene and cell, and columns beside them ({}); expected gene, cell "
       "and "
       "count alone (or gene_id, barcode, umi, ...). Remove or rename the others.",
       where, printable(names));
}

std::unique_ptr<CellSource> read_long_table(LineReader& reader, const TableStart& start,
                                            const LongColumns& columns, const std::string& where,
                                            const Context& context) {
  NameNumbers genes;
  NameNumbers cells;
  // How many genes there are is known at the end.
  RowGatherer gatherer(std::numeric_limits<GeneIndex>::max(), context.max_memory);
  FieldSplitter splitter(start.separator);
  std::vector<std::string_view> fields;
  const auto add = [&](std::string_view line) {
    if (!splitter.split(line, fields)) {
      fail(ErrorKind::BadFormat, "{}: a quote (\") is not closed on its line", reader.where());
    }
    const Entry entry = parse_entry(fields, start, columns, genes, cells, reader);
    if (entry.count != 0) gatherer.add(entry.cell, entry.gene, entry.count, context);
  };
  add(start.first_row);
  for (std::string_view line; reader.next(line);) {
    if (line.empty()) continue;
    if (reader.line_number() % kLinesBetweenPolls == 0) {
      context.throw_if_cancelled();
      require_memory_so_far(where, std::ssize(cells.names()), kBytesOfCell, context.max_memory);
    }
    add(line);
  }
  const auto rows = gatherer.finish(std::ssize(cells.names()), context);
  const auto new_gene = genes.sort();
  const auto new_cell = cells.sort();
  auto counts = reordered(*rows, new_cell, new_gene, context);
  Table obs(std::move(cells.names()));
  Table var = make_gene_table(std::move(genes.names()), where, context);
  return std::make_unique<PackedCells>(where, std::move(counts), std::move(obs), std::move(var),
                                       MeasuredGenes());
}

}  // namespace saithe::io
