#pragma once

// The genes of a reference for tests that make a Preprocessor from its parts.

#include <numeric>
#include <string>
#include <vector>

#include "saithe/prep/preprocessor.h"

namespace saithe::testing {

/// Genes that are all inputs of the model; without shares a cell's total is over all genes.
inline ReferenceGenes reference_genes(std::vector<std::string> names,
                                      std::vector<std::string> ids = {},
                                      std::vector<double> count_share = {}) {
  ReferenceGenes genes;
  genes.inputs = std::vector<GeneIndex>(names.size());
  std::iota(genes.inputs.begin(), genes.inputs.end(), GeneIndex{0});
  genes.names = std::move(names);
  genes.ids = std::move(ids);
  genes.count_share = std::move(count_share);
  return genes;
}

}  // namespace saithe::testing
