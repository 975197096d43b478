#include "saithe/data/packed_cells.h"

#include <numeric>

namespace saithe {

PackedCells::PackedCells(std::string name, std::shared_ptr<const PackedRows> values, Table obs,
                         Table var, MeasuredGenes measured)
    : name_(std::move(name)),
      values_(std::move(values)),
      obs_(std::move(obs)),
      var_(std::move(var)),
      measured_(std::move(measured)) {
  SAITHE_ASSERT(values_->n_rows() == obs_.n_rows() && values_->n_cols() == n_genes());
}

PackedCells::PackedCells(const Dataset& dataset, const Context& context)
    : PackedCells(
          dataset.name(),
          [&] {
            const auto values = std::make_shared<PackedRows>(dataset.n_genes());
            values->append(dataset.counts.view(), context);
            return values;
          }(),
          dataset.obs(), dataset.var(), dataset.measured) {}

CsrMatrix PackedCells::read(std::span<const CellIndex> cells, const Context& context) const {
  std::vector<CellIndex> rows;
  rows.reserve(cells.size());
  for (const CellIndex cell : cells) rows.push_back(row_of(cell));
  CsrMatrix values = values_->read(rows, context);
  if (gene_of_column_.empty()) return values;
  return map_columns(values.view(), gene_of_column_, n_genes(), context);
}

CsrMatrix PackedCells::read_cells(CellIndex begin, CellIndex end, const Context& context) {
  SAITHE_ASSERT(0 <= begin && begin <= end && end <= n_cells());
  std::vector<CellIndex> cells(as_size(end - begin));
  std::iota(cells.begin(), cells.end(), begin);
  return read(cells, context);
}

std::int64_t PackedCells::most_stored(CellIndex begin, CellIndex end) const {
  if (row_of_cell_.empty()) return values_->n_stored(begin, end);
  std::int64_t n = 0;
  for (CellIndex cell = begin; cell < end; ++cell) n += most_stored(cell);
  return n;
}

void PackedCells::select_cells(std::span<const CellIndex> cells) {
  std::vector<CellIndex> rows;
  rows.reserve(cells.size());
  for (const CellIndex cell : cells) rows.push_back(row_of(cell));
  row_of_cell_ = std::move(rows);
  obs_ = obs_.select_rows(cells);
  measured_ = saithe::select_cells(measured_, cells);
}

void PackedCells::select_genes(std::span<const GeneIndex> genes) {
  std::vector<GeneIndex> new_gene(as_size(n_genes()), -1);
  for (std::size_t i = 0; i < genes.size(); ++i) {
    new_gene[as_size(genes[i])] = static_cast<GeneIndex>(i);
  }
  if (gene_of_column_.empty()) {
    gene_of_column_ = std::move(new_gene);
  } else {
    for (GeneIndex& gene : gene_of_column_) {
      if (gene >= 0) gene = new_gene[as_size(gene)];
    }
  }
  var_ = var_.select_rows(std::vector<CellIndex>(genes.begin(), genes.end()));
  measured_ = saithe::select_genes(measured_, genes);
}

Dataset PackedCells::unpack(const Context& context) const {
  std::vector<CellIndex> all(as_size(n_cells()));
  std::iota(all.begin(), all.end(), CellIndex{0});
  Dataset dataset(name_, read(all, context), obs_, var_);
  dataset.measured = measured_;
  return dataset;
}

}  // namespace saithe
