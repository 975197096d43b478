#include "saithe/io/zarr_matrix.h"

#include <algorithm>
#include <numeric>

#include "saithe/core/error.h"
#include "saithe/core/text_io.h"

namespace saithe::io {
namespace {

// Values that a block of a dense matrix may take in memory, as float32.
constexpr std::int64_t kDenseBlockValues = std::int64_t{1} << 24;

/// "csr", "csc", or what else the node says of itself.
std::string order_of(const ZarrNode& node) {
  const std::string encoding = node.text_attribute("encoding-type").value_or("");
  if (encoding == "csr_matrix") return "csr";
  if (encoding == "csc_matrix") return "csc";
  if (!encoding.empty()) return encoding;
  return node.text_attribute("h5sparse_format").value_or("");  // AnnData 0.6
}

}  // namespace

ZarrMatrix::ZarrMatrix(const ZarrNode& node, CellIndex n_cells, GeneIndex n_genes,
                       const Context& context) {
  const std::vector<std::int64_t> expected = {n_cells, n_genes};
  if (node.is_array()) {
    dense_.emplace(node);
    if (dense_->shape() != expected) {
      fail(ErrorKind::BadFormat, "{}: is not a matrix of {} cells x {} genes", node.where(),
           n_cells, n_genes);
    }
    return;
  }
  const std::string order = order_of(node);
  if (order != "csr" && order != "csc") {
    fail(ErrorKind::BadFormat,
         "{}: has the encoding '{}'; expected csr_matrix, csc_matrix or array", node.where(),
         printable(order));
  }
  auto shape = node.integer_attribute("shape");
  if (shape.empty()) shape = node.integer_attribute("h5sparse_shape");
  if (shape != expected) {
    fail(ErrorKind::BadFormat, "{}: its shape is not {} cells x {} genes, as obs and var say",
         node.where(), n_cells, n_genes);
  }
  if (order == "csr") {
    rows_.emplace(open_compressed(node, n_cells, n_genes, context));
    return;
  }
  const Compressed by_gene = open_compressed(node, n_genes, n_cells, context);
  turned_.emplace(transpose(read_compressed(by_gene, 0, n_genes, context).view()));
}

ZarrMatrix::Compressed ZarrMatrix::open_compressed(const ZarrNode& node, std::int64_t n_rows,
                                                   std::int64_t n_columns, const Context& context) {
  Compressed rows{
      node.where(), n_columns, {}, ZarrArray(node.get("indices")), ZarrArray(node.get("data"))};
  rows.row_start = ZarrArray(node.get("indptr")).read_integers(n_rows + 1, context);
  const std::vector<RowPointer>& start = rows.row_start;
  if (rows.columns.size() != rows.values.size()) {
    fail(ErrorKind::BadFormat, "{}: indices has {} entries but data has {}; the store is damaged",
         rows.where, rows.columns.size(), rows.values.size());
  }
  if (start.front() != 0 || start.back() != rows.values.size()) {
    fail(ErrorKind::BadFormat,
         "{}: indptr goes from {} to {}, but data has {} entries; the store is damaged", rows.where,
         start.front(), start.back(), rows.values.size());
  }
  for (std::size_t i = 0; i + 1 < start.size(); ++i) {
    // Chunks that are not stored take no bytes: only the shape bounds what a row may have.
    if (start[i + 1] < start[i] || start[i + 1] - start[i] > n_columns) {
      fail(ErrorKind::BadFormat,
           "{}: row {} goes from entry {} to {} of {} columns; the store is damaged", rows.where, i,
           start[i], start[i + 1], n_columns);
    }
  }
  return rows;
}

CsrMatrix ZarrMatrix::read_compressed(const Compressed& stored, std::int64_t begin,
                                      std::int64_t end, const Context& context) {
  SAITHE_ASSERT(0 <= begin && begin <= end && as_size(end) < stored.row_start.size());
  const RowPointer first = stored.row_start[as_size(begin)];
  const auto n_stored = as_size(stored.row_start[as_size(end)] - first);
  CsrMatrix rows;
  rows.n_rows = end - begin;
  rows.n_cols = checked_cast<GeneIndex>(stored.n_columns, stored.where.c_str());
  rows.row_start.assign(stored.row_start.begin() + begin, stored.row_start.begin() + end + 1);
  for (RowPointer& start : rows.row_start) start -= first;
  rows.columns.resize(n_stored);
  rows.values.resize(n_stored);
  stored.columns.read(first, std::span<std::int32_t>(rows.columns), context);
  stored.values.read(first, std::span<float>(rows.values), context);
  const auto outside =
      std::find_if(rows.columns.begin(), rows.columns.end(),
                   [&](GeneIndex column) { return column < 0 || column >= rows.n_cols; });
  if (outside != rows.columns.end()) {
    fail(ErrorKind::BadFormat, "{}/indices: entry {} is {}; expected 0 to {}", stored.where,
         first + (outside - rows.columns.begin()), *outside, rows.n_cols - 1);
  }
  sort_and_merge(rows);
  validate(rows.view(), stored.where);
  return rows;
}

CsrMatrix ZarrMatrix::read_dense(CellIndex begin, CellIndex end, const Context& context) const {
  const std::int64_t n_genes = dense_->shape()[1];
  CsrMatrix matrix;
  matrix.n_rows = end - begin;
  matrix.n_cols = static_cast<GeneIndex>(n_genes);
  const CellIndex block =
      std::max<CellIndex>(1, kDenseBlockValues / std::max<std::int64_t>(1, n_genes));
  std::vector<float> values;
  for (CellIndex first = begin; first < end; first += block) {
    const CellIndex last = std::min(first + block, end);
    values.resize(as_size((last - first) * n_genes));
    dense_->read_rows(first, last, values, context);
    for (CellIndex cell = first; cell < last; ++cell) {
      const float* row = values.data() + (cell - first) * n_genes;
      for (GeneIndex gene = 0; gene < matrix.n_cols; ++gene) {
        if (row[gene] == 0.0F) continue;  // NaN is kept, to be reported
        matrix.columns.push_back(gene);
        matrix.values.push_back(row[gene]);
      }
      matrix.row_start.push_back(static_cast<RowPointer>(matrix.columns.size()));
    }
  }
  return matrix;
}

CsrMatrix ZarrMatrix::read(CellIndex begin, CellIndex end, const Context& context) const {
  if (rows_) return read_compressed(*rows_, begin, end, context);
  if (!turned_) return read_dense(begin, end, context);
  std::vector<CellIndex> cells(as_size(end - begin));
  std::iota(cells.begin(), cells.end(), begin);
  return select_rows(turned_->view(), cells);
}

}  // namespace saithe::io
