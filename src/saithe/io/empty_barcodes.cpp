#include "saithe/io/empty_barcodes.h"

#include <algorithm>

#include "saithe/core/error.h"

namespace saithe::io {
namespace {

namespace fs = std::filesystem;

constexpr CellIndex kSample = 4096;
constexpr std::int64_t kFewGenes = 100;
constexpr std::int64_t kLeastGenes = 2000;

/// The matrix of cells that Cell Ranger writes beside one of all barcodes; empty if there is none.
fs::path filtered_beside(const fs::path& path) {
  const fs::path whole = fs::absolute(path).lexically_normal();
  // The name, or that of the folder: raw_gene_bc_matrices/GRCh38/matrix.mtx.
  fs::path below;
  for (fs::path place = whole.has_filename() ? whole : whole.parent_path();
       place.has_relative_path(); place = place.parent_path()) {
    std::string name = place.filename().string();
    const std::size_t at = name.find("raw_");
    if (at != std::string::npos) {
      name.replace(at, 4, "filtered_");
      fs::path found = place.parent_path() / name / below;
      if (below.empty()) found = place.parent_path() / name;
      std::error_code error;
      return fs::exists(found, error) ? found : fs::path();
    }
    below = below.empty() ? place.filename() : place.filename() / below;
  }
  return {};
}

}  // namespace

void warn_of_empty_barcodes(const fs::path& path, CellIndex n_barcodes, std::int64_t n_genes,
                            const std::function<std::int64_t(CellIndex)>& n_genes_of,
                            const Context& context) {
  if (n_genes < kLeastGenes || n_barcodes == 0) return;
  const CellIndex n = std::min(n_barcodes, kSample);
  CellIndex n_empty = 0;
  for (CellIndex i = 0; i < n; ++i) {
    // Spread over all, by whole numbers that do not overflow.
    const CellIndex barcode = n_barcodes / n * i + n_barcodes % n * i / n;
    if (n_genes_of(barcode) < kFewGenes) ++n_empty;
  }
  if (2 * n_empty <= n) return;
  const fs::path filtered = filtered_beside(path);
  context.warn(fmt::format(
      "{}: {} % of its {} barcodes have counts of fewer than {} genes: empty droplets, as in a raw "
      "matrix. {}",
      path.string(), 100 * n_empty / n, n_barcodes, kFewGenes,
      filtered.empty() ? "Give the filtered matrix (filtered_feature_bc_matrix), or keep only cells"
                       : "The matrix of cells is " + filtered.string()));
}

}  // namespace saithe::io
