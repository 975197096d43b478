#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_set>

#include "saithe/io/formats.h"

namespace saithe::io {
namespace {

// Values that a block of a dense matrix may take in memory, as float32.
constexpr std::int64_t kDenseBlockValues = std::int64_t{1} << 24;

std::vector<bool> read_mask(const Hdf5Group& group, std::size_t n) {
  const auto values = group.dataset("mask").read_integers();
  if (values.size() != n) {
    fail(ErrorKind::BadFormat, "{}: mask has {} entries for {} values", group.where(),
         values.size(), n);
  }
  std::vector<bool> mask(values.begin(), values.end());
  if (std::none_of(mask.begin(), mask.end(), [](bool m) { return m; })) mask.clear();
  return mask;
}

CategoryColumn read_categorical(const Hdf5Group& group) {
  CategoryColumn column;
  const auto codes = group.dataset("codes").read_integers();
  const Hdf5Dataset* categories = nullptr;
  std::optional<Hdf5Dataset> stored;
  if (group.has_dataset("categories")) {
    stored.emplace(group.dataset("categories"));
    categories = &*stored;
  }
  if (categories != nullptr && categories->kind() != StoredKind::Text) {
    // Categories of numbers or booleans: their text.
    Table table(std::vector<std::string>(as_size(categories->size())));
    NumberColumn numbers{categories->read_numbers(), NumberColumn::Kind::Float64};
    if (categories->kind() == StoredKind::Integer) numbers.kind = NumberColumn::Kind::Integer;
    if (categories->kind() == StoredKind::Boolean) numbers.kind = NumberColumn::Kind::Boolean;
    table.set("level", std::move(numbers));
    column.levels = table.as_text("level");
  } else if (categories != nullptr) {
    column.levels = categories->read_texts();
  } else {
    column.levels = group.group("categories").dataset("values").read_texts();  // nullable strings
  }
  column.codes.reserve(codes.size());
  for (const std::int64_t code : codes) {
    if (code < -1 || code >= static_cast<std::int64_t>(column.levels.size())) {
      fail(ErrorKind::BadFormat, "{}/codes: has the code {} for {} categories", group.where(), code,
           column.levels.size());
    }
    column.codes.push_back(static_cast<std::int32_t>(code));
  }
  return column;
}

NumberColumn read_numbers(const Hdf5Dataset& dataset) {
  NumberColumn column{dataset.read_numbers(), NumberColumn::Kind::Float64};
  if (dataset.kind() == StoredKind::Boolean) column.kind = NumberColumn::Kind::Boolean;
  if (dataset.kind() == StoredKind::Integer) column.kind = NumberColumn::Kind::Integer;
  if (dataset.kind() == StoredKind::Float && dataset.value_bytes() <= 4) {
    column.kind = NumberColumn::Kind::Float32;
  }
  return column;
}

/// A column of a frame; nothing for an encoding that is not a column of text, numbers or
/// categories.
std::optional<Column> read_column(const Hdf5Group& frame, const std::string& name) {
  if (frame.has_dataset(name)) {
    const Hdf5Dataset dataset = frame.dataset(name);
    if (dataset.shape().size() != 1) return std::nullopt;
    if (dataset.kind() == StoredKind::Text) return TextColumn{dataset.read_texts(), {}};
    if (dataset.kind() == StoredKind::Other) return std::nullopt;
    return read_numbers(dataset);
  }
  const Hdf5Group group = frame.group(name);
  const std::string encoding = group.text_attribute("encoding-type").value_or("");
  if (encoding == "categorical") return read_categorical(group);
  if (encoding == "nullable-string-array") {
    TextColumn column{group.dataset("values").read_texts(), {}};
    column.is_missing = read_mask(group, column.values.size());
    return column;
  }
  if (encoding == "nullable-integer" || encoding == "nullable-boolean") {
    NumberColumn column = read_numbers(group.dataset("values"));
    const auto mask = read_mask(group, column.values.size());
    for (std::size_t i = 0; i < mask.size(); ++i) {
      if (mask[i]) column.values[i] = std::numeric_limits<double>::quiet_NaN();
    }
    return column;
  }
  return std::nullopt;
}

std::size_t size_of(const Column& column) {
  if (const auto* category = std::get_if<CategoryColumn>(&column)) return category->codes.size();
  if (const auto* text = std::get_if<TextColumn>(&column)) return text->values.size();
  return std::get<NumberColumn>(column).values.size();
}

/// obs or var.
Table read_frame(const Hdf5Group& parent, const std::string& name, const Context& context) {
  const Hdf5Group frame = parent.group(name);
  const std::string index_name = frame.text_attribute("_index").value_or("_index");
  std::optional<Column> index = read_column(frame, index_name);
  Table table;
  if (index && std::holds_alternative<TextColumn>(*index)) {
    table = Table(std::move(std::get<TextColumn>(*index).values));
  } else if (index) {
    Table plain(std::vector<std::string>(size_of(*index)));
    plain.set("index", std::move(*index));
    table = Table(plain.as_text("index"));
  } else {
    fail(ErrorKind::BadFormat, "{}: its index '{}' is no column of texts", frame.where(),
         index_name);
  }
  table.index_name = index_name;
  std::vector<std::string> order = frame.text_list_attribute("column-order");
  if (!frame.has_attribute("column-order")) order = frame.names();
  for (const std::string& column_name : order) {
    if (column_name == index_name || !frame.has(column_name)) continue;
    std::optional<Column> column = read_column(frame, column_name);
    if (!column) {
      context.warn(fmt::format("{}: the column is of a kind that is not read; it is left out",
                               frame.where(column_name)));
      continue;
    }
    if (size_of(*column) != as_size(table.n_rows())) {
      fail(ErrorKind::BadFormat, "{}: has {} entries for {} rows", frame.where(column_name),
           size_of(*column), table.n_rows());
    }
    table.set(column_name, std::move(*column));
  }
  return table;
}

/// Gene names as they are used: unique. A gene id twice is an error, a symbol twice is numbered.
void settle_gene_names(Table& var, const std::string& where, const Context& context) {
  const Column* ids = var.find("gene_ids");
  if (ids != nullptr) require_unique_gene_ids(var.as_text("gene_ids"), where + "/gene_ids");
  if (ids == nullptr) {
    require_unique_gene_ids(var.index(), where);
    return;
  }
  std::vector<std::string> names = var.index();
  const std::int64_t n_changed = make_names_unique(names);
  if (n_changed == 0) return;
  context.warn(
      fmt::format("{}: {} gene symbols stand more than once; the later ones get a suffix -1, "
                  "-2, ...",
                  where, n_changed));
  Table unique(std::move(names));
  unique.index_name = var.index_name;
  for (const auto& [name, column] : var.columns()) unique.set(name, column);
  var = std::move(unique);
}

/// X, a layer or raw/X, by rows of cells.
class MatrixReader {
 public:
  MatrixReader(const Hdf5Group& parent, const std::string& name, CellIndex n_cells,
               GeneIndex n_genes, const Context& context) {
    if (parent.has_dataset(name)) {
      dense_.emplace(parent.dataset(name));
      const std::vector<std::int64_t> expected = {n_cells, n_genes};
      if (dense_->shape() != expected) {
        fail(ErrorKind::BadFormat, "{}: is not a matrix of {} cells x {} genes", dense_->where(),
             n_cells, n_genes);
      }
      return;
    }
    const Hdf5Group group = parent.group(name);
    const std::string encoding = group.text_attribute("encoding-type").value_or("");
    const auto shape = group.integer_attribute("shape");
    if (encoding != "csr_matrix" && encoding != "csc_matrix") {
      fail(ErrorKind::BadFormat,
           "{}: has the encoding '{}'; expected csr_matrix, csc_matrix or array", group.where(),
           encoding);
    }
    if (shape != std::vector<std::int64_t>{n_cells, n_genes}) {
      fail(ErrorKind::BadFormat, "{}: its shape is not {} cells x {} genes, as obs and var say",
           group.where(), n_cells, n_genes);
    }
    if (encoding == "csr_matrix") {
      rows_.emplace(group, n_cells, n_genes, context);
      return;
    }
    // By genes: turned round once, because a block of cells is spread over the whole file.
    const CompressedRows by_gene(group, n_genes, n_cells, context);
    turned_.emplace(transpose(by_gene.read(0, n_genes, context).view()));
  }

  CsrMatrix read(CellIndex begin, CellIndex end, const Context& context) const {
    if (rows_) return rows_->read(begin, end, context);
    if (turned_) {
      std::vector<CellIndex> cells;
      for (CellIndex cell = begin; cell < end; ++cell) cells.push_back(cell);
      return select_rows(turned_->view(), cells);
    }
    return read_dense(begin, end);
  }

 private:
  CsrMatrix read_dense(CellIndex begin, CellIndex end) const {
    const std::int64_t n_genes = dense_->shape()[1];
    CsrMatrix matrix;
    matrix.n_cols = static_cast<GeneIndex>(n_genes);
    const CellIndex block =
        std::max<CellIndex>(1, kDenseBlockValues / std::max<std::int64_t>(1, n_genes));
    std::vector<float> values;
    for (CellIndex first = begin; first < end; first += block) {
      const CellIndex last = std::min(first + block, end);
      dense_->require_plausible((last - first) * n_genes);
      values.resize(as_size((last - first) * n_genes));
      dense_->read_rows(first, last, values.data());
      for (CellIndex cell = first; cell < last; ++cell) {
        const float* row = values.data() + (cell - first) * n_genes;
        for (GeneIndex gene = 0; gene < n_genes; ++gene) {
          if (row[gene] == 0.0F) continue;  // NaN is kept, to be reported
          matrix.columns.push_back(gene);
          matrix.values.push_back(row[gene]);
        }
        matrix.row_start.push_back(static_cast<RowPointer>(matrix.columns.size()));
      }
    }
    matrix.n_rows = end - begin;
    return matrix;
  }

  std::optional<CompressedRows> rows_;
  std::optional<CsrMatrix> turned_;
  std::optional<Hdf5Dataset> dense_;
};

class H5adSource final : public CellSource {
 public:
  H5adSource(std::string name, Table obs, Table var, MatrixReader matrix)
      : name_(std::move(name)),
        obs_(std::move(obs)),
        var_(std::move(var)),
        matrix_(std::move(matrix)) {}
  const std::string& name() const override { return name_; }
  const Table& obs() const override { return obs_; }
  const Table& var() const override { return var_; }
  CsrMatrix read_cells(CellIndex begin, CellIndex end, const Context& context) override {
    return matrix_.read(begin, end, context);
  }

 private:
  std::string name_;
  Table obs_;
  Table var_;
  MatrixReader matrix_;
};

std::string join(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text.empty() ? "none" : text;
}

std::optional<std::string> recognise_h5ad(const InputFile& input) {
  if (!input.hdf5) return std::nullopt;
  const auto generation = h5ad_generation(*input.hdf5);
  if (!generation) return std::nullopt;
  return "h5ad (" + *generation + ")";
}

std::unique_ptr<CellSource> open_h5ad(InputFile input, const ReadOptions& options,
                                      const Context& context) {
  const Hdf5Group root = std::move(*input.hdf5);
  const std::string generation = h5ad_generation(root).value_or("");
  if (generation != "AnnData 0.8 or later") {
    fail(ErrorKind::BadFormat,
         "{}: was written by {}; expected 0.8 or later. Write it again with a newer one: "
         "anndata.read_h5ad(FILE).write_h5ad(NEW_FILE).",
         root.file_name(), generation);
  }
  if (options.use_raw && !options.layer.empty()) {
    fail(ErrorKind::InvalidArgument, "--use-raw and --layer exclude each other");
  }
  Table obs = read_frame(root, "obs", context);
  warn_of_repeated_barcodes(obs.index(), root.file_name(), context);
  std::optional<Hdf5Group> parent;
  std::string matrix_name = "X";
  if (options.use_raw) {
    if (!root.has_group("raw")) {
      fail(ErrorKind::BadFormat, "{}: --use-raw: the file has no raw", root.file_name());
    }
    parent.emplace(root.group("raw"));
  } else if (!options.layer.empty()) {
    const std::vector<std::string> layers =
        root.has_group("layers") ? root.group("layers").names() : std::vector<std::string>();
    if (std::find(layers.begin(), layers.end(), options.layer) == layers.end()) {
      fail(ErrorKind::BadFormat, "{}: --layer {}: no such layer; the file has: {}",
           root.file_name(), options.layer, join(layers));
    }
    parent.emplace(root.group("layers"));
    matrix_name = options.layer;
  }
  const Hdf5Group& holder = parent ? *parent : root;
  Table var = read_frame(options.use_raw ? holder : root, "var", context);
  settle_gene_names(var, (options.use_raw ? holder : root).where("var"), context);
  if (!holder.has(matrix_name)) {
    fail(ErrorKind::BadFormat, "{}: the file has no {}; name a layer with --layer or use --use-raw",
         root.file_name(), holder.where(matrix_name));
  }
  const std::string kNoGenes = root.where("var");
  MatrixReader matrix(holder, matrix_name, obs.n_rows(),
                      checked_cast<GeneIndex>(var.n_rows(), kNoGenes.c_str()), context);
  return std::make_unique<H5adSource>(root.file_name(), std::move(obs), std::move(var),
                                      std::move(matrix));
}

void describe_h5ad(const InputFile& input, FileSummary& summary) {
  const Hdf5Group& root = *input.hdf5;
  const auto names = [&](const char* group) {
    return root.has_group(group) ? root.group(group).names() : std::vector<std::string>();
  };
  summary.layers = names("layers");
  summary.obsm = names("obsm");
  summary.uns = names("uns");
  summary.has_raw = root.has_group("raw");
  for (const char* group : {"varm", "obsp", "varp"}) {
    for (const std::string& name : names(group)) {
      summary.not_read.push_back(std::string(group) + "/" + name);
    }
  }
}

}  // namespace

std::optional<std::string> h5ad_generation(const Hdf5Group& root) {
  if (!root.has("obs") || !root.has("var")) return std::nullopt;
  if (root.has_dataset("obs")) return "AnnData 0.6 or earlier";
  if (root.text_attribute("encoding-type") == "anndata") return "AnnData 0.8 or later";
  return "AnnData 0.7";
}

const Format kH5ad{"layer use-raw", recognise_h5ad, open_h5ad, describe_h5ad};

}  // namespace saithe::io
