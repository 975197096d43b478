#include "saithe/io/zarr_matrix.h"

#include <algorithm>

#include "saithe/core/error.h"
#include "saithe/core/text_io.h"

namespace saithe::io {
namespace {

/// "csr", "csc", or what else the node says of itself.
std::string order_of(const ZarrNode& node) {
  const std::string encoding = node.text_attribute("encoding-type").value_or("");
  if (encoding == "csr_matrix") return "csr";
  if (encoding == "csc_matrix") return "csc";
  if (!encoding.empty()) return encoding;
  return node.text_attribute("h5sparse_format").value_or("");  // AnnData 0.6
}

class ZarrEntries final : public EntryArrays {
 public:
  ZarrEntries(const ZarrNode& node, std::int64_t n_columns)
      : columns_(node.get("indices")), values_(node.get("data")), n_columns_(n_columns) {}
  std::int64_t n_columns_stored() const override { return columns_.size(); }
  std::int64_t n_values_stored() const override { return values_.size(); }
  void read(std::int64_t first, std::span<std::int32_t> columns, std::span<float> values,
            const Context& context) const override {
    read_entries(first, columns_, columns, values_, values, context);
    if (const auto unstored = values_.unstored_zeros()) {
      fail(ErrorKind::BadFormat,
           "{}: is not there, and nobody stores a whole chunk of zeros in a sparse matrix; the "
           "store was not copied whole. Copy it again.",
           *unstored);
    }
  }
  std::string unstored_columns() const override { return columns_.unstored_zeros().value_or(""); }
  // Chunks that are not stored take no bytes: only the shape bounds what rows may have. Rows past
  // it, whose entries of one column are added up, are read within --memory.
  bool are_plausible(std::int64_t, std::int64_t n_of_a_row) const override {
    return n_of_a_row <= n_columns_;
  }

 private:
  ZarrArray columns_;
  ZarrArray values_;
  std::int64_t n_columns_;
};

class ZarrTiles final : public DenseTiles {
 public:
  explicit ZarrTiles(const ZarrNode& node) : array_(node), where_(node.where()) {}
  const std::string& where() const override { return where_; }
  std::int64_t n_rows() const override { return array_.shape()[0]; }
  std::int64_t n_columns() const override { return array_.shape()[1]; }
  std::int64_t tile_rows() const override { return clamped(0); }
  std::int64_t tile_columns() const override { return clamped(1); }
  std::int64_t tile_bytes() const override { return array_.unpacking_bytes(); }
  void read(const Rectangle& wanted, std::span<float> values,
            const Context& context) const override {
    array_.read_rectangle(wanted, values, context);
  }

 private:
  std::int64_t clamped(std::size_t axis) const {
    return std::clamp<std::int64_t>(array_.chunk_shape()[axis], 1,
                                    std::max<std::int64_t>(1, array_.shape()[axis]));
  }
  ZarrArray array_;
  std::string where_;
};

CompressedRows open_compressed(const ZarrNode& node, std::int64_t n_rows, std::int64_t n_columns,
                               const Context& context) {
  const ZarrArray positions(node.get("indptr"));
  positions.require_length(n_rows + 1);
  RowStarts row_starts(node.where(), n_rows, context,
                       [&](std::int64_t first, std::span<RowPointer> block) {
                         positions.read(first, block, context);
                       });
  return {node.where(), std::move(row_starts), n_columns,
          std::make_unique<ZarrEntries>(node, n_columns), context};
}

}  // namespace

ZarrMatrix::ZarrMatrix(const ZarrNode& node, CellIndex n_cells, GeneIndex n_genes,
                       const Context& context) {
  const std::vector<std::int64_t> expected = {n_cells, n_genes};
  if (node.is_array()) {
    if (node.layout().shape != expected) {
      fail_shape(node.where(), node.layout().shape, expected);
    }
    is_boolean_ = node.layout().type.kind == ZarrType::Kind::Boolean;
    dense_.emplace(std::make_unique<ZarrTiles>(node), context);
    return;
  }
  const std::string order = order_of(node);
  if (order != "csr" && order != "csc") {
    fail(ErrorKind::BadFormat,
         "{}: has the encoding '{}'; expected csr_matrix, csc_matrix or array. Take another place "
         "of values with --layer or --use-raw, or write the file again with AnnData.",
         node.where(), printable(order));
  }
  auto shape = node.integer_attribute("shape");
  if (shape.empty()) shape = node.integer_attribute("h5sparse_shape");
  if (shape != expected) fail_shape(node.where(), shape, expected);
  const ZarrNode data = node.get("data");
  is_boolean_ = data.is_array() && data.layout().type.kind == ZarrType::Kind::Boolean;
  if (order == "csr") {
    rows_.emplace(open_compressed(node, n_cells, n_genes, context));
    return;
  }
  turned_.emplace(open_compressed(node, n_genes, n_cells, context), n_cells,
                  TurnedColumns::bytes_of(context), context);
}

CsrMatrix ZarrMatrix::read(CellIndex begin, CellIndex end, const Context& context) {
  if (rows_) return rows_->read(begin, end, context);
  if (turned_) return turned_->read(begin, end, context);
  return dense_->read(begin, end, context);
}

std::int64_t ZarrMatrix::most_stored(CellIndex begin, CellIndex end) const {
  if (rows_) return rows_->n_stored(begin, end);
  return turned_ ? turned_->most_stored(begin, end) : dense_->most_stored(begin, end);
}

void ZarrMatrix::let_go() {
  if (turned_) turned_->let_go();
  if (dense_) dense_->let_go();
}

}  // namespace saithe::io
