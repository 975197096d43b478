#include "saithe/io/open.h"

#include <algorithm>
#include <cmath>
#include <sstream>

#include "saithe/core/open_input.h"
#include "saithe/core/text_io.h"
#include "saithe/data/binary_counts.h"
#include "saithe/data/large_counts.h"
#include "saithe/io/formats.h"
#include "saithe/io/frame_columns.h"
#include "saithe/io/mtx_file.h"
#include "saithe/io/mtx_tables.h"
#include "saithe/io/unknown_input.h"
#include "saithe/io/zarr_store.h"

namespace saithe {
namespace {

namespace fs = std::filesystem;

// Cells that are read at once where a whole file passes by.
constexpr CellIndex kBlockCells = 4096;

// First bytes of a file that is no HDF5.

/// In the order of asking: the first that recognises an input reads it.
const io::Format* const kFormats[] = {&io::kOtherPrograms, &io::kH5ad,     &io::kTenxH5,
                                      &io::kZarr,          &io::kLoom,     &io::kH5Seurat,
                                      &io::kMatrixMarket,  &io::kTextTable};

/// The format of an input and what to call it.
struct Recognised {
  const io::Format& format;
  std::string name;
};

Recognised recognise(const io::InputFile& input) {
  for (const io::Format* format : kFormats) {
    if (auto name = format->recognise(input)) return {*format, std::move(*name)};
  }
  fail(ErrorKind::BadFormat, "{}: {}", input.path.string(), io::why_unknown(input));
}

void require_option(const Recognised& input, const fs::path& path, const char* option,
                    bool is_given) {
  if (!is_given) return;
  std::istringstream known(input.format.options);
  for (std::string name; known >> name;) {
    if (name == option) return;
  }
  fail(ErrorKind::InvalidArgument, "{}: --{} is not for this format, {}", path.string(), option,
       input.name);
}

void require_options(const Recognised& input, const fs::path& path, const ReadOptions& options) {
  require_option(input, path, "layer", !options.layer.empty());
  require_option(input, path, "use-raw", options.use_raw);
  require_option(input, path, "genome", !options.genome.empty());
  require_option(input, path, "cells-in", options.cells_in != CellsIn::Auto);
}

template <typename Value>
std::int64_t count_distinct(std::vector<Value> values) {
  std::sort(values.begin(), values.end());
  return std::unique(values.begin(), values.end()) - values.begin();
}

std::int64_t count_distinct(const CategoryColumn& column) {
  std::vector<bool> is_used(column.levels.size());
  for (const std::int32_t code : column.codes) {
    if (code >= 0) is_used[as_size(code)] = true;
  }
  return std::ranges::count(is_used, true);
}

std::int64_t count_distinct(const TextColumn& column) {
  std::vector<std::string_view> texts;
  for (std::size_t i = 0; i < column.values.size(); ++i) {
    if (column.is_missing.empty() || !column.is_missing[i]) texts.emplace_back(column.values[i]);
  }
  return count_distinct(std::move(texts));
}

std::int64_t count_distinct(const NumberColumn& column) {
  std::vector<double> values;
  std::vector<std::int64_t> exact;
  for (std::size_t i = 0; i < column.values.size(); ++i) {
    if (std::isnan(column.values[i])) continue;
    if (column.exact.empty()) {
      values.push_back(column.values[i]);
    } else {
      exact.push_back(column.exact[i]);
    }
  }
  return count_distinct(std::move(values)) + count_distinct(std::move(exact));
}

ColumnSummary summarise(const std::string& name, const Column& column) {
  ColumnSummary summary{name, "number", 0};
  if (std::holds_alternative<CategoryColumn>(column)) {
    summary.kind = "category";
  } else if (std::holds_alternative<TextColumn>(column)) {
    summary.kind = "text";
  } else if (std::get<NumberColumn>(column).kind == NumberColumn::Kind::Boolean) {
    summary.kind = "boolean";
  }
  summary.n_values = std::visit([](const auto& of) { return count_distinct(of); }, column);
  return summary;
}

std::vector<ColumnSummary> summarise(const Table& table) {
  std::vector<ColumnSummary> summaries;
  table.visit_columns([&](const std::string& name, const Column& column) {
    summaries.push_back(summarise(name, column));
  });
  return summaries;
}

/// Refuses texts that no other program could read of a file that is written with them. What is not
/// in memory yet is looked at when it is read.
void require_utf8(const Table& table, const std::string& where) {
  if (table.has_read_index()) io::require_utf8(table.index(), 0, where, "the index");
  table.visit_read_columns([&](const std::string& name, const Column& column) {
    io::require_utf8({&name, 1}, 0, where, "a column's name");
    io::require_utf8(column, where, name);
  });
}

/// Opens what was recognised. Values are looked at as they are read.
std::unique_ptr<CellSource> open_recognised(const Recognised& recognised, io::InputFile input,
                                            const ReadOptions& options, const Context& context) {
  const fs::path path = input.path;
  const std::string file = path.string();
  const io::FileState before = input.state;
  auto source = recognised.format.open(std::move(input), options, context);
  require_utf8(source->obs(), file + ": obs");
  require_utf8(source->var(), file + ": var");
  return io::require_unchanged(path, before,
                               warn_of_large_counts(warn_of_binary_counts(std::move(source))));
}

FileSummary describe(const Recognised& recognised, const io::InputFile& input,
                     const Context& context) {
  Context silent = context;  // opening the file gives the same warnings
  silent.on_warning = nullptr;
  FileSummary summary;
  summary.format = recognised.name;
  if (recognised.format.describe != nullptr) recognised.format.describe(input, summary, silent);
  return summary;
}

}  // namespace

io::InputFile io::look_at(const fs::path& path, const Context& context) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (status.type() == fs::file_type::not_found) {
    if (path == "-") {
      fail(ErrorKind::NotFound,
           "-: cells are not read from standard input, as a file is read several times; write them "
           "to a file and name that");
    }
    fail(ErrorKind::NotFound, "{}: no such file or folder", path.string());
  }
  InputFile input{path, fs::is_directory(status), FileState::of(path), std::nullopt, {}};
  require_rereadable(path);
  if (input.is_folder) fs::directory_iterator(path, error);  // whether it can be listed
  if (error) {
    fail(ErrorKind::NotFound, "{}: cannot be opened: {}", path.string(), error.message());
  }
  if (input.is_folder) return input;
  if (is_hdf5_file(path)) {
    input.hdf5.emplace(Hdf5Group::open_file(path, context.max_memory));
  } else {
    input.head = read_head(path, kHeadBytes);
  }
  return input;
}

std::unique_ptr<CellSource> open_source(const fs::path& path, const ReadOptions& options,
                                        const Context& context) {
  io::InputFile input = io::look_at(path, context);
  const Recognised recognised = recognise(input);
  require_options(recognised, path, options);
  return open_recognised(recognised, std::move(input), options, context);
}

Dataset read_dataset(const fs::path& path, const ReadOptions& options, const Context& context) {
  const auto source = open_source(path, options, context);
  CsrMatrix counts = source->read_cells(0, source->n_cells(), context);
  return Dataset(source->name(), std::move(counts), source->obs(), source->var());
}

bool is_h5ad(const fs::path& path) {
  std::error_code error;
  if (!fs::is_regular_file(path, error) || !io::is_hdf5_file(path)) return false;
  return io::h5ad_generation(io::Hdf5Group::open_file(path)).has_value();
}

std::vector<fs::path> places_of_input(const fs::path& path) {
  std::error_code error;
  std::vector<fs::path> places = {path};
  const bool is_folder = fs::is_directory(path, error);
  if (!is_folder && !fs::is_regular_file(path, error)) return places;
  try {
    if (is_folder && io::open_zarr_store(path, true, "") != nullptr) return places;
    if (!is_folder &&
        (io::is_hdf5_file(path) || !io::is_matrix_market(read_head(path, io::kHeadBytes))))
      return places;
    std::vector<fs::path> files = io::mtx_places(path);
    // Of a folder that is given, only its files are the input: a table may come to lie beside them.
    if (!files.empty()) places = std::move(files);
  } catch (const Error&) {  // the reader says what is wrong
  }
  return places;
}

FileSummary list_contents(const fs::path& path, const Context& context) {
  const io::InputFile input = io::look_at(path, context);
  return describe(recognise(input), input, context);
}

DescribedSource open_described(const fs::path& path, const ReadOptions& options,
                               const Context& context) {
  io::InputFile input = io::look_at(path, context);
  const Recognised recognised = recognise(input);
  require_options(recognised, path, options);
  FileSummary contents = describe(recognised, input, context);
  return {std::move(contents), open_recognised(recognised, std::move(input), options, context)};
}

FileSummary inspect_file(const fs::path& path, const ReadOptions& options, const Context& context) {
  std::vector<std::string> warnings;
  Context listening = context;
  listening.on_warning = [&](const std::string& message) { warnings.push_back(message); };
  ReadOptions any = options;
  any.any_values = true;
  any.no_values = true;
  auto [summary, source] = open_described(path, any, listening);
  summary.n_cells = source->n_cells();
  summary.n_genes = source->n_genes();
  summary.obs = summarise(source->obs());
  summary.var = summarise(source->var());
  ValueKindFinder finder;
  for (CellIndex begin = 0, end = 0; begin < summary.n_cells; begin = end) {
    context.throw_if_cancelled();
    end = source->block_end(begin, kBlockCells, context);
    const CsrMatrix block = source->read_cells(begin, end, listening);
    summary.n_stored += block.n_stored();
    finder.add(block.view(), begin);
    context.report("reading", end, summary.n_cells);
  }
  summary.total = finder.total();
  summary.value_kind = finder.has_values() ? finder.kind() : ValueKind::Unknown;
  if (!finder.has_values()) {
    warnings.push_back("there are no values other than 0, so what they are is not known");
  } else if (std::string warning = finder.warning(source->obs(), source->var()); !warning.empty()) {
    warnings.push_back(std::move(warning));
  }
  summary.warnings = std::move(warnings);
  return std::move(summary);
}

}  // namespace saithe
