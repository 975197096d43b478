#include "saithe/prep/qc.h"

#include <algorithm>
#include <numeric>
#include <unordered_set>

#include "saithe/core/parallel.h"
#include "saithe/core/text_io.h"
#include "saithe/prep/gene_sums.h"

namespace saithe {
namespace {

constexpr std::int64_t kChunkCells = 1024;

std::int64_t count_expressed(std::span<const float> values) {
  return std::count_if(values.begin(), values.end(), [](float value) { return value > 0; });
}

/// The entries of `indices` that pass; the tally of the others goes into `step`.
template <typename Index, typename Passes>
std::vector<Index> keep_if(const std::vector<Index>& indices, std::int64_t& n_dropped,
                           Passes passes) {
  std::vector<Index> kept;
  for (std::size_t i = 0; i < indices.size(); ++i) {
    if (passes(i)) kept.push_back(indices[i]);
  }
  n_dropped = static_cast<std::int64_t>(indices.size() - kept.size());
  return kept;
}

[[noreturn]] void fail_nothing_left(const RowSource& values, const std::string& name,
                                    const std::vector<FilterStep>& steps, const char* what) {
  std::string tally;
  for (const FilterStep& step : steps) {
    tally += fmt::format("{}{} took {} cells and {} genes", tally.empty() ? "" : ", ", step.name,
                         step.n_cells_dropped, step.n_genes_dropped);
  }
  fail(ErrorKind::BadFormat,
       "{}: no {} is left after quality control of {} cells and {} genes: {}. Loosen that filter "
       "(0 turns it off).",
       name, what, values.n_rows(), values.n_cols(), tally);
}

void require_options(const QcOptions& options) {
  const bool is_valid = options.min_genes >= 0 && options.min_cells >= 0 &&
                        options.max_genes >= 0 && options.max_percent_mt >= 0 &&
                        options.max_percent_mt <= 100;
  if (!is_valid) {
    fail(
        ErrorKind::InvalidArgument,
        "--min-genes {}, --min-cells {}, --max-genes {} and --max-percent-mt {} must be 0 (off) or "
        "more, a percentage at most 100",
        options.min_genes, options.min_cells, options.max_genes, options.max_percent_mt);
  }
}

}  // namespace

std::vector<bool> find_mitochondrial_genes(const Table& var, const QcOptions& options) {
  const std::vector<std::string>& names = var.index();
  std::vector<bool> is_mt(names.size());
  if (options.mt_genes.empty()) {
    for (std::size_t gene = 0; gene < names.size(); ++gene) {
      is_mt[gene] = std::any_of(options.mt_prefixes.begin(), options.mt_prefixes.end(),
                                [&](const std::string& prefix) {
                                  return !prefix.empty() && names[gene].starts_with(prefix);
                                });
    }
    return is_mt;
  }
  std::unordered_set<std::string> listed(options.mt_genes.begin(), options.mt_genes.end());
  for (std::size_t gene = 0; gene < names.size(); ++gene) {
    is_mt[gene] = listed.contains(names[gene]);
  }
  for (const std::string& name : names) listed.erase(name);
  if (!listed.empty()) {
    fail(ErrorKind::InvalidArgument, "--mt-genes: the file has no gene '{}' ({} of {} not found)",
         *std::min_element(listed.begin(), listed.end()), listed.size(), options.mt_genes.size());
  }
  return is_mt;
}

QcMetrics qc_metrics(const CsrView& counts, const std::vector<bool>& is_mt,
                     const Context& context) {
  SAITHE_ASSERT(is_mt.size() == as_size(counts.n_cols));
  const auto n = as_size(counts.n_rows);
  QcMetrics metrics{std::vector<std::int64_t>(n), std::vector<double>(n), std::vector<double>(n),
                    std::vector<double>(n)};
  parallel_for(context, counts.n_rows, kChunkCells, [&](std::int64_t begin, std::int64_t end) {
    for (CellIndex cell = begin; cell < end; ++cell) {
      const auto genes = counts.row_columns(cell);
      const auto values = counts.row_values(cell);
      double total = 0;
      double mt = 0;
      for (std::size_t i = 0; i < values.size(); ++i) {
        total += static_cast<double>(values[i]);
        if (is_mt[as_size(genes[i])]) mt += static_cast<double>(values[i]);
      }
      const auto at = as_size(cell);
      metrics.n_genes_by_counts[at] = count_expressed(values);
      metrics.total_counts[at] = total;
      metrics.total_counts_mt[at] = mt;
      metrics.pct_counts_mt[at] = total > 0 ? 100 * mt / total : 0;
    }
  });
  return metrics;
}

std::vector<std::int64_t> count_cells_per_gene(const RowSelection& counts, const Context& context) {
  return gene_sums<std::int64_t>(counts, counts.n_cols(), {}, context, [](GeneIndex, float value) {
    return std::int64_t{value > 0 ? 1 : 0};
  });
}

namespace {

/// The number of expressed genes of each cell.
std::vector<std::int64_t> count_expressed_genes(const RowSource& values, const Context& context) {
  const RowSelection rows(values, {});
  std::vector<std::int64_t> n_genes(as_size(values.n_rows()));
  for (CellIndex begin = 0, end = 0; begin < rows.n_rows(); begin = end) {
    end = rows.block_end(begin, kPassBlockCells, context);
    const CsrMatrix block = rows.read(begin, end, context);
    for (CellIndex row = 0; row < block.n_rows; ++row) {
      n_genes[as_size(begin + row)] = count_expressed(block.view().row_values(row));
    }
  }
  return n_genes;
}

/// Metrics of some cells over some genes.
QcMetrics metrics_of(const RowSource& values, std::span<const CellIndex> cells,
                     std::span<const GeneIndex> genes, const std::vector<bool>& is_mt,
                     const Context& context) {
  std::vector<GeneIndex> new_column(as_size(values.n_cols()), -1);
  std::vector<bool> is_mt_of_kept;
  for (std::size_t i = 0; i < genes.size(); ++i) {
    new_column[as_size(genes[i])] = static_cast<GeneIndex>(i);
    is_mt_of_kept.push_back(is_mt[as_size(genes[i])]);
  }
  const RowSelection rows(values, cells);
  QcMetrics all;
  for (CellIndex begin = 0, end = 0; begin < rows.n_rows(); begin = end) {
    context.throw_if_cancelled();
    end = rows.block_end(begin, kPassBlockCells, context);
    const CsrMatrix block = map_columns(rows.read(begin, end, context).view(), new_column,
                                        static_cast<GeneIndex>(genes.size()), context);
    const QcMetrics own = qc_metrics(block.view(), is_mt_of_kept, context);
    const auto add = [](auto& to, const auto& from) {
      to.insert(to.end(), from.begin(), from.end());
    };
    add(all.n_genes_by_counts, own.n_genes_by_counts);
    add(all.total_counts, own.total_counts);
    add(all.total_counts_mt, own.total_counts_mt);
    add(all.pct_counts_mt, own.pct_counts_mt);
  }
  return all;
}

}  // namespace

QcResult filter_cells_and_genes(const Dataset& dataset, const QcOptions& options,
                                const Context& context) {
  return filter_cells_and_genes(MatrixRows(dataset.counts.view()), dataset.var(), dataset.name(),
                                options, context);
}

QcResult filter_cells_and_genes(const RowSource& values, const Table& var, const std::string& name,
                                const QcOptions& options, const Context& context) {
  require_options(options);
  // Sought among all genes: a listed gene that min_cells takes is no mistake of the user.
  const std::vector<bool> is_mt = find_mitochondrial_genes(var, options);
  QcResult result;
  result.cells.resize(as_size(values.n_rows()));
  std::iota(result.cells.begin(), result.cells.end(), CellIndex{0});
  result.genes.resize(as_size(values.n_cols()));
  std::iota(result.genes.begin(), result.genes.end(), GeneIndex{0});

  if (options.min_genes > 0) {
    FilterStep step{fmt::format("min_genes {}", options.min_genes), 0, 0};
    const auto n_expressed = count_expressed_genes(values, context);
    result.cells = keep_if(result.cells, step.n_cells_dropped,
                           [&](std::size_t i) { return n_expressed[i] >= options.min_genes; });
    result.steps.push_back(step);
    if (result.cells.empty()) fail_nothing_left(values, name, result.steps, "cell");
  }
  if (options.min_cells > 0) {
    FilterStep step{fmt::format("min_cells {}", options.min_cells), 0, 0};
    const auto n_cells = count_cells_per_gene({values, result.cells}, context);
    result.genes = keep_if(result.genes, step.n_genes_dropped, [&](std::size_t i) {
      return n_cells[as_size(result.genes[i])] >= options.min_cells;
    });
    result.steps.push_back(step);
    if (result.genes.empty()) fail_nothing_left(values, name, result.steps, "gene");
  }

  result.metrics = metrics_of(values, result.cells, result.genes, is_mt, context);
  result.metrics_cells = result.cells;
  const auto keep_cells = [&](std::string filter, auto&& passes) {
    FilterStep step{std::move(filter), 0, 0};
    std::vector<std::size_t> positions(result.cells.size());  // of the kept cells in the metrics
    for (std::size_t i = 0, m = 0; i < result.cells.size(); ++i, ++m) {
      while (result.metrics_cells[m] != result.cells[i]) ++m;
      positions[i] = m;
    }
    result.cells = keep_if(result.cells, step.n_cells_dropped,
                           [&](std::size_t i) { return passes(positions[i]); });
    result.steps.push_back(step);
    if (result.cells.empty()) fail_nothing_left(values, name, result.steps, "cell");
  };
  if (options.max_genes > 0) {
    keep_cells(fmt::format("max_genes {}", options.max_genes), [&](std::size_t i) {
      return result.metrics.n_genes_by_counts[i] < options.max_genes;
    });
  }
  if (options.max_percent_mt > 0) {
    keep_cells(
        fmt::format("max_percent_mt {}", format_number(options.max_percent_mt)),
        [&](std::size_t i) { return result.metrics.pct_counts_mt[i] < options.max_percent_mt; });
  }
  return result;
}

}  // namespace saithe
