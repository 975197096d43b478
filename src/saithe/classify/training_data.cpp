#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_set>

#include "saithe/classify/repeated_cells.h"
#include "saithe/classify/train.h"
#include "saithe/classify/training_memory.h"
#include "saithe/core/parallel.h"
#include "saithe/core/sha256.h"
#include "saithe/core/text_io.h"

namespace saithe {
namespace {

// Most cells that are in memory while a source is read.
constexpr CellIndex kBlockCells = 4096;
// Cells whose hash is computed by one thread.
constexpr std::int64_t kHashCells = 512;

void require_distinct(const std::string& file, const std::vector<std::string>& names,
                      const char* what) {
  std::unordered_set<std::string_view> seen;
  for (const std::string& name : names) {
    if (!name.empty() && !seen.insert(name).second) {
      fail(
          ErrorKind::BadFormat,
          "{}: the {} '{}' stands for two genes; a model needs one gene for each. Make them unique "
          "(var_names_make_unique in Scanpy).",
          file, what, printable(name));
    }
  }
}

void add_row(const CsrView& rows, CellIndex row, Sha256& hash) {
  const auto columns = rows.row_columns(row);
  const auto values = rows.row_values(row);
  const auto n_stored = static_cast<std::int64_t>(columns.size());
  hash.update(&n_stored, sizeof n_stored);
  hash.update(columns.data(), columns.size_bytes());
  hash.update(values.data(), values.size_bytes());
}

/// Reads a source once and packs the cells that have a label and counts; counts the others.
class ReferenceReader {
 public:
  ReferenceReader(CellSource& source, const std::vector<std::string>& label_of_cell,
                  const TrainOptions& options, const Context& context)
      : source_(source),
        label_of_cell_(label_of_cell),
        needs_counts_(options.qc.max_percent_mt > 0),  // a share of the molecules
        context_(context),
        values_(
            std::make_shared<PackedRows>(source.n_genes(), context.max_memory / kReferenceShare)) {}

  /// Fills all but labels, types and what filters say.
  TrainingData read() {
    TrainingData data;
    data.n_cells_read = source_.n_cells();
    data.n_genes_read = source_.n_genes();
    std::optional<ExpressionKind> kind;
    for (CellIndex begin = 0, end = 0; begin < data.n_cells_read; begin = end) {
      context_.throw_if_cancelled();
      end = source_.block_end(begin, kBlockCells, context_);
      const CsrMatrix block = source_.read_cells(begin, end, context_);
      if (!kind) {
        kind = needs_counts_ ? ExpressionKind::Counts
                             : find_expression_kind(source_, block.view(), context_);
      }
      require_expression(source_, block.view(), begin, *kind, context_);
      add_usable(block.view(), begin, data);
      context_.report("reading", end, data.n_cells_read);
    }
    if (data.cells.empty()) {
      fail(ErrorKind::BadFormat,
           "{}: no cell is left to train on: {} of its {} cells have no label and {} no counts",
           source_.name(), data.n_cells_without_label, data.n_cells_read,
           data.n_cells_without_counts);
    }
    for (const auto& [word, n] : n_called_) {
      context_.warn(fmt::format("{}: left out, as without a label: {} called '{}', the name of {}",
                                source_.name(), counted(n, "cell"), word,
                                lower(word) == kUnassigned ? "cells whose type cannot be known"
                                                           : "clusters of several types"));
    }
    warn_of_repeated();
    data.kind = kind.value_or(ExpressionKind::Counts);
    data.dataset = PackedCells(source_.name(), values_, source_.obs().select_rows(data.cells),
                               source_.var(), select_cells(source_.measured_genes(), data.cells));
    data.dataset.set_values_chosen();
    return data;
  }

 private:
  void add_usable(const CsrView& block, CellIndex first, TrainingData& data) {
    std::vector<CellIndex> usable;
    for (CellIndex row = 0; row < block.n_rows; ++row) {
      const std::string& label = label_of_cell_[as_size(first + row)];
      if (!is_label(label)) {
        ++data.n_cells_without_label;
        if (!label.empty()) ++n_called_[label];
      } else if (std::ranges::none_of(block.row_values(row), [](float v) { return v > 0; })) {
        ++data.n_cells_without_counts;
      } else {
        usable.push_back(row);
        data.cells.push_back(first + row);
      }
    }
    repeated_.add(block, usable, first, context_);
    if (static_cast<CellIndex>(usable.size()) == block.n_rows) {
      values_->append(block, context_);
    } else {
      values_->append(select_rows(block, usable).view(), context_);
    }
  }

  void warn_of_repeated() {
    const RepeatedCells::Found found = repeated_.find();
    if (found.n_cells == 0) return;
    context_.warn(fmt::format(
        "{}: {} the values of an earlier cell ('{}' those of '{}'). Where one cell is given twice "
        "a model is judged on cells that it was trained on, and looks better than it is: give each "
        "cell once",
        source_.name(),
        found.n_cells == 1 ? "1 cell has" : fmt::format("{} cells have", found.n_cells),
        printable(source_.obs().name_of(found.cell)),
        printable(source_.obs().name_of(found.earlier))));
  }

  CellSource& source_;
  const std::vector<std::string>& label_of_cell_;
  bool needs_counts_;
  const Context& context_;
  std::shared_ptr<PackedRows> values_;
  RepeatedCells repeated_;
  std::map<std::string, std::int64_t> n_called_;  // cells, by the word in the place of a type
};

std::vector<LabelIndex> select_labels(std::span<const LabelIndex> labels,
                                      std::span<const CellIndex> cells) {
  std::vector<LabelIndex> selected;
  selected.reserve(cells.size());
  for (const CellIndex cell : cells) selected.push_back(labels[as_size(cell)]);
  return selected;
}

std::int64_t count_types(const LabelSet& types, std::span<const LabelIndex> labels) {
  return std::ranges::count_if(count_labels(labels, types.n_types()),
                               [](std::int64_t n) { return n > 0; });
}

/// The types that have cells; `labels` become theirs.
LabelSet types_in_use(const LabelSet& all, std::vector<LabelIndex>& labels) {
  const std::vector<std::int64_t> n_cells = count_labels(labels, all.n_types());
  std::vector<std::string> names;
  std::vector<LabelIndex> renumbered;
  for (LabelIndex type = 0; type < all.n_types(); ++type) {
    renumbered.push_back(static_cast<LabelIndex>(names.size()));
    if (n_cells[as_size(type)] > 0) names.push_back(all.name(type));
  }
  for (LabelIndex& label : labels) label = renumbered[as_size(label)];
  return LabelSet(std::move(names));
}

void require_types(const TrainingData& data, std::int64_t n_types_before) {
  if (data.types.n_types() >= 2) return;
  const bool took_types = n_types_before >= 2;
  const std::string small =
      data.small_types.empty()
          ? ""
          : fmt::format(" {} types have fewer than --min-cells-per-type cells.",
                        data.small_types.size());
  fail(ErrorKind::BadFormat,
       "{}: {} cells are left, all of the type '{}'; a classifier needs two types or more.{} {}",
       data.dataset.name(), data.labels.size(), printable(data.types.name(0)), small,
       !data.small_types.empty() ? "Lower it, or give more cells of these types."
       : took_types              ? "The cell filters took the other types; loosen them."
                                 : "Give labels with more types.");
}

/// Leaves out the types with fewer cells than `minimum`, in the labels, `cells` and the dataset.
void drop_small_types(int minimum, const LabelSet& types, TrainingData& data) {
  const std::vector<std::int64_t> n_cells = count_labels(data.labels, types.n_types());
  std::vector<CellIndex> kept;
  for (std::size_t cell = 0; cell < data.labels.size(); ++cell) {
    if (n_cells[as_size(data.labels[cell])] >= minimum) {
      kept.push_back(static_cast<CellIndex>(cell));
    }
  }
  if (kept.size() == data.labels.size()) return;
  std::int64_t n_types = 0;
  for (LabelIndex type = 0; type < types.n_types(); ++type) {
    const std::int64_t n = n_cells[as_size(type)];
    if (n > 0) ++n_types;
    if (n > 0 && n < minimum) data.small_types.emplace_back(types.name(type), n);
  }
  if (kept.empty()) {
    fail(ErrorKind::BadFormat,
         "{}: each of its types ({}) has fewer than {} cells (--min-cells-per-type)",
         data.dataset.name(), n_types, minimum);
  }
  data.dataset.select_cells(kept);
  data.labels = select_labels(data.labels, kept);
  std::vector<CellIndex> cells;
  for (const CellIndex cell : kept) cells.push_back(data.cells[as_size(cell)]);
  data.cells = std::move(cells);
}

/// Words that tables hold where a label is missing, left as text by what wrote them.
void warn_of_missing_names(const TrainingData& data, const Context& context) {
  static const std::set<std::string> kMissing = {"nan",     "na",         "n/a",        "none",
                                                 "null",    "<na>",       "unknown",    "unlabeled",
                                                 "missing", "unlabelled", "unannotated"};
  for (LabelIndex type = 0; type < data.types.n_types(); ++type) {
    const std::string& name = data.types.name(type);
    if (!kMissing.contains(lower(name))) continue;
    context.warn(fmt::format(
        "{}: '{}' is learned as a type, from {}; if it says that the label is missing, "
        "leave these labels empty, or call them '{}'",
        data.dataset.name(), printable(name),
        counted(std::count(data.labels.begin(), data.labels.end(), type), "cell"), kUnassigned));
  }
}

/// "CD4 T cells" and "CD4 T cells ", "cd4_T_cells".
void warn_of_names_alike(const TrainingData& data, const Context& context) {
  std::map<std::string, std::string> names_of;
  std::map<std::string, int> n_of;
  for (const std::string& name : data.types.names()) {
    std::string key = lower(name);
    std::erase_if(key, [](char c) { return c == ' ' || c == '\t' || c == '_' || c == '.'; });
    std::string& names = names_of[key];
    names += (names.empty() ? "'" : ", '") + printable(name) + "'";
    ++n_of[key];
  }
  for (const auto& [key, n] : n_of) {
    if (n == 1) continue;
    context.warn(fmt::format(
        "{}: {} differ by blanks, points, underscores or capitals alone, and are learned as {} "
        "types. If they are one, write them alike",
        data.dataset.name(), names_of[key], n));
  }
}

}  // namespace

TrainingData prepare_training_data(Dataset dataset, const std::vector<std::string>& label_of_cell,
                                   const TrainOptions& options, const Context& context) {
  CellSource& source = dataset;
  return prepare_training_data(source, label_of_cell, options, context);
}

TrainingData prepare_training_data(CellSource& source,
                                   const std::vector<std::string>& label_of_cell,
                                   const TrainOptions& options, const Context& context) {
  SAITHE_ASSERT(label_of_cell.size() == as_size(source.n_cells()));
  require_distinct(source.name(), source.var().index(), "gene name");
  if (source.var().find("gene_ids") != nullptr) {
    require_distinct(source.name(), source.var().as_text("gene_ids"), "gene id");
  }
  const LabelSet all_types = LabelSet::from_names(label_of_cell);
  const CellIndex n_labelled = std::ranges::count_if(label_of_cell, is_label);
  const Context values_context =
      context_for_values(context, source.name(), n_labelled, all_types.n_types(), options);
  TrainingData data = ReferenceReader(source, label_of_cell, options, values_context).read();
  const std::vector<CellIndex> usable = data.cells;
  for (const CellIndex cell : usable) {
    data.labels.push_back(all_types.find(label_of_cell[as_size(cell)]));
  }
  const std::int64_t n_types_before = count_types(all_types, data.labels);

  QcOptions filters = options.qc;
  if (options.scale_on == ScaleOn::Training) filters.min_cells = 0;  // train() counts its own cells
  data.qc = filter_cells_and_genes(data.dataset, data.dataset.var(), data.dataset.name(), filters,
                                   context);
  if (data.qc.cells.size() < usable.size()) {
    data.dataset.select_cells(data.qc.cells);
    data.labels = select_labels(data.labels, data.qc.cells);
    for (std::size_t i = 0; i < data.qc.cells.size(); ++i) {
      data.cells[i] = usable[as_size(data.qc.cells[i])];
    }
    data.cells.resize(data.qc.cells.size());
  }
  if (data.qc.genes.size() < as_size(data.n_genes_read)) data.dataset.select_genes(data.qc.genes);
  drop_small_types(options.min_cells_per_type, all_types, data);
  data.types = types_in_use(all_types, data.labels);
  require_types(data, n_types_before);
  warn_of_missing_names(data, context);
  warn_of_names_alike(data, context);
  return data;
}

std::string hash_training_cells(const TrainingData& data, const Context& context) {
  const RowSelection rows(data.dataset, {});
  Sha256 hash;
  for (CellIndex pass = 0; pass < rows.n_rows(); pass += kBlockCells) {
    const CellIndex pass_end = std::min(pass + kBlockCells, rows.n_rows());
    // Of chunks: hashed side by side, joined in their order, wherever blocks end.
    std::vector<Sha256> own(as_size((pass_end - pass + kHashCells - 1) / kHashCells));
    for (CellIndex begin = pass, end = pass; begin < pass_end; begin = end) {
      end = rows.block_end(begin, pass_end - begin, context);
      const CsrMatrix block = rows.read(begin, end, context);
      const std::int64_t first_chunk = (begin - pass) / kHashCells;
      const std::int64_t n_chunks = (end - pass - 1) / kHashCells + 1 - first_chunk;
      parallel_for(context, n_chunks, 1, [&](std::int64_t i, std::int64_t) {
        const CellIndex chunk = pass + (first_chunk + i) * kHashCells;
        const CellIndex last = std::min(chunk + kHashCells, end);
        for (CellIndex cell = std::max(chunk, begin); cell < last; ++cell) {
          add_row(block.view(), cell - begin, own[as_size(first_chunk + i)]);
        }
      });
    }
    for (Sha256& chunk : own) {
      const std::string digest = chunk.hex_digest();
      hash.update(digest.data(), digest.size());
    }
  }
  const auto add = [&](const auto& values) {
    hash.update(values.data(), values.size() * sizeof(values[0]));
  };
  add(data.labels);
  for (const auto& has_gene : data.dataset.measured_genes().has_gene) {
    const std::vector<char> flags(has_gene.begin(), has_gene.end());
    add(flags);
  }
  add(data.dataset.measured_genes().source_of_cell);
  for (const auto* names : {&data.dataset.var().index(), &data.types.names()}) {
    for (const std::string& name : *names) hash.update(name.c_str(), name.size() + 1);
  }
  return hash.hex_digest();
}

}  // namespace saithe
