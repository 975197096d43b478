#include "saithe/data/mapped_genes.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "saithe/data/gene_names.h"

namespace saithe {
namespace {

// Cells that tell whether a source holds counts or logarithms.
constexpr CellIndex kSampledCells = 64;
constexpr const char* kIdColumn = "gene_ids";

}  // namespace

GeneMapping::GeneMapping(std::vector<GeneIndex> new_gene, GeneIndex n_genes)
    : new_gene_(std::move(new_gene)), n_genes_(n_genes) {
  std::vector<bool> is_taken(as_size(n_genes_));
  for (const GeneIndex gene : new_gene_) {
    if (gene < 0) continue;
    meet_any_ = meet_any_ || is_taken[as_size(gene)];
    is_taken[as_size(gene)] = true;
  }
}

CsrMatrix GeneMapping::read_cells(CellSource& source, CellIndex begin, CellIndex end,
                                  const Context& context) {
  const CsrMatrix cells = source.read_cells(begin, end, context);
  if (!meet_any_) return map_columns(cells.view(), new_gene_, n_genes_, context);
  if (!are_logarithms_) {
    const CsrMatrix sample =
        source.read_cells(0, std::min(kSampledCells, source.n_cells()), context);
    are_logarithms_ = !std::all_of(sample.values.begin(), sample.values.end(),
                                   [](float value) { return value == std::floor(value); });
  }
  return *are_logarithms_ ? map_logarithms(cells.view(), new_gene_, n_genes_)
                          : map_columns(cells.view(), new_gene_, n_genes_, context);
}

RenamedGenes::RenamedGenes(std::unique_ptr<CellSource> cells, const std::string& column)
    : cells_(std::move(cells)) {
  const Table& var = cells_->var();
  GeneColumn chosen = std::move(gene_columns(var, column, cells_->name()).front());
  require_no_id_twice(chosen, cells_->name());
  std::vector<std::string> keys;
  for (std::size_t gene = 0; gene < chosen.genes.size(); ++gene) {
    std::string& name = chosen.genes[gene];
    if (name.empty()) name = var.index()[gene];
    keys.push_back(without_ensembl_version(name));
  }
  const std::vector<CellIndex> kept = merge(chosen.genes, keys);
  const bool is_of_ids = std::all_of(var.index().begin(), var.index().end(), is_ensembl_id);
  if (var.find(kIdColumn) == nullptr && is_of_ids && column != "index") {
    var_.set(kIdColumn, TextColumn{var_.index(), {}});
  }
  std::vector<std::string> names;
  for (const CellIndex gene : kept) names.push_back(std::move(chosen.genes[as_size(gene)]));
  var_.rename_rows(std::move(names));
}

RenamedGenes::RenamedGenes(std::unique_ptr<CellSource> cells, const std::vector<std::string>& keys)
    : cells_(std::move(cells)) {
  static_cast<void>(merge(cells_->var().index(), keys));
}

std::vector<CellIndex> RenamedGenes::merge(const std::vector<std::string>& names,
                                           const std::vector<std::string>& keys) {
  SAITHE_ASSERT(std::ssize(keys) == cells_->var().n_rows());
  std::unordered_map<std::string_view, GeneIndex> place_of;
  std::vector<GeneIndex> new_gene;
  std::vector<CellIndex> kept;
  for (std::size_t gene = 0; gene < keys.size(); ++gene) {
    const auto [place, is_new] = place_of.emplace(keys[gene], static_cast<GeneIndex>(kept.size()));
    new_gene.push_back(place->second);
    if (is_new) {
      kept.push_back(static_cast<CellIndex>(gene));
    } else {
      added_.push_back(names[gene]);
    }
  }
  mapping_ = GeneMapping(std::move(new_gene), static_cast<GeneIndex>(kept.size()));
  var_ = cells_->var().select_rows(kept);
  return kept;
}

std::vector<std::string> gene_keys(const Table& var, const std::string& where) {
  const bool has_ids = var.find(kIdColumn) != nullptr;
  const GeneColumn column = {has_ids ? kIdColumn : "gene names",
                             has_ids ? var.as_text(kIdColumn) : var.index()};
  require_no_id_twice(column, where);
  std::vector<std::string> keys;
  for (std::size_t gene = 0; gene < column.genes.size(); ++gene) {
    const std::string& id = column.genes[gene];
    keys.push_back(without_ensembl_version(id.empty() ? var.index()[gene] : id));
  }
  return keys;
}

}  // namespace saithe
