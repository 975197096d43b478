#include "saithe/data/mapped_genes.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "saithe/data/gene_names.h"

namespace saithe {
namespace {

// Cells that tell whether a source holds counts or logarithms.
constexpr CellIndex kSampledCells = 64;

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
  const GeneColumn chosen = std::move(gene_columns(var, column, cells_->name()).front());
  require_no_id_twice(chosen, cells_->name());
  std::unordered_map<std::string, GeneIndex> place_of;
  std::vector<GeneIndex> new_gene;
  std::vector<CellIndex> kept;
  std::vector<std::string> names;
  for (std::size_t gene = 0; gene < chosen.genes.size(); ++gene) {
    const std::string& name = chosen.genes[gene].empty() ? var.index()[gene] : chosen.genes[gene];
    const auto [place, is_new] = place_of.emplace(name, static_cast<GeneIndex>(names.size()));
    new_gene.push_back(place->second);
    if (!is_new) continue;
    names.push_back(name);
    kept.push_back(static_cast<CellIndex>(gene));
  }
  n_added_ = static_cast<std::int64_t>(chosen.genes.size() - names.size());
  mapping_ = GeneMapping(std::move(new_gene), static_cast<GeneIndex>(kept.size()));
  var_ = var.select_rows(kept);
  const bool is_of_ids = std::all_of(var.index().begin(), var.index().end(), is_ensembl_id);
  if (var.find("gene_ids") == nullptr && is_of_ids && column != "index") {
    var_.set("gene_ids", TextColumn{var_.index(), {}});
  }
  var_.rename_rows(std::move(names));
}

}  // namespace saithe
