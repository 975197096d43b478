#include "saithe/classify/import_celltypist.h"

#include <algorithm>
#include <numeric>

#include "saithe/classify/celltypist_model.h"

namespace saithe {
namespace {

// celltypist/classifier.py cuts scaled values here.
constexpr double kLargestZ = 10;

/// The order of the types by name: saithe keeps them sorted.
std::vector<std::size_t> sorted_order(const std::vector<std::string>& names) {
  std::vector<std::size_t> order(names.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return names[a] < names[b]; });
  return order;
}

Preprocessor make_preprocessor(const CellTypistModel& source) {
  PreprocessorOptions options;
  options.scale = true;
  options.max_value = kLargestZ;
  ReferenceGenes genes;
  genes.names = source.genes;
  genes.inputs = std::vector<GeneIndex>(source.genes.size());
  std::iota(genes.inputs.begin(), genes.inputs.end(), GeneIndex{0});
  return Preprocessor(options, ExpressionKind::LogNormalized, std::move(genes), source.mean,
                      source.scale);
}

Member make_member(const CellTypistModel& source, const std::vector<std::size_t>& order) {
  const std::size_t n_genes = source.genes.size();
  Member member;
  member.shape.n_inputs = source.n_genes();
  member.shape.n_outputs = source.n_types();
  AlignedVector<float> weights(n_genes * order.size());
  AlignedVector<float> biases(order.size());
  for (std::size_t type = 0; type < order.size(); ++type) {
    biases[type] = static_cast<float>(source.intercepts[order[type]]);
    for (std::size_t gene = 0; gene < n_genes; ++gene) {
      weights[gene * order.size() + type] =
          static_cast<float>(source.coefficients[order[type] * n_genes + gene]);
    }
  }
  member.parameters.weights.push_back(std::move(weights));
  member.parameters.biases.push_back(std::move(biases));
  return member;
}

}  // namespace

Model import_celltypist(const std::filesystem::path& path) {
  const CellTypistModel source = load_celltypist_model(path);
  const auto order = sorted_order(source.cell_types);
  Model model;
  std::vector<std::string> names;
  for (const std::size_t type : order) names.push_back(source.cell_types[type]);
  model.types = LabelSet(std::move(names));
  model.preprocessor = make_preprocessor(source);
  model.members.push_back(make_member(source, order));
  model.output = OutputKind::OneVsRest;
  model.card.sources = {path.filename().string()};
  model.card.scores.validation = "none";
  model.options.emplace_back(
      "imported-from",
      "CellTypist (" + source.classifier +
          (source.sklearn_version.empty() ? ")"
                                          : ", scikit-learn " + source.sklearn_version + ")"));
  for (const auto& [name, value] : source.description) {
    model.options.emplace_back("celltypist-" + name, value);
  }
  model.saithe_version = SAITHE_VERSION;
  return model;
}

}  // namespace saithe
