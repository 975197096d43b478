#include "saithe/io/open.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <fstream>
#include <set>

#include "saithe/io/formats.h"

namespace saithe {
namespace {

namespace fs = std::filesystem;

// Cells that are read at once where a whole file passes by.
constexpr CellIndex kBlockCells = 4096;

[[noreturn]] void fail_unknown(const fs::path& path) {
  fail(ErrorKind::BadFormat,
       "{}: is of no format that is read here: h5ad, 10x HDF5 (.h5), or a folder with matrix.mtx, "
       "barcodes.tsv and genes.tsv or features.tsv",
       path.string());
}

ColumnSummary summarise(const Table& table, const std::string& name, const Column& column) {
  ColumnSummary summary{name, "number", 0};
  if (std::holds_alternative<CategoryColumn>(column)) {
    summary.kind = "category";
  } else if (std::holds_alternative<TextColumn>(column)) {
    summary.kind = "text";
  } else if (std::get<NumberColumn>(column).kind == NumberColumn::Kind::Boolean) {
    summary.kind = "boolean";
  }
  const auto texts = table.as_text(name);
  std::set<std::string_view> distinct(texts.begin(), texts.end());
  distinct.erase("");
  summary.n_values = static_cast<std::int64_t>(distinct.size());
  return summary;
}

std::vector<ColumnSummary> summarise(const Table& table) {
  std::vector<ColumnSummary> summaries;
  for (const auto& [name, column] : table.columns()) {
    summaries.push_back(summarise(table, name, column));
  }
  return summaries;
}

}  // namespace

std::unique_ptr<CellSource> open_source(const fs::path& path, const ReadOptions& options,
                                        const Context& context) {
  std::error_code error;
  if (!fs::exists(path, error)) {
    fail(ErrorKind::NotFound, "{}: no such file or folder", path.string());
  }
  if (fs::is_directory(path, error)) {
    if (!options.layer.empty() || options.use_raw || !options.genome.empty()) {
      fail(ErrorKind::InvalidArgument,
           "{}: --layer and --use-raw are for h5ad, --genome for 10x HDF5; this is a folder",
           path.string());
    }
    return io::open_matrix_market(path, context);
  }
  if (!io::is_hdf5_file(path)) {
    if (!std::ifstream(path)) {
      fail(ErrorKind::NotFound, "{}: cannot be opened: {}", path.string(), std::strerror(errno));
    }
    fail_unknown(path);
  }
  io::Hdf5Group root = io::Hdf5Group::open_file(path);
  if (io::h5ad_generation(root)) {
    if (!options.genome.empty()) {
      fail(ErrorKind::InvalidArgument, "{}: --genome is for 10x HDF5; this is h5ad", path.string());
    }
    return io::open_h5ad(std::move(root), options, context);
  }
  if (io::tenx_version(root)) return io::open_tenx_h5(std::move(root), options, context);
  fail_unknown(path);
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

FileSummary inspect_file(const fs::path& path, const ReadOptions& options, const Context& context) {
  FileSummary summary;
  Context listening = context;
  listening.on_warning = [&](const std::string& message) { summary.warnings.push_back(message); };
  const auto source = open_source(path, options, listening);
  std::error_code error;
  if (fs::is_directory(path, error)) {
    summary.format = "10x MTX folder " + io::matrix_market_version(path).value_or("");
  } else {
    const io::Hdf5Group root = io::Hdf5Group::open_file(path);
    if (const auto generation = io::h5ad_generation(root)) {
      summary.format = "h5ad (" + *generation + ")";
      const auto names = [&](const char* group) {
        return root.has_group(group) ? root.group(group).names() : std::vector<std::string>();
      };
      summary.layers = names("layers");
      summary.obsm = names("obsm");
      summary.uns = names("uns");
      summary.has_raw = root.has_group("raw");
    } else {
      summary.format = "10x HDF5 " + io::tenx_version(root).value_or("");
    }
  }
  summary.n_cells = source->n_cells();
  summary.n_genes = source->n_genes();
  summary.obs = summarise(source->obs());
  summary.var = summarise(source->var());
  for (CellIndex begin = 0; begin < summary.n_cells; begin += kBlockCells) {
    context.throw_if_cancelled();
    const CellIndex end = std::min(begin + kBlockCells, summary.n_cells);
    const CsrMatrix block = source->read_cells(begin, end, context);
    summary.n_stored += block.n_stored();
    for (const float value : block.values) {
      summary.total += static_cast<double>(value);
      if (!(value >= 0) || value != std::floor(value)) summary.holds_whole_numbers = false;
    }
    context.report("reading", end, summary.n_cells);
  }
  if (!summary.holds_whole_numbers) {
    summary.warnings.push_back(
        "the values are no counts: some are negative, fractions or not finite");
  }
  return summary;
}

}  // namespace saithe
