#include <algorithm>
#include <map>
#include <numeric>
#include <unordered_set>

#include "saithe/classify/train.h"
#include "saithe/core/text_io.h"

namespace saithe {
namespace {

void require_distinct(const Dataset& dataset, const std::vector<std::string>& names,
                      const char* what) {
  std::unordered_set<std::string_view> seen;
  for (const std::string& name : names) {
    if (!name.empty() && !seen.insert(name).second) {
      fail(
          ErrorKind::BadFormat,
          "{}: the {} '{}' stands for two genes; a model needs one gene for each. Make them unique "
          "(var_names_make_unique in Scanpy).",
          dataset.name(), what, printable(name));
    }
  }
}

/// The cells that have a label and counts; counts the others.
std::vector<CellIndex> find_usable_cells(const std::vector<std::string>& label_of_cell,
                                         TrainingData& data) {
  const CsrView counts = data.dataset.counts.view();
  std::vector<CellIndex> usable;
  for (CellIndex cell = 0; cell < counts.n_rows; ++cell) {
    const auto values = counts.row_values(cell);
    if (label_of_cell[as_size(cell)].empty()) {
      ++data.n_cells_without_label;
    } else if (std::none_of(values.begin(), values.end(), [](float v) { return v > 0; })) {
      ++data.n_cells_without_counts;
    } else {
      usable.push_back(cell);
    }
  }
  if (usable.empty()) {
    fail(ErrorKind::BadFormat,
         "{}: no cell is left to train on: {} of its {} cells have no label and {} no counts",
         data.dataset.name(), data.n_cells_without_label, data.n_cells_read,
         data.n_cells_without_counts);
  }
  return usable;
}

std::vector<std::string> select_names(const std::vector<std::string>& names,
                                      std::span<const CellIndex> cells) {
  std::vector<std::string> selected;
  selected.reserve(cells.size());
  for (const CellIndex cell : cells) selected.push_back(names[as_size(cell)]);
  return selected;
}

void require_types(const TrainingData& data, const LabelSet& types_before) {
  if (data.types.n_types() >= 2) return;
  const bool took_types = types_before.n_types() >= 2;
  const std::string small =
      data.small_types.empty()
          ? ""
          : fmt::format(" {} types have fewer than --min-cells-per-type cells.",
                        data.small_types.size());
  fail(ErrorKind::BadFormat,
       "{}: {} cells are left, all of the type '{}'; a classifier needs two types or more.{} {}",
       data.dataset.name(), data.labels.size(), printable(data.types.name(0)), small,
       took_types ? "The cell filters took the other types; loosen them."
                  : "Give labels with more types.");
}

/// Leaves out the types with fewer cells than `minimum`, in `names`, `cells` (of the dataset) and
/// the dataset.
void drop_small_types(int minimum, std::vector<std::string>& names, TrainingData& data) {
  std::map<std::string, std::int64_t> n_cells;
  for (const std::string& name : names) ++n_cells[name];
  std::vector<CellIndex> kept;
  for (std::size_t cell = 0; cell < names.size(); ++cell) {
    if (n_cells[names[cell]] >= minimum) kept.push_back(static_cast<CellIndex>(cell));
  }
  if (kept.size() == names.size()) return;
  for (const auto& [name, n] : n_cells) {
    if (n < minimum) data.small_types.emplace_back(name, n);
  }
  if (kept.empty()) {
    fail(ErrorKind::BadFormat,
         "{}: every one of the {} types has fewer than {} cells (--min-cells-per-type)",
         data.dataset.name(), n_cells.size(), minimum);
  }
  data.dataset = select_cells(data.dataset, kept);
  names = select_names(names, kept);
  std::vector<CellIndex> cells;
  for (const CellIndex cell : kept) cells.push_back(data.cells[as_size(cell)]);
  data.cells = std::move(cells);
}

}  // namespace

TrainingData prepare_training_data(Dataset dataset, const std::vector<std::string>& label_of_cell,
                                   const TrainOptions& options, const Context& context) {
  SAITHE_ASSERT(label_of_cell.size() == as_size(dataset.n_cells()));
  const bool needs_counts = options.qc.max_percent_mt > 0;  // a share of the molecules
  ExpressionKind kind = ExpressionKind::Counts;
  if (needs_counts) {
    require_counts(dataset, dataset.counts.view(), 0, true);
  } else {
    kind = find_expression_kind(dataset, dataset.counts.view(), 0);
  }
  require_distinct(dataset, dataset.var().index(), "gene name");
  if (dataset.var().find("gene_ids") != nullptr) {
    require_distinct(dataset, dataset.var().as_text("gene_ids"), "gene id");
  }
  TrainingData data;
  data.dataset = std::move(dataset);
  data.kind = kind;
  data.n_cells_read = data.dataset.n_cells();
  data.n_genes_read = data.dataset.n_genes();
  const auto usable = find_usable_cells(label_of_cell, data);
  data.cells = usable;
  std::vector<std::string> names = select_names(label_of_cell, usable);
  if (static_cast<std::int64_t>(usable.size()) < data.n_cells_read) {
    data.dataset = select_cells(data.dataset, usable);
  }
  const LabelSet types_before = LabelSet::from_names(names);

  QcOptions filters = options.qc;
  if (options.scale_on == ScaleOn::Training) filters.min_cells = 0;  // train() counts its own cells
  data.qc = filter_cells_and_genes(data.dataset, filters, context);
  if (data.qc.cells.size() < usable.size()) {
    data.dataset = select_cells(data.dataset, data.qc.cells);
    names = select_names(names, data.qc.cells);
    for (std::size_t i = 0; i < data.qc.cells.size(); ++i) {
      data.cells[i] = usable[as_size(data.qc.cells[i])];
    }
    data.cells.resize(data.qc.cells.size());
  }
  if (data.qc.genes.size() < as_size(data.n_genes_read)) {
    data.dataset = select_genes(data.dataset, data.qc.genes);
  }
  drop_small_types(options.min_cells_per_type, names, data);
  data.types = LabelSet::from_names(names);
  data.labels = data.types.encode(names);
  require_types(data, types_before);
  return data;
}

}  // namespace saithe
