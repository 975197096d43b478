#include "saithe/classify/background.h"

#include <algorithm>

#include "saithe/classify/predict.h"

namespace saithe {
namespace {

/// Evenly spaced cells of a source that have counts on genes of the model.
CsrMatrix read_spaced_cells(CellSource& source, const GeneMatch& match, std::int64_t n_cells,
                            ExpressionKind& kind, const Context& context) {
  const std::int64_t n_all = source.n_cells();
  const std::int64_t n = n_cells == 0 ? n_all : std::min(n_cells, n_all);
  CsrMatrix chosen;
  chosen.n_cols = source.n_genes();
  for (std::int64_t i = 0; i < n; ++i) {
    context.throw_if_cancelled();
    const CellIndex cell = i * n_all / n;
    const CsrMatrix values = source.read_cells(cell, cell + 1, context);
    if (!find_cells_with_counts(values.view(), match.model_gene, context).front()) continue;
    append_rows(chosen, values.view());
  }
  if (chosen.n_rows == 0) {
    fail(ErrorKind::BadFormat,
         "{}: no cell of it has counts on genes of the model; a background "
         "needs at least one",
         source.name());
  }
  kind = find_expression_kind(source, chosen.view(), 0, context);
  return chosen;
}

}  // namespace

Background mean_background(const Preprocessor& preprocessor) {
  Background background;
  const auto n_genes = as_size(preprocessor.n_genes());
  background.values.n_rows = 1;
  background.values.n_cols = preprocessor.n_genes();
  background.values.row_start = {0, 0};
  background.offset.assign(n_genes, 0.0F);
  // A scaled gene is 0 at its mean. Rounded as the shift of a missing gene, so that such a one
  // differs from the background by exactly 0.
  if (!preprocessor.options().scale) {
    for (std::size_t gene = 0; gene < n_genes; ++gene) {
      background.offset[gene] = static_cast<float>(preprocessor.mean()[gene]);
    }
  }
  background.expression = preprocessor.mean();
  background.name = "the mean of the training cells";
  return background;
}

Background cell_background(const Preprocessor& preprocessor, CellSource& source,
                           std::int64_t n_cells, const Context& context,
                           const GeneMatchOptions& genes) {
  const GeneMatch match = preprocessor.match_genes(source.var(), genes, source.name());
  if (match.n_matched == 0) {
    fail(ErrorKind::Incompatible,
         "{}: has none of the model's {} genes; check organism and gene "
         "names",
         source.name(), preprocessor.n_genes());
  }
  ExpressionKind kind = ExpressionKind::Counts;
  const CsrMatrix cells = read_spaced_cells(source, match, n_cells, kind, context);
  Features features = preprocessor.apply(cells.view(), match, kind, context);
  Background background;
  background.offset.reserve(features.shift.size());
  for (const float shift : features.shift) background.offset.push_back(-shift);
  background.values = std::move(features.values);
  const Features logs = preprocessor.unscaled().apply(cells.view(), match, kind, context);
  const auto n = static_cast<double>(cells.n_rows);
  background.expression.assign(logs.shift.size(), 0.0);
  for (std::size_t i = 0; i < logs.values.values.size(); ++i) {
    background.expression[as_size(logs.values.columns[i])] +=
        static_cast<double>(logs.values.values[i]) / n;
  }
  for (std::size_t gene = 0; gene < logs.shift.size(); ++gene) {
    background.expression[gene] -= static_cast<double>(logs.shift[gene]);  // of genes not there
  }
  background.name = fmt::format("{} cells of {}", cells.n_rows, source.name());
  return background;
}

}  // namespace saithe
