#include <algorithm>
#include <set>
#include <unordered_map>

#include "saithe/core/text_io.h"
#include "saithe/io/empty_barcodes.h"
#include "saithe/io/formats.h"
#include "saithe/io/hdf5_column.h"
#include "saithe/io/repeated_barcodes.h"

namespace saithe::io {
namespace {

bool is_genome_group(const Hdf5Group& root, const std::string& name) {
  if (!root.has_group(name)) return false;
  const Hdf5Group group = root.group(name);
  return group.has_dataset("barcodes") && group.has_dataset("genes") && group.has_dataset("indptr");
}

std::vector<std::string> genome_groups(const Hdf5Group& root) {
  std::vector<std::string> names;
  for (const std::string& name : root.names()) {
    if (is_genome_group(root, name)) names.push_back(name);
  }
  return names;
}

std::string join(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

/// Cells x features of a 10x file, turned into cells x genes.
class TenxSource final : public CellSource {
 public:
  TenxSource(std::string name, Table obs, Table var, CompressedRows rows,
             std::vector<GeneIndex> new_column)
      : name_(std::move(name)),
        obs_(std::move(obs)),
        var_(std::move(var)),
        rows_(std::move(rows)),
        new_column_(std::move(new_column)) {}
  const std::string& name() const override { return name_; }
  const Table& obs() const override { return obs_; }
  const Table& var() const override { return var_; }
  CsrMatrix read_cells(CellIndex begin, CellIndex end, const Context& context) override {
    CsrMatrix cells = rows_.read(begin, end, context);
    if (new_column_.empty()) return cells;
    return map_columns(cells.view(), new_column_, n_genes(), context);
  }
  std::int64_t most_stored(CellIndex begin, CellIndex end) const override {
    return rows_.n_stored(begin, end);
  }

 private:
  std::string name_;
  Table obs_;
  Table var_;
  CompressedRows rows_;
  std::vector<GeneIndex> new_column_;  // empty: every feature is a gene of its own
};

/// The features of a file as it lists them. Of probes, ids and names are those of their genes.
struct FeatureList {
  std::vector<std::string> ids;
  std::vector<std::string> names;
  std::vector<std::string> types;         // empty in v2
  std::vector<std::string> genomes;       // empty where the file does not say
  std::vector<std::int64_t> is_included;  // of probes: whether Space Ranger counts them
  bool are_probes = false;
};

/// The genes made of features.
struct GeneList {
  std::vector<std::string> ids;
  std::vector<std::string> names;
  std::vector<GeneIndex> new_column;  // of each feature; -1: left out
};

/// In files of several species all ids and names begin with the genome: GRCh38_, mm10___.
void strip_genome(std::vector<std::string>& names, const std::string& genome) {
  const std::string prefix = genome + "_";
  if (!std::all_of(names.begin(), names.end(),
                   [&](const std::string& name) { return name.starts_with(prefix); })) {
    return;
  }
  for (std::string& name : names) {
    const std::size_t end = name.find_first_not_of('_', genome.size());
    if (end != std::string::npos) name.erase(0, end);
  }
}

/// Chooses the genes of the genome (empty: of all), adds up the probes of one gene, and warns of
/// all that is left out.
GeneList choose_genes(const FeatureList& features, const std::string& genome,
                      const std::string& where, const Context& context) {
  GeneList genes;
  std::unordered_map<std::string_view, GeneIndex> gene_of_id;  // of probes
  std::map<std::string, std::int64_t> n_of_type;
  std::set<std::string> genomes;
  std::int64_t n_of_other_genomes = 0;
  std::int64_t n_excluded = 0;
  for (std::size_t i = 0; i < features.ids.size(); ++i) {
    genes.new_column.push_back(-1);
    if (!features.types.empty() && features.types[i] != kGeneExpression) {
      ++n_of_type[features.types[i]];
      continue;
    }
    if (!features.genomes.empty()) genomes.insert(features.genomes[i]);
    if (!genome.empty() && features.genomes[i] != genome) {
      ++n_of_other_genomes;
      continue;
    }
    if (!features.is_included.empty() && features.is_included[i] == 0) {
      ++n_excluded;
      continue;
    }
    auto gene = static_cast<GeneIndex>(genes.ids.size());
    if (features.are_probes) gene = gene_of_id.emplace(features.ids[i], gene).first->second;
    genes.new_column.back() = gene;
    if (as_size(gene) < genes.ids.size()) continue;
    genes.ids.push_back(features.ids[i]);
    genes.names.push_back(features.names[i]);
  }
  warn_of_other_features(n_of_type, where, context);
  if (n_of_other_genomes > 0) {
    context.warn(fmt::format("{}: {} of other genomes than {} {} left out", where,
                             counted(n_of_other_genomes, "gene"), genome,
                             n_of_other_genomes == 1 ? "is" : "are"));
  }
  if (genome.empty() && genomes.size() > 1) {
    context.warn(fmt::format("{}: holds genes of the genomes {}; all are read, --genome takes one",
                             where, join({genomes.begin(), genomes.end()})));
  }
  if (n_excluded > 0) {
    context.warn(fmt::format("{}: {} that the file marks as excluded {} left out", where,
                             counted(n_excluded, "probe"), n_excluded == 1 ? "is" : "are"));
  }
  if (genes.ids.empty()) {
    fail(ErrorKind::BadFormat, "{}: none of its {} features is of the type '{}'{}", where,
         features.ids.size(), kGeneExpression,
         genome.empty() ? "" : " and of the genome " + genome);
  }
  if (!genome.empty()) {
    strip_genome(genes.ids, genome);
    strip_genome(genes.names, genome);
  }
  return genes;
}

std::unique_ptr<CellSource> make_source(const Hdf5Group& matrix, const FeatureList& features,
                                        const std::string& genome, const Context& context) {
  Table obs = table_named_by_texts(matrix.dataset("barcodes"));
  warn_of_repeated_barcodes(obs, matrix.file_name(), context);
  const auto n_features = static_cast<std::int64_t>(features.ids.size());
  if (features.names.size() != features.ids.size()) {
    fail(ErrorKind::BadFormat,
         "{}: has {} gene names for {} gene ids; the file is not whole. Copy it again.",
         matrix.where(), features.names.size(), features.ids.size());
  }
  const std::vector<std::int64_t> shape = matrix.dataset("shape").read_integers();
  if (shape != std::vector<std::int64_t>{n_features, obs.n_rows()}) {
    fail(ErrorKind::BadFormat,
         "{}/shape: is not {} features x {} barcodes; the file is not whole. Copy it again.",
         matrix.where(), n_features, obs.n_rows());
  }
  if (matrix.has_dataset("filtered_barcodes")) {  // of a matrix of probes: the spots in tissue
    const auto flags = matrix.dataset("filtered_barcodes").read_integers();
    if (std::ssize(flags) != obs.n_rows()) {
      fail(ErrorKind::BadFormat,
           "{}/filtered_barcodes: has {} entries for {} barcodes; the file is not whole. Copy it "
           "again.",
           matrix.where(), flags.size(), obs.n_rows());
    }
    obs.set("filtered_barcodes",
            NumberColumn{{flags.begin(), flags.end()}, NumberColumn::Kind::Boolean});
  }
  // 10x stores features x barcodes by columns: the same three arrays as cells x features by rows.
  CompressedRows rows(matrix, obs.n_rows(), n_features, context);
  warn_of_empty_barcodes(
      matrix.file_name(), obs.n_rows(), n_features,
      [&](CellIndex cell) { return rows.n_stored(cell, cell + 1); }, context);
  GeneList genes = choose_genes(features, genome, matrix.file_name(), context);
  if (genes.ids.size() == features.ids.size()) genes.new_column.clear();
  return std::make_unique<TenxSource>(
      matrix.file_name(), std::move(obs),
      make_gene_table(std::move(genes.names), std::move(genes.ids), matrix.where(), context),
      std::move(rows), std::move(genes.new_column));
}

/// A column of the features that need not be there; as long as the ids.
std::vector<std::string> read_optional(const Hdf5Group& features, const char* name,
                                       std::size_t n_ids, const char* what) {
  if (!features.has_dataset(name)) return {};
  auto texts = features.dataset(name).read_texts();
  if (texts.size() != n_ids) {
    fail(ErrorKind::BadFormat, "{}: has {} {} for {} ids; the file is not whole. Copy it again.",
         features.where(), texts.size(), what, n_ids);
  }
  return texts;
}

FeatureList read_features(const Hdf5Group& group) {
  FeatureList features;
  features.are_probes = group.has_dataset("gene_id") && group.has_dataset("probe_region");
  const bool has_gene_name = group.has_dataset("gene_name");
  features.ids = group.dataset(features.are_probes ? "gene_id" : "id").read_texts();
  features.names =
      group.dataset(features.are_probes && has_gene_name ? "gene_name" : "name").read_texts();
  const std::size_t n = features.ids.size();
  features.types = read_optional(group, "feature_type", n, "feature types");
  features.genomes = read_optional(group, "genome", n, "genomes");
  if (features.are_probes && group.has_dataset("filtered_probes")) {
    features.is_included = group.dataset("filtered_probes").read_integers();
    if (features.is_included.size() != n) {
      fail(ErrorKind::BadFormat,
           "{}: has {} filtered_probes for {} ids; the file is not whole. Copy it again.",
           group.where(), features.is_included.size(), n);
    }
  }
  return features;
}

std::unique_ptr<CellSource> open_v3(const Hdf5Group& matrix, const std::string& genome,
                                    const Context& context) {
  const Hdf5Group group = matrix.group("features");
  const FeatureList features = read_features(group);
  if (!genome.empty() && features.genomes.empty()) {
    fail(ErrorKind::BadFormat, "{}: --genome: the file does not say the genome of its features",
         group.where());
  }
  if (!genome.empty() && std::find(features.genomes.begin(), features.genomes.end(), genome) ==
                             features.genomes.end()) {
    std::set<std::string> genomes(features.genomes.begin(), features.genomes.end());
    genomes.erase("");  // of what is no gene
    fail(ErrorKind::BadFormat, "{}: --genome {}: no feature is of that genome; there is {}",
         group.where(), genome, join({genomes.begin(), genomes.end()}));
  }
  return make_source(matrix, features, genome, context);
}

std::unique_ptr<CellSource> open_v2(const Hdf5Group& root, std::string genome,
                                    const Context& context) {
  const std::vector<std::string> genomes = genome_groups(root);
  if (genome.empty() && genomes.size() == 1) genome = genomes.front();
  if (std::find(genomes.begin(), genomes.end(), genome) == genomes.end()) {
    fail(ErrorKind::BadFormat, "{}: {}holds the genomes {}; choose one with --genome",
         root.file_name(), genome.empty() ? "" : "--genome " + genome + ": ", join(genomes));
  }
  const Hdf5Group matrix = root.group(genome);
  FeatureList features;
  features.ids = matrix.dataset("genes").read_texts();
  features.names = matrix.dataset("gene_names").read_texts();
  features.genomes.assign(features.ids.size(), genome);
  return make_source(matrix, features, genome, context);
}

/// "v2" or "v3"; nothing if it is no 10x HDF5 file.
std::optional<std::string> tenx_version(const Hdf5Group& root) {
  if (root.has_group("matrix") && root.group("matrix").has_dataset("barcodes")) return "v3";
  if (!genome_groups(root).empty()) return "v2";
  return std::nullopt;
}

std::unique_ptr<CellSource> open_tenx_h5(InputFile input, const ReadOptions& options,
                                         const Context& context) {
  const Hdf5Group root = std::move(*input.hdf5);
  if (tenx_version(root) == "v3") return open_v3(root.group("matrix"), options.genome, context);
  return open_v2(root, options.genome, context);
}

std::optional<std::string> recognise_tenx_h5(const InputFile& input) {
  if (!input.hdf5) return std::nullopt;
  const auto version = tenx_version(*input.hdf5);
  if (!version) return std::nullopt;
  const bool has_probes = version == "v3" && input.hdf5->group("matrix").has_group("features") &&
                          input.hdf5->group("matrix").group("features").has("probe_region");
  return "10x HDF5 " + *version + (has_probes ? " (probes)" : "");
}

}  // namespace

const Format kTenxH5{"genome", recognise_tenx_h5, open_tenx_h5, nullptr};

}  // namespace saithe::io
