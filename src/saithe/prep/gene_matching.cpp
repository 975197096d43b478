#include "saithe/prep/gene_matching.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace saithe {
namespace {

// Of shares that add up to 1.
constexpr double kRounding = 1e-9;

/// Per gene of the reference: the input that it is, or -1.
std::vector<GeneIndex> inputs_of(const ReferenceGenes& reference) {
  std::vector<GeneIndex> input(reference.names.size(), -1);
  for (std::size_t i = 0; i < reference.inputs.size(); ++i) {
    input[as_size(reference.inputs[i])] = static_cast<GeneIndex>(i);
  }
  return input;
}

/// Whether the reference's cells have values on its genes alone, and the query all of its cells'.
bool is_whole_beside_selected(const ReferenceGenes& reference, std::int64_t n_query_genes) {
  const auto& shares = reference.count_share;
  return n_query_genes >= kWholeFileGenes &&
         std::accumulate(shares.begin(), shares.end(), 0.0) < 1 - kRounding;
}

}  // namespace

GeneMatch match_genes(const ReferenceGenes& reference, const Table& var,
                      const GeneMatchOptions& options, const std::string& where) {
  std::vector<GeneColumn> ours = {{"gene names", reference.names}};
  if (!reference.ids.empty()) ours.push_back({"gene_ids", reference.ids});
  GeneColumnMatch found = match_gene_columns(ours, gene_columns(var, options.gene_column, where),
                                             options, "the model", "the query", where);
  const bool knows_shares = !reference.count_share.empty() &&
                            !is_whole_beside_selected(reference, std::ssize(found.place));
  const std::vector<GeneIndex> input_of = inputs_of(reference);
  std::vector<bool> is_found(reference.names.size());
  GeneMatch match;
  match.is_present.assign(reference.inputs.size(), false);
  match.count_share = knows_shares ? 0 : 1;
  for (const GeneIndex gene : found.place) {
    const GeneIndex input = gene < 0 ? -1 : input_of[as_size(gene)];
    match.model_gene.push_back(input);
    match.is_counted.push_back(gene >= 0 || !knows_shares);
    if (input >= 0) match.is_present[as_size(input)] = true;
    if (gene < 0 || is_found[as_size(gene)]) continue;
    is_found[as_size(gene)] = true;
    if (knows_shares) match.count_share += reference.count_share[as_size(gene)];
  }
  // All genes of whole cells is exactly 1, not a rounded sum of shares.
  if (std::abs(match.count_share - 1) < kRounding) match.count_share = 1;
  match.n_matched = std::count(match.is_present.begin(), match.is_present.end(), true);
  match.n_added = found.n_added;
  match.matched_by = std::move(found.matched_by);
  match.notes = std::move(found.notes);
  return match;
}

GeneMatch match_reference(const ReferenceGenes& reference) {
  GeneMatch match;
  match.model_gene = inputs_of(reference);
  match.is_counted.assign(reference.names.size(), true);
  match.is_present.assign(reference.inputs.size(), true);
  match.n_matched = static_cast<std::int64_t>(reference.inputs.size());
  match.matched_by = "gene names";
  return match;
}

}  // namespace saithe
