#include "saithe/io/long_table.h"

#include <algorithm>
#include <numeric>
#include <unordered_map>

#include "saithe/io/gene_table.h"

namespace saithe::io {
namespace {

constexpr std::int64_t kLinesBetweenPolls = std::int64_t{1} << 16;

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) {
    return static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  });
  return text;
}

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

Entry parse_entry(const std::vector<std::string_view>& fields, char separator, NameNumbers& genes,
                  NameNumbers& cells, const LineReader& reader) {
  if (fields.size() != 3) {
    fail(ErrorKind::BadFormat, "{}: has {}; expected three, gene, cell and count", reader.where(),
         counted(std::ssize(fields), "field"));
  }
  Entry entry;
  if (!parse_value(fields[2], separator, entry.count)) {
    fail(ErrorKind::BadFormat, "{}: column 3 ('count'): '{}' is not a number", reader.where(),
         printable(fields[2].substr(0, 40)));
  }
  entry.gene = genes.number_of(fields[0]);
  entry.cell = cells.number_of(fields[1]);
  return entry;
}

CsrMatrix to_rows(const std::vector<Entry>& entries, CellIndex n_cells, GeneIndex n_genes) {
  CsrMatrix counts;
  counts.n_rows = n_cells;
  counts.n_cols = n_genes;
  counts.row_start.assign(as_size(n_cells) + 1, 0);
  for (const Entry& entry : entries) ++counts.row_start[as_size(entry.cell) + 1];
  std::partial_sum(counts.row_start.begin(), counts.row_start.end(), counts.row_start.begin());
  std::vector<RowPointer> write(counts.row_start.begin(), counts.row_start.end() - 1);
  counts.columns.resize(entries.size());
  counts.values.resize(entries.size());
  for (const Entry& entry : entries) {
    const auto at = as_size(write[as_size(entry.cell)]++);
    counts.columns[at] = entry.gene;
    counts.values[at] = entry.count;
  }
  sort_and_merge(counts);
  return counts;
}

}  // namespace

bool is_long_table(const TableStart& start) {
  return start.names.size() == 2 && lower(start.corner) == "gene" &&
         lower(start.names[0]) == "cell" && lower(start.names[1]) == "count";
}

std::unique_ptr<CellSource> read_long_table(LineReader& reader, const TableStart& start,
                                            const std::string& where, const Context& context) {
  NameNumbers genes;
  NameNumbers cells;
  std::vector<Entry> entries;
  FieldSplitter splitter(start.separator);
  std::vector<std::string_view> fields;
  const auto add = [&](std::string_view line) {
    if (!splitter.split(line, fields)) {
      fail(ErrorKind::BadFormat, "{}: a quote (\") is not closed on its line", reader.where());
    }
    const Entry entry = parse_entry(fields, start.separator, genes, cells, reader);
    if (entry.count != 0) entries.push_back(entry);
  };
  add(start.first_row);
  for (std::string_view line; reader.next(line);) {
    if (line.empty()) continue;
    if (reader.line_number() % kLinesBetweenPolls == 0) context.throw_if_cancelled();
    add(line);
  }
  const auto new_gene = genes.sort();
  const auto new_cell = cells.sort();
  for (Entry& entry : entries) {
    entry.gene = new_gene[as_size(entry.gene)];
    entry.cell = new_cell[as_size(entry.cell)];
  }
  CsrMatrix counts =
      to_rows(entries, std::ssize(cells.names()), static_cast<GeneIndex>(genes.names().size()));
  Table obs(std::move(cells.names()));
  Table var = make_gene_table(std::move(genes.names()), where, context);
  return std::make_unique<Dataset>(where, std::move(counts), std::move(obs), std::move(var));
}

}  // namespace saithe::io
