#include "saithe/prep/simulate.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <numeric>
#include <optional>
#include <random>

#include "saithe/core/parallel.h"
#include "saithe/core/random.h"

namespace saithe {
namespace {

// Cells that a thread draws at once.
constexpr std::int64_t kChunkCells = 256;

// Expressed genes of a cell on average, where the genes are enough for it.
constexpr int kStoredPerCell = 850;
// The spread of gene means, ln; with it 850 expressed genes take some 2 200 counts, as in PBMC3K.
constexpr double kGeneSpread = 2.4;
// The spread of a cell's depth, ln, as in PBMC3K.
constexpr double kDepthSpread = 0.35;
// Variance of a count over its mean, less 1 (Fano factor 1.3).
constexpr double kOverdispersion = 0.3;

// Streams of random numbers: the recipe's parts, then one stream a cell.
constexpr std::uint64_t kGeneStream = (stream::kSimulate << 48) + 1;
constexpr std::uint64_t kTypeStream = (stream::kSimulate << 48) + 1000;
constexpr std::uint64_t kDonorStream = (stream::kSimulate << 48) + 1000000;
constexpr std::uint64_t kCellStream = (stream::kSimulate << 48) + (std::uint64_t{1} << 40);

/// A type, its share of PBMC3K's cells, its relatives, and genes that mark it.
struct TypeRecipe {
  const char* name;
  int weight;
  int lineage;
  std::array<const char*, 5> markers;
};

constexpr std::array<TypeRecipe, 8> kTypes = {{
    {"CD4 T cells", 1144, 0, {"CD3D", "IL7R", "CD3E", "LDHB", "TCF7"}},
    {"CD14+ Monocytes", 480, 1, {"CD14", "LYZ", "S100A8", "S100A9", "LGALS2"}},
    {"B cells", 342, 2, {"MS4A1", "CD79A", "CD79B", "CD74", "TCL1A"}},
    {"CD8 T cells", 316, 0, {"CD3D", "CD8A", "CD8B", "CCL5", "GZMK"}},
    {"NK cells", 154, 3, {"NKG7", "GNLY", "GZMB", "PRF1", "FGFBP2"}},
    {"FCGR3A+ Monocytes", 150, 1, {"FCGR3A", "MS4A7", "LST1", "IFITM3", "LYZ"}},
    {"Dendritic cells", 37, 4, {"FCER1A", "CST3", "CD74", "CLEC10A", "LYZ"}},
    {"Megakaryocytes", 15, 5, {"PPBP", "PF4", "SDPR", "GNG11", "TUBB1"}},
}};

constexpr std::array<const char*, 13> kMitochondrial = {
    "MT-ND1", "MT-ND2",  "MT-CO1", "MT-CO2", "MT-ATP8", "MT-ATP6", "MT-CO3",
    "MT-ND3", "MT-ND4L", "MT-ND4", "MT-ND5", "MT-ND6",  "MT-CYB"};

constexpr int kExtraTypeWeight = 100;  // of a type beyond the eight
constexpr double kMarkerWeight = 120;  // of a marker in its type, against a gene of median mean
constexpr double kMtShare = 0.02;      // of the counts of a good cell

/// Numbers one after the other from a stream, for the distributions of the standard library.
class Draws {
 public:
  using result_type = std::uint64_t;
  Draws(std::uint64_t seed, std::uint64_t stream_number) : random_(seed, stream_number) {}
  static constexpr result_type min() { return 0; }
  static constexpr result_type max() { return ~result_type{0}; }
  result_type operator()() { return random_.bits(index_++); }
  double uniform() { return random_.uniform(index_++); }
  double normal() {
    const double u = 1.0 - uniform();
    return std::sqrt(-2.0 * std::log(u)) * std::cos(2.0 * std::numbers::pi * uniform());
  }
  std::uint64_t below(std::uint64_t n) { return random_.below(index_++, n); }

 private:
  Random random_;
  std::uint64_t index_ = 0;
};

/// Draws an index in proportion to weights in constant time (Walker 1977; Vose 1991).
class AliasTable {
 public:
  explicit AliasTable(const std::vector<double>& weights)
      : threshold_(weights.size(), 1.0), other_(weights.size()) {
    const double mean =
        std::accumulate(weights.begin(), weights.end(), 0.0) / static_cast<double>(weights.size());
    std::vector<double> share(weights.size());
    std::vector<std::size_t> small;
    std::vector<std::size_t> large;
    for (std::size_t i = 0; i < weights.size(); ++i) {
      share[i] = weights[i] / mean;
      other_[i] = static_cast<std::int32_t>(i);
      (share[i] < 1 ? small : large).push_back(i);
    }
    while (!small.empty() && !large.empty()) {
      const std::size_t low = small.back();
      const std::size_t high = large.back();
      small.pop_back();
      threshold_[low] = share[low];
      other_[low] = static_cast<std::int32_t>(high);
      share[high] -= 1 - share[low];
      if (share[high] < 1) {
        large.pop_back();
        small.push_back(high);
      }
    }
  }
  GeneIndex draw(Draws& draws) const {
    const auto i = draws.below(threshold_.size());
    return draws.uniform() < threshold_[i] ? static_cast<GeneIndex>(i) : other_[i];
  }

 private:
  std::vector<double> threshold_;
  std::vector<std::int32_t> other_;
};

void require_options(const SimulateOptions& options) {
  const auto require = [](bool is_valid, const char* name, auto value, const char* expected) {
    if (!is_valid) fail(ErrorKind::InvalidArgument, "--{}: {} is not {}", name, value, expected);
  };
  require(options.n_cells >= 1, "cells", options.n_cells, "1 or more");
  require(options.n_genes >= 100, "genes", options.n_genes, "100 or more");
  require(options.n_types >= 2 && options.n_types <= 1000, "types", options.n_types, "2 to 1000");
  require(options.n_donors >= 1 && options.n_donors <= 1000, "donors", options.n_donors,
          "1 to 1000");
  require(options.donor_effect >= 0 && options.donor_effect <= 5, "donor-effect",
          options.donor_effect, "between 0 and 5");
  require(options.label_noise >= 0 && options.label_noise <= 1, "label-noise", options.label_noise,
          "between 0 and 1");
  require(options.poor_cells >= 0 && options.poor_cells <= 1, "poor-cells", options.poor_cells,
          "between 0 and 1");
  require(options.stored_per_cell >= 0 && options.stored_per_cell <= options.n_genes / 2,
          "stored-per-cell", options.stored_per_cell,
          "between 0 (by the genes) and half the genes");
}

/// Gene names: the mitochondrial ones, the markers, then GENE00001 and on.
std::vector<std::string> make_gene_names(int n_genes) {
  std::vector<std::string> names(kMitochondrial.begin(), kMitochondrial.end());
  for (const TypeRecipe& type : kTypes) {
    for (const char* marker : type.markers) {
      if (std::find(names.begin(), names.end(), marker) == names.end()) names.emplace_back(marker);
    }
  }
  for (int i = 1; static_cast<int>(names.size()) < n_genes; ++i) {
    names.push_back(fmt::format("GENE{:05}", i));
  }
  return names;
}

}  // namespace

struct SimulatedCells::Recipe {
  SimulateOptions options;
  std::uint64_t seed = 0;
  Table var;
  std::vector<std::string> type_names;
  std::vector<double> cumulative_share;  // of the types
  std::vector<AliasTable> genes;         // (type, donor)
  std::optional<AliasTable> mitochondrial;
  double mean_bursts = 0;  // of a good cell of mean depth

  [[nodiscard]] std::vector<double> gene_weights(int type) const;
  void calibrate(const std::vector<std::vector<double>>& weights);
  struct Cell;
  [[nodiscard]] Cell draw_cell(CellIndex index, std::vector<float>& counts) const;
};

/// One cell as it is drawn.
struct SimulatedCells::Recipe::Cell {
  int type = 0;
  int label = 0;
  int donor = 0;
  bool is_poor = false;
  std::vector<GeneIndex> genes;  // expressed, ascending; their counts lie in the scratch array
};

/// Relative means of the genes in a type: a common spread, shifts of its lineage and its own,
/// markers.
std::vector<double> SimulatedCells::Recipe::gene_weights(int type) const {
  const auto n_genes = as_size(options.n_genes);
  const bool is_known = as_size(type) < kTypes.size();
  const int lineage = is_known ? kTypes[as_size(type)].lineage : 100 + type;
  const Random common(seed, kGeneStream);
  const Random of_lineage(seed, kTypeStream + static_cast<std::uint64_t>(lineage));
  const Random of_type(seed, kTypeStream + 10000 + static_cast<std::uint64_t>(type));
  std::vector<double> weights(n_genes);
  for (std::size_t gene = 0; gene < n_genes; ++gene) {
    double log_weight = kGeneSpread * common.normal(gene);
    // Every 12th gene differs between lineages, every 40th between the types of a lineage.
    if (of_lineage.uniform(2 * n_genes + gene) < 1.0 / 12) log_weight += of_lineage.normal(gene);
    if (of_type.uniform(2 * n_genes + gene) < 1.0 / 40) log_weight += 0.8 * of_type.normal(gene);
    weights[gene] = std::exp(log_weight);
  }
  const std::vector<std::string>& names = var.index();
  for (std::size_t gene = kMitochondrial.size(); gene < n_genes; ++gene) {
    if (names[gene].starts_with("GENE")) break;
    const auto& markers = kTypes[is_known ? as_size(type) : 0].markers;
    const bool is_marker =
        is_known && std::find(markers.begin(), markers.end(), names[gene]) != markers.end();
    weights[gene] = is_marker ? kMarkerWeight : 0.3;
  }
  double total = 0;
  for (std::size_t gene = kMitochondrial.size(); gene < n_genes; ++gene) total += weights[gene];
  for (std::size_t gene = 0; gene < kMitochondrial.size(); ++gene) {
    weights[gene] = total * kMtShare / (1 - kMtShare) / static_cast<double>(kMitochondrial.size());
  }
  return weights;
}

/// Finds the number of bursts with which a good cell expresses stored_per_cell genes on average.
void SimulatedCells::Recipe::calibrate(const std::vector<std::vector<double>>& weights) {
  const auto expressed = [&](double bursts) {
    double mean = 0;
    double previous = 0;
    for (std::size_t type = 0; type < weights.size(); ++type) {
      const double total = std::accumulate(weights[type].begin(), weights[type].end(), 0.0);
      double of_type = 0;
      // Three points of the normal distribution stand for the spread of depth (Gauss-Hermite).
      for (const auto& [z, share] : {std::pair(-std::sqrt(3.0), 1.0 / 6), std::pair(0.0, 2.0 / 3),
                                     std::pair(std::sqrt(3.0), 1.0 / 6)}) {
        const double of_cell =
            bursts * std::exp(kDepthSpread * z - kDepthSpread * kDepthSpread / 2);
        for (const double weight : weights[type]) {
          of_type += share * -std::expm1(-of_cell * weight / total);
        }
      }
      mean += (cumulative_share[type] - previous) * of_type;
      previous = cumulative_share[type];
    }
    return mean;
  };
  double low = 0;
  double high = 1;
  while (expressed(high) < options.stored_per_cell && high < 1e9) high *= 2;
  for (int i = 0; i < 50; ++i) {
    const double middle = (low + high) / 2;
    (expressed(middle) < options.stored_per_cell ? low : high) = middle;
  }
  mean_bursts = high;
}

SimulatedCells::SimulatedCells(const SimulateOptions& options, const Context& context)
    : recipe_(std::make_unique<Recipe>()) {
  require_options(options);
  Recipe& r = *recipe_;
  r.options = options;
  if (options.stored_per_cell == 0) {
    r.options.stored_per_cell = std::min(kStoredPerCell, options.n_genes / 2);
  }
  r.seed = context.seed();
  r.var = Table(make_gene_names(options.n_genes));
  double total = 0;
  for (int type = 0; type < options.n_types; ++type) {
    const bool is_known = as_size(type) < kTypes.size();
    r.type_names.push_back(is_known ? kTypes[as_size(type)].name
                                    : fmt::format("Type {}", type + 1));
    total += is_known ? kTypes[as_size(type)].weight : kExtraTypeWeight;
    r.cumulative_share.push_back(total);
  }
  for (double& share : r.cumulative_share) share /= total;

  std::vector<std::vector<double>> weights;
  for (int type = 0; type < options.n_types; ++type) weights.push_back(r.gene_weights(type));
  r.calibrate(weights);
  for (const auto& of_type : weights) {
    for (int donor = 0; donor < options.n_donors; ++donor) {
      const Random shift(r.seed, kDonorStream + static_cast<std::uint64_t>(donor));
      std::vector<double> of_donor = of_type;
      if (options.n_donors > 1) {
        for (std::size_t gene = 0; gene < of_donor.size(); ++gene) {
          of_donor[gene] *= std::exp(options.donor_effect * shift.normal(gene));
        }
      }
      r.genes.emplace_back(of_donor);
    }
  }
  r.mitochondrial.emplace(std::vector<double>(kMitochondrial.size(), 1.0));
}

SimulatedCells::~SimulatedCells() = default;

const Table& SimulatedCells::var() const {
  return recipe_->var;
}

SimulatedCells::Recipe::Cell SimulatedCells::Recipe::draw_cell(CellIndex index,
                                                               std::vector<float>& counts) const {
  Draws draws(seed, kCellStream + static_cast<std::uint64_t>(index));
  Cell cell;
  const double u = draws.uniform();
  cell.type =
      static_cast<int>(std::upper_bound(cumulative_share.begin(), cumulative_share.end(), u) -
                       cumulative_share.begin());
  cell.type = std::min(cell.type, options.n_types - 1);
  cell.donor = static_cast<int>(draws.below(static_cast<std::uint64_t>(options.n_donors)));
  cell.is_poor = draws.uniform() < options.poor_cells;
  const bool is_empty_droplet = draws.uniform() < 0.5;  // of the poor: few genes, or a dying cell
  cell.label = cell.type;
  const bool has_wrong_label = draws.uniform() < options.label_noise;
  const auto other = static_cast<int>(draws.below(static_cast<std::uint64_t>(options.n_types - 1)));
  if (has_wrong_label) cell.label = other < cell.type ? other : other + 1;

  double bursts =
      mean_bursts * std::exp(kDepthSpread * draws.normal() - kDepthSpread * kDepthSpread / 2);
  double mt_share = 0;  // beyond that of a good cell
  if (cell.is_poor && is_empty_droplet) bursts *= 0.025;
  if (cell.is_poor && !is_empty_droplet) mt_share = 0.1 + 0.4 * draws.uniform();

  // A negative binomial with a constant ratio of variance and mean is a Poisson number of bursts,
  // each of a logarithmic number of counts (Quenouille 1949).
  const double q = kOverdispersion / (1 + kOverdispersion);
  const AliasTable& table = genes[as_size(cell.type * options.n_donors + cell.donor)];
  const int n_bursts = std::poisson_distribution<int>(bursts)(draws);
  for (int i = 0; i < n_bursts; ++i) {
    const bool is_extra_mt = mt_share > 0 && draws.uniform() < mt_share;
    const GeneIndex gene = is_extra_mt ? mitochondrial->draw(draws) : table.draw(draws);
    // Inversion of the logarithmic distribution: P(k) = -q^k / (k ln(1 - q)).
    double rest = draws.uniform();
    double probability = -q / std::log1p(-q);
    int size = 1;
    while (rest >= probability && size < 100) {
      rest -= probability;
      probability *= q * size / (size + 1);
      ++size;
    }
    float& count = counts[as_size(gene)];
    if (count == 0.0F) cell.genes.push_back(gene);
    count += static_cast<float>(size);
  }
  std::sort(cell.genes.begin(), cell.genes.end());
  return cell;
}

Dataset SimulatedCells::draw(CellIndex begin, CellIndex end, const Context& context) const {
  const Recipe& r = *recipe_;
  SAITHE_ASSERT(0 <= begin && begin <= end && end <= r.options.n_cells);
  const auto n = as_size(end - begin);
  std::vector<Recipe::Cell> cells(n);
  std::vector<std::vector<float>> values(n);
  parallel_for(context, end - begin, kChunkCells, [&](std::int64_t first, std::int64_t last) {
    std::vector<float> counts(as_size(r.options.n_genes));
    for (std::int64_t i = first; i < last; ++i) {
      cells[as_size(i)] = r.draw_cell(begin + i, counts);
      for (const GeneIndex gene : cells[as_size(i)].genes) {
        values[as_size(i)].push_back(counts[as_size(gene)]);
        counts[as_size(gene)] = 0;
      }
    }
  });

  CsrMatrix matrix;
  matrix.n_rows = end - begin;
  matrix.n_cols = static_cast<GeneIndex>(r.options.n_genes);
  std::vector<std::string> barcodes;
  CategoryColumn label{{}, r.type_names, false};
  CategoryColumn type{{}, r.type_names, false};
  CategoryColumn donor;
  for (int d = 0; d < r.options.n_donors; ++d)
    donor.levels.push_back(fmt::format("donor{:03}", d + 1));
  NumberColumn is_poor{{}, NumberColumn::Kind::Boolean};
  for (std::size_t i = 0; i < n; ++i) {
    matrix.columns.insert(matrix.columns.end(), cells[i].genes.begin(), cells[i].genes.end());
    matrix.values.insert(matrix.values.end(), values[i].begin(), values[i].end());
    matrix.row_start.push_back(static_cast<RowPointer>(matrix.columns.size()));
    barcodes.push_back(fmt::format("cell{:08}", begin + static_cast<CellIndex>(i)));
    label.codes.push_back(cells[i].label);
    type.codes.push_back(cells[i].type);
    donor.codes.push_back(cells[i].donor);
    is_poor.values.push_back(cells[i].is_poor ? 1 : 0);
  }
  Table obs(std::move(barcodes));
  obs.set("cell_type", std::move(label));
  obs.set("true_cell_type", std::move(type));
  obs.set("donor", std::move(donor));
  obs.set("is_poor", std::move(is_poor));
  return Dataset("simulated cells", std::move(matrix), std::move(obs), r.var);
}

}  // namespace saithe
