#include "saithe/classify/celltypist_predict.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>
#include <unordered_set>

#include "saithe/core/parallel.h"
#include "saithe/core/text_io.h"

namespace saithe {
namespace {

constexpr double kMaxScaled = 10;  // celltypist/classifier.py, celltype()
constexpr std::int64_t kChunkCells = 256;

/// Names as AnnData makes them unique (anndata.utils.make_index_unique).
std::vector<std::string> unique_names(const std::vector<std::string>& names) {
  std::vector<std::string> unique = names;
  std::unordered_set<std::string> taken(names.begin(), names.end());
  if (taken.size() == names.size()) return unique;
  std::unordered_set<std::string> seen;
  std::unordered_map<std::string, std::int64_t> n_tried;
  for (std::string& name : unique) {
    if (seen.insert(name).second) continue;
    std::int64_t& n = n_tried[name];
    std::string changed;
    do {
      changed = fmt::format("{}-{}", name, ++n);
    } while (!taken.insert(changed).second);
    name = std::move(changed);
  }
  return unique;
}

/// Throws unless each gene of the model is matched once at most, and one is.
void require_match(const CellTypistModel& model, const CsrView& log_expression,
                   std::span<const GeneIndex> model_gene) {
  std::vector<bool> is_matched(model.genes.size());
  std::int64_t n_matched = 0;
  bool fits = std::cmp_equal(model_gene.size(), log_expression.n_cols);
  for (const GeneIndex gene : model_gene) {
    if (gene < 0) continue;
    fits = fits && gene < model.n_genes() && !is_matched[as_size(gene)];
    if (!fits) break;
    is_matched[as_size(gene)] = true;
    ++n_matched;
  }
  if (!fits) {
    fail(ErrorKind::InvalidArgument,
         "the match of {} genes does not belong to a query of {} and a model of {}",
         model_gene.size(), log_expression.n_cols, model.n_genes());
  }
  if (n_matched == 0) {
    fail(ErrorKind::Incompatible,
         "the query has none of the model's {} genes, which begin with '{}'; check organism and "
         "gene names",
         model.n_genes(), printable(model.genes.front()));
  }
}

double scaled(double x, double mean, double scale) {
  return std::min((x - mean) / scale, kMaxScaled);
}

/// The model's numbers in the order of the query's genes.
struct QueryModel {
  std::vector<double> unexpressed;    // z of x = 0, per query gene
  std::vector<double> by_gene;        // coefficients (n_genes of the model, n_types)
  std::vector<double> base_decision;  // of a cell without counts
};

QueryModel prepare(const CellTypistModel& model, std::span<const GeneIndex> model_gene) {
  const auto n_types = as_size(model.n_types());
  const auto n_genes = as_size(model.n_genes());
  QueryModel query = {std::vector<double>(model_gene.size()),
                      std::vector<double>(model.coefficients.size()), model.intercepts};
  for (std::size_t type = 0; type < n_types; ++type) {
    for (std::size_t gene = 0; gene < n_genes; ++gene) {
      query.by_gene[gene * n_types + type] = model.coefficients[type * n_genes + gene];
    }
  }
  for (std::size_t column = 0; column < model_gene.size(); ++column) {
    if (model_gene[column] < 0) continue;
    const auto gene = as_size(model_gene[column]);
    const double z = scaled(0, model.mean[gene], model.scale[gene]);
    query.unexpressed[column] = z;
    for (std::size_t type = 0; type < n_types; ++type) {
      query.base_decision[type] += z * query.by_gene[gene * n_types + type];
    }
  }
  return query;
}

}  // namespace

std::vector<GeneIndex> match_celltypist_genes(const CellTypistModel& model,
                                              const std::vector<std::string>& query_genes) {
  std::unordered_map<std::string_view, GeneIndex> gene_of;
  for (GeneIndex gene = 0; gene < model.n_genes(); ++gene) {
    gene_of.emplace(model.genes[as_size(gene)], gene);
  }
  const std::vector<std::string> names = unique_names(query_genes);
  std::vector<GeneIndex> model_gene(names.size(), -1);
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto found = gene_of.find(names[i]);
    if (found != gene_of.end()) model_gene[i] = found->second;
  }
  return model_gene;
}

std::vector<double> celltypist_decisions(const CellTypistModel& model,
                                         const CsrView& log_expression,
                                         std::span<const GeneIndex> model_gene,
                                         const Context& context) {
  require_match(model, log_expression, model_gene);
  const QueryModel query = prepare(model, model_gene);
  const auto n_types = as_size(model.n_types());
  std::vector<double> decisions(
      as_size(checked_multiply(log_expression.n_rows, model.n_types(), "decisions")));
  const auto decide = [&](CellIndex cell) {
    const auto row = std::span(decisions).subspan(as_size(cell) * n_types, n_types);
    std::copy(query.base_decision.begin(), query.base_decision.end(), row.begin());
    const auto columns = log_expression.row_columns(cell);
    const auto values = log_expression.row_values(cell);
    for (std::size_t i = 0; i < columns.size(); ++i) {
      const auto column = as_size(columns[i]);
      if (model_gene[column] < 0) continue;
      const auto gene = as_size(model_gene[column]);
      const double z = scaled(static_cast<double>(values[i]), model.mean[gene], model.scale[gene]);
      const double change = z - query.unexpressed[column];
      const double* weights = &query.by_gene[gene * n_types];
      for (std::size_t type = 0; type < n_types; ++type) row[type] += change * weights[type];
    }
    if (!std::all_of(row.begin(), row.end(), [](double value) { return std::isfinite(value); })) {
      fail(ErrorKind::Numerical,
           "a decision of cell {} is not finite: its values or the model's are too large", cell);
    }
  };
  parallel_for(context, log_expression.n_rows, kChunkCells,
               [&](std::int64_t begin, std::int64_t end) {
                 for (CellIndex cell = begin; cell < end; ++cell) decide(cell);
               });
  return decisions;
}

std::vector<LabelIndex> celltypist_labels(std::span<const double> decisions, LabelIndex n_types) {
  const auto n = as_size(n_types);
  std::vector<LabelIndex> labels(decisions.size() / n);
  for (std::size_t cell = 0; cell < labels.size(); ++cell) {
    const auto row = decisions.subspan(cell * n, n);
    labels[cell] = static_cast<LabelIndex>(std::max_element(row.begin(), row.end()) - row.begin());
  }
  return labels;
}

DenseMatrix celltypist_probabilities(std::span<const double> decisions, LabelIndex n_types) {
  DenseMatrix probabilities(static_cast<std::int64_t>(decisions.size()) / n_types, n_types);
  std::transform(decisions.begin(), decisions.end(), probabilities.data(),
                 [](double decision) { return static_cast<float>(1 / (1 + std::exp(-decision))); });
  return probabilities;
}

}  // namespace saithe
