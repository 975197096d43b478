#include "saithe/io/split_pipe_tables.h"

#include <algorithm>
#include <cmath>

#include "saithe/core/error.h"
#include "saithe/core/text_io.h"
#include "saithe/core/types.h"
#include "saithe/core/usable_memory.h"
#include "saithe/io/delimited_text.h"

namespace saithe::io {
namespace {

// In memory for each text of a column.
constexpr std::int64_t kBytesOfText = 64;
constexpr std::int64_t kLinesBetweenPolls = 65536;

/// A CSV with a line of names: its columns, all as texts.
struct TextColumns {
  std::vector<std::string> names;
  std::vector<std::vector<std::string>> columns;
};

TextColumns read_columns(const std::filesystem::path& path, std::int64_t max_memory) {
  LineReader reader(path);
  FieldSplitter splitter(',');
  TextColumns table;
  std::vector<std::string_view> fields;
  for (std::string_view line; reader.next(line);) {
    if (line.empty()) continue;
    if (!splitter.split(line, fields)) {
      fail(ErrorKind::BadFormat, "{}: a quote (\") is not closed on its line", reader.where());
    }
    if (reader.line_number() % kLinesBetweenPolls == 0) {
      require_memory_so_far(path.string(), reader.line_number(),
                            kBytesOfText * std::ssize(table.names), max_memory);
    }
    if (table.names.empty()) {
      table.names.assign(fields.begin(), fields.end());
      table.columns.resize(fields.size());
      continue;
    }
    if (fields.size() != table.names.size()) {
      fail(ErrorKind::BadFormat, "{}: has {}; expected {}, as the first line has", reader.where(),
           counted(std::ssize(fields), "field"), table.names.size());
    }
    for (std::size_t i = 0; i < fields.size(); ++i) table.columns[i].emplace_back(fields[i]);
  }
  if (table.names.empty()) {
    fail(ErrorKind::BadFormat, "{}: the file is empty. Copy it again.", path.string());
  }
  return table;
}

/// The column of that name, or nullptr.
std::vector<std::string>* find_column(TextColumns& table, const std::string& name) {
  const auto found = std::find(table.names.begin(), table.names.end(), name);
  return found == table.names.end() ? nullptr
                                    : &table.columns[as_size(found - table.names.begin())];
}

/// Numbers where all entries are.
Column column_of(std::vector<std::string> texts) {
  NumberColumn numbers;
  numbers.kind = NumberColumn::Kind::Integer;
  for (const std::string& text : texts) {
    double value = 0;
    if (!parse_number(text, value)) return TextColumn{std::move(texts), {}};
    if (value != std::floor(value) || std::abs(value) > 0x1p53) {
      numbers.kind = NumberColumn::Kind::Float64;
    }
    numbers.values.push_back(value);
  }
  return numbers;
}

}  // namespace

SplitPipeGenes read_split_pipe_genes(const std::filesystem::path& path, std::int64_t max_memory) {
  TextColumns table = read_columns(path, max_memory);
  auto* ids = find_column(table, "gene_id");
  auto* names = find_column(table, "gene_name");
  if (ids == nullptr || names == nullptr) {
    fail(ErrorKind::BadFormat,
         "{}: has no columns gene_id and gene_name, as split-pipe writes them. Take all_genes.csv "
         "of the same run.",
         path.string());
  }
  SplitPipeGenes genes{std::move(*ids), std::move(*names), {}};
  for (std::size_t i = 0; i < genes.ids.size(); ++i) {
    if (genes.names[i].empty()) genes.names[i] = genes.ids[i];
  }
  if (auto* genomes = find_column(table, "genome")) genes.genomes = std::move(*genomes);
  return genes;
}

Table read_split_pipe_cells(const std::filesystem::path& path, std::int64_t max_memory) {
  TextColumns table = read_columns(path, max_memory);
  const auto wells = std::find(table.names.begin(), table.names.end(), "bc_wells");
  const std::size_t index = wells == table.names.end() ? 0 : as_size(wells - table.names.begin());
  Table cells(std::move(table.columns[index]));
  if (!table.names[index].empty()) cells.index_name = table.names[index];
  for (std::size_t i = 0; i < table.names.size(); ++i) {
    if (i == index || table.names[i].empty()) continue;  // pandas' numbers of rows have no name
    cells.set(table.names[i], column_of(std::move(table.columns[i])));
  }
  return cells;
}

}  // namespace saithe::io
