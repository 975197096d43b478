#include <algorithm>

#include "saithe/io/formats.h"

namespace saithe::io {
namespace {

constexpr const char* kGeneExpression = "Gene Expression";

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

/// Cells x features of a 10x file, less the features that are no gene expression.
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
    return map_columns(cells.view(), new_column_, n_genes());
  }

 private:
  std::string name_;
  Table obs_;
  Table var_;
  CompressedRows rows_;
  std::vector<GeneIndex> new_column_;  // empty: every feature is kept
};

/// The features of a file as it lists them.
struct FeatureList {
  std::vector<std::string> ids;
  std::vector<std::string> names;
  std::vector<std::string> types;  // empty in v2
};

template <typename T>
std::vector<T> keep(const std::vector<T>& values, const std::vector<GeneIndex>& new_column) {
  std::vector<T> kept;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (new_column[i] >= 0) kept.push_back(values[i]);
  }
  return kept;
}

std::unique_ptr<CellSource> make_source(const Hdf5Group& matrix, FeatureList features,
                                        const Context& context) {
  Table obs(matrix.dataset("barcodes").read_texts());
  warn_of_repeated_barcodes(obs.index(), matrix.file_name(), context);
  const auto n_features = static_cast<std::int64_t>(features.ids.size());
  if (features.names.size() != features.ids.size()) {
    fail(ErrorKind::BadFormat, "{}: has {} gene names for {} gene ids", matrix.where(),
         features.names.size(), features.ids.size());
  }
  const std::vector<std::int64_t> shape = matrix.dataset("shape").read_integers();
  if (shape != std::vector<std::int64_t>{n_features, obs.n_rows()}) {
    fail(ErrorKind::BadFormat, "{}/shape: is not {} features x {} barcodes", matrix.where(),
         n_features, obs.n_rows());
  }
  // 10x stores features x barcodes by columns: the same three arrays as cells x features by rows.
  CompressedRows rows(matrix, obs.n_rows(), n_features, context);

  std::vector<GeneIndex> new_column;
  if (std::any_of(features.types.begin(), features.types.end(),
                  [](const std::string& type) { return type != kGeneExpression; })) {
    GeneIndex n_kept = 0;
    for (const std::string& type : features.types) {
      new_column.push_back(type == kGeneExpression ? n_kept++ : -1);
    }
    if (n_kept == 0) {
      fail(ErrorKind::BadFormat, "{}: none of its {} features is of the type '{}'", matrix.where(),
           n_features, kGeneExpression);
    }
    context.warn(fmt::format("{}: {} features are not of the type '{}' and are left out",
                             matrix.file_name(), n_features - n_kept, kGeneExpression));
    features.ids = keep(features.ids, new_column);
    features.names = keep(features.names, new_column);
  }
  return std::make_unique<TenxSource>(
      matrix.file_name(), std::move(obs),
      make_gene_table(std::move(features.names), std::move(features.ids), matrix.where()),
      std::move(rows), std::move(new_column));
}

}  // namespace

Table make_gene_table(std::vector<std::string> names, std::vector<std::string> ids,
                      const std::string& where) {
  require_unique_gene_ids(ids, where);
  make_names_unique(names);
  Table var(std::move(names));
  var.set("gene_ids", TextColumn{std::move(ids), {}});
  return var;
}

namespace {

/// "v2" or "v3"; nothing if it is no 10x HDF5 file.
std::optional<std::string> tenx_version(const Hdf5Group& root) {
  if (root.has_group("matrix") && root.group("matrix").has_dataset("barcodes")) return "v3";
  if (!genome_groups(root).empty()) return "v2";
  return std::nullopt;
}

std::unique_ptr<CellSource> open_tenx_h5(InputFile input, const ReadOptions& options,
                                         const Context& context) {
  const Hdf5Group root = std::move(*input.hdf5);
  if (tenx_version(root) == "v3") {
    const Hdf5Group matrix = root.group("matrix");
    const Hdf5Group features = matrix.group("features");
    FeatureList list{
        features.dataset("id").read_texts(), features.dataset("name").read_texts(), {}};
    if (features.has_dataset("feature_type")) {
      list.types = features.dataset("feature_type").read_texts();
    }
    if (!list.types.empty() && list.types.size() != list.ids.size()) {
      fail(ErrorKind::BadFormat, "{}: has {} feature types for {} ids", features.where(),
           list.types.size(), list.ids.size());
    }
    if (!options.genome.empty()) {
      if (!features.has_dataset("genome")) {
        fail(ErrorKind::BadFormat, "{}: --genome: the file does not say the genome of its features",
             features.where());
      }
      const auto genomes = features.dataset("genome").read_texts();
      if (std::find(genomes.begin(), genomes.end(), options.genome) == genomes.end()) {
        fail(ErrorKind::BadFormat, "{}: --genome {}: no feature is of that genome",
             features.where(), options.genome);
      }
      if (list.types.empty()) list.types.assign(list.ids.size(), kGeneExpression);
      for (std::size_t i = 0; i < genomes.size() && i < list.types.size(); ++i) {
        if (genomes[i] != options.genome) list.types[i] = "another genome";
      }
    }
    return make_source(matrix, std::move(list), context);
  }
  const std::vector<std::string> genomes = genome_groups(root);
  std::string genome = options.genome;
  if (genome.empty() && genomes.size() == 1) genome = genomes.front();
  if (std::find(genomes.begin(), genomes.end(), genome) == genomes.end()) {
    std::string names;
    for (const std::string& name : genomes) names += (names.empty() ? "" : ", ") + name;
    fail(ErrorKind::BadFormat, "{}: holds the genomes {}; choose one with --genome",
         root.file_name(), names);
  }
  const Hdf5Group matrix = root.group(genome);
  return make_source(
      matrix, {matrix.dataset("genes").read_texts(), matrix.dataset("gene_names").read_texts(), {}},
      context);
}

std::optional<std::string> recognise_tenx_h5(const InputFile& input) {
  if (!input.hdf5) return std::nullopt;
  const auto version = tenx_version(*input.hdf5);
  if (!version) return std::nullopt;
  return "10x HDF5 " + *version;
}

}  // namespace

const Format kTenxH5{"genome", recognise_tenx_h5, open_tenx_h5, nullptr};

}  // namespace saithe::io
