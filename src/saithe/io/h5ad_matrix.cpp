#include "saithe/io/h5ad_matrix.h"

#include <algorithm>

#include "saithe/core/text_io.h"

namespace saithe::io {
namespace {

/// "csr_matrix" or "csc_matrix" of a sparse group of any generation, or what stands there.
std::string sparse_encoding(const Hdf5Group& group) {
  const auto old_form = group.text_attribute("h5sparse_format");  // AnnData 0.5 and 0.6
  if (old_form) return *old_form + "_matrix";
  return group.text_attribute("encoding-type").value_or("");
}

}  // namespace

bool H5adMatrix::is_there(const Hdf5Group& parent, const std::string& name) {
  return parent.has_group(name) || (parent.has_dataset(name) && !parent.dataset(name).is_null());
}

H5adMatrix::H5adMatrix(const Hdf5Group& parent, const std::string& name, CellIndex n_cells,
                       GeneIndex n_genes, const Context& context) {
  const std::vector<std::int64_t> expected = {n_cells, n_genes};
  if (parent.has_dataset(name)) {
    Hdf5Dataset dataset = parent.dataset(name);
    if (dataset.shape() != expected) fail_shape(dataset.where(), dataset.shape(), expected);
    is_boolean_ = dataset.kind() == StoredKind::Boolean;
    dense_.emplace(open_dense_tiles(std::move(dataset)), context);
    return;
  }
  const Hdf5Group group = parent.group(name);
  const std::string encoding = sparse_encoding(group);
  if (encoding != "csr_matrix" && encoding != "csc_matrix") {
    fail(ErrorKind::BadFormat,
         "{}: has the encoding '{}'; expected csr_matrix, csc_matrix or array. Take another place "
         "of values with --layer or --use-raw, or write the file again with AnnData.",
         group.where(), printable(encoding));
  }
  const bool is_old = group.has_attribute("h5sparse_shape");
  const auto shape = group.integer_attribute(is_old ? "h5sparse_shape" : "shape");
  if (shape != expected) fail_shape(group.where(), shape, expected);
  is_boolean_ = group.dataset("data").kind() == StoredKind::Boolean;
  if (encoding == "csr_matrix") {
    rows_.emplace(group, n_cells, n_genes, context);
  } else {
    turned_.emplace(CompressedRows(group, n_genes, n_cells, context), n_cells,
                    TurnedColumns::bytes_of(context), context);
  }
}

CsrMatrix H5adMatrix::read(CellIndex begin, CellIndex end, const Context& context) {
  if (rows_) return rows_->read(begin, end, context);
  if (turned_) return turned_->read(begin, end, context);
  return dense_->read(begin, end, context);
}

std::int64_t H5adMatrix::most_stored(CellIndex begin, CellIndex end) const {
  if (rows_) return rows_->n_stored(begin, end);
  return turned_ ? turned_->most_stored(begin, end) : dense_->most_stored(begin, end);
}

void H5adMatrix::let_go() {
  if (turned_) turned_->let_go();
  if (dense_) dense_->let_go();
}

}  // namespace saithe::io
