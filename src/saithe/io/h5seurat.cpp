// h5Seurat: the counts of the active assay and the cells' metadata, as SeuratDisk writes them.
// Source: mojaveazure.github.io/seurat-disk, h5Seurat file format specification.

#include <algorithm>
#include <limits>

#include "saithe/core/text_io.h"
#include "saithe/io/dense_rows.h"
#include "saithe/io/formats.h"
#include "saithe/io/frame_columns.h"
#include "saithe/io/hdf5_column.h"
#include "saithe/io/repeated_barcodes.h"

namespace saithe::io {
namespace {

// R's missing integer, and SeuratDisk's missing logical.
constexpr double kMissingInteger = std::numeric_limits<std::int32_t>::min();
constexpr double kMissingLogical = 2;

/// Counts of cells x genes: R's genes x cells by columns, sparse or dense.
class CountsReader {
 public:
  CountsReader(const Hdf5Group& assay, CellIndex n_cells, GeneIndex n_genes,
               const Context& context) {
    if (assay.has_dataset("counts")) {
      Hdf5Dataset dataset = assay.dataset("counts");
      if (dataset.shape() != std::vector<std::int64_t>{n_cells, n_genes})
        fail_shape(assay, n_cells, n_genes);
      dense_.emplace(open_dense_tiles(std::move(dataset)), context);
      return;
    }
    const Hdf5Group group = assay.group("counts");
    const auto dims = group.integer_attribute("dims");
    if (!dims.empty() && dims != std::vector<std::int64_t>{n_genes, n_cells})
      fail_shape(assay, n_cells, n_genes);
    rows_.emplace(group, n_cells, n_genes, context);
  }

  CsrMatrix read(CellIndex begin, CellIndex end, const Context& context) {
    return rows_ ? rows_->read(begin, end, context) : dense_->read(begin, end, context);
  }
  [[nodiscard]] std::int64_t most_stored(CellIndex begin, CellIndex end) const {
    return rows_ ? rows_->n_stored(begin, end) : dense_->most_stored(begin, end);
  }

 private:
  [[noreturn]] static void fail_shape(const Hdf5Group& assay, CellIndex n_cells,
                                      GeneIndex n_genes) {
    fail(ErrorKind::BadFormat,
         "{}: is not a matrix of {} features x {} cells, as the names say; the file is not whole. "
         "Write it again, or copy it again.",
         assay.where("counts"), n_genes, n_cells);
  }

  std::optional<CompressedRows> rows_;
  std::optional<DenseRows> dense_;
};

class H5SeuratSource final : public CellSource {
 public:
  H5SeuratSource(std::string name, Table obs, Table var, CountsReader counts)
      : name_(std::move(name)),
        obs_(std::move(obs)),
        var_(std::move(var)),
        counts_(std::move(counts)) {}
  const std::string& name() const override { return name_; }
  const Table& obs() const override { return obs_; }
  const Table& var() const override { return var_; }
  CsrMatrix read_cells(CellIndex begin, CellIndex end, const Context& context) override {
    return counts_.read(begin, end, context);
  }
  std::int64_t most_stored(CellIndex begin, CellIndex end) const override {
    return counts_.most_stored(begin, end);
  }

 private:
  std::string name_;
  Table obs_;
  Table var_;
  CountsReader counts_;
};

/// A factor: levels, and values that count from 1.
CategoryColumn read_factor(const Hdf5Group& group) {
  CategoryColumn column;
  column.levels = group.dataset("levels").read_texts();
  for (const std::int64_t value : group.dataset("values").read_integers()) {
    const bool is_missing = value == static_cast<std::int64_t>(kMissingInteger);
    if (!is_missing && (value < 1 || value > std::ssize(column.levels))) {
      fail(ErrorKind::BadFormat, "{}/values: has the value {} for {} levels", group.where(), value,
           column.levels.size());
    }
    column.codes.push_back(is_missing ? -1 : static_cast<std::int32_t>(value - 1));
  }
  return column;
}

/// Whole numbers that stand for R's missing ones.
void mark_missing(Column& column, bool is_logical) {
  auto* numbers = std::get_if<NumberColumn>(&column);
  if (numbers == nullptr || numbers->kind != NumberColumn::Kind::Integer) return;
  if (is_logical) numbers->kind = NumberColumn::Kind::Boolean;
  for (double& value : numbers->values) {
    if (value == (is_logical ? kMissingLogical : kMissingInteger)) {
      value = std::numeric_limits<double>::quiet_NaN();
    }
  }
}

/// The same column with its missing numbers marked.
ReadColumn marked(ReadColumn read, bool is_logical) {
  if (!read) return nullptr;
  const std::int64_t bytes_of_entry = read.bytes_of_entry();
  const auto read_marked = [read = std::move(read), is_logical] {
    Column column = read();
    mark_missing(column, is_logical);
    return column;
  };
  return {read_marked, bytes_of_entry};
}

/// How a column of a frame is read; nothing if it is none of so many rows.
ReadColumn reader_of_column(const Hdf5Group& frame, const std::string& name, bool is_logical,
                            std::int64_t n_rows) {
  if (!frame.has_dataset(name)) {
    const Hdf5Group group = frame.group(name);
    const bool is_factor = group.has_dataset("levels") && group.has_dataset("values") &&
                           group.dataset("values").size() == n_rows;
    if (!is_factor) return nullptr;
    return {[group] { return read_factor(group); }, kBytesOfOtherEntry};
  }
  const Hdf5Dataset dataset = frame.dataset(name);
  return dataset.size() == n_rows ? marked(reader_of(dataset), is_logical) : nullptr;
}

void add_or_leave_out(Table& table, const std::string& name, ReadColumn read,
                      const std::string& frame, const std::string& where, const Context& context) {
  if (read) return add_column_later(table, name, std::move(read), frame, where, context);
  context.warn(
      fmt::format("{}: is no column of {} entries; it is left out", where, table.n_rows()));
}

/// Adds the columns of a data frame, in its order; they stay in the file until they are asked for.
void add_columns(Table& table, const Hdf5Group& frame, const Context& context) {
  std::vector<std::string> names = frame.text_list_attribute("colnames");
  if (names.empty()) names = frame.names();
  const std::string index = frame.text_attribute("_index").value_or("_index");
  const auto logicals = frame.text_list_attribute("logicals");
  for (const std::string& name : names) {
    if (name == index || !frame.has(name)) continue;
    const bool is_logical = std::find(logicals.begin(), logicals.end(), name) != logicals.end();
    add_or_leave_out(table, name, reader_of_column(frame, name, is_logical, table.n_rows()),
                     frame.where(), frame.where(name), context);
  }
}

/// The same of a data frame that is one dataset of records.
void add_records(Table& table, const Hdf5Dataset& frame, const Context& context) {
  for (const std::string& name : frame.field_names()) {
    const Hdf5Dataset field = frame.field(name);
    const bool fits = field.size() == table.n_rows();
    add_or_leave_out(table, name, fits ? marked(reader_of(field), false) : nullptr, frame.where(),
                     field.where(), context);
  }
}

void add_frame(Table& table, const Hdf5Group& parent, const std::string& name,
               const Context& context) {
  if (parent.has_group(name)) return add_columns(table, parent.group(name), context);
  if (parent.has_dataset(name)) add_records(table, parent.dataset(name), context);
}

/// The assay whose counts are read: the active one, or RNA where that has none.
std::string choose_assay(const Hdf5Group& root, const Context& context) {
  const Hdf5Group assays = root.group("assays");
  const std::string active = root.text_attribute("active.assay").value_or("RNA");
  const auto has_counts = [&](const std::string& name) {
    return assays.has_group(name) && assays.group(name).has("counts");
  };
  if (has_counts(active)) return active;
  if (has_counts("RNA")) {
    context.warn(fmt::format("{}: the active assay {} has no counts; those of RNA are read",
                             root.file_name(), active));
    return "RNA";
  }
  if (assays.has_group(active) && assays.group(active).has("layers")) {
    fail(
        ErrorKind::BadFormat,
        "{}: the active assay {} has layers of Seurat 5, which are not read of h5Seurat. Write the "
        "object that it was made of in R: anndataR::write_h5ad(object, \"cells.h5ad\")",
        root.file_name(), active);
  }
  fail(ErrorKind::BadFormat,
       "{}: the active assay {} has no counts, and neither has RNA. Write the object with its "
       "counts in R: anndataR::write_h5ad(SeuratDisk::LoadH5Seurat(\"{}\"), \"cells.h5ad\")",
       root.file_name(), active, printable(root.file_name()));
}

std::unique_ptr<CellSource> open_h5seurat(InputFile input, const ReadOptions&,
                                          const Context& context) {
  const Hdf5Group root = std::move(*input.hdf5);
  const Hdf5Group assay = root.group("assays").group(choose_assay(root, context));
  Table obs = table_named_by_texts(root.dataset("cell.names"));
  warn_of_repeated_barcodes(obs, root.file_name(), context);
  add_frame(obs, root, "meta.data", context);
  Table var =
      make_gene_table(assay.dataset("features").read_texts(), assay.where("features"), context);
  add_frame(var, assay, "meta.features", context);
  CountsReader counts(assay, obs.n_rows(),
                      checked_cast<GeneIndex>(var.n_rows(), root.file_name().c_str()), context);
  return std::make_unique<H5SeuratSource>(root.file_name(), std::move(obs), std::move(var),
                                          std::move(counts));
}

std::optional<std::string> recognise_h5seurat(const InputFile& input) {
  if (!input.hdf5 || !input.hdf5->has_group("assays") || !input.hdf5->has("cell.names")) {
    return std::nullopt;
  }
  const std::string version = input.hdf5->text_attribute("version").value_or("");
  return version.empty() ? "h5Seurat" : "h5Seurat (Seurat " + version + ")";
}

}  // namespace

const Format kH5Seurat{"", recognise_h5seurat, open_h5seurat, nullptr};

}  // namespace saithe::io
