#include "saithe/io/write_h5ad.h"

#include <algorithm>
#include <array>
#include <limits>
#include <type_traits>

#include "saithe/core/pending_outputs.h"
#include "saithe/core/spilled_rows.h"
#include "saithe/core/text_io.h"
#include "saithe/io/earlier_run.h"
#include "saithe/io/formats.h"
#include "saithe/io/frame_names.h"
#include "saithe/io/gene_table.h"
#include "saithe/io/growing_array.h"
#include "saithe/io/hdf5_writer.h"

namespace saithe {

using io::GrowingArray;
using io::Hdf5Target;

namespace {

namespace fs = std::filesystem;

template <typename T>
std::span<const unsigned char> as_bytes_of(std::span<const T> values) {
  return {reinterpret_cast<const unsigned char*>(values.data()), values.size_bytes()};
}

/// How wide the integers of a csr matrix are: indices and indptr have the same width, because SciPy
/// cannot slice a matrix that mixes them. 32 bits where `most_stored` values or fewer fit.
hid_t integer_type(RowPointer most_stored) {
  return most_stored <= std::numeric_limits<std::int32_t>::max() ? H5T_STD_I32LE : H5T_STD_I64LE;
}

/// A growing array of whole numbers, stored with 32 or 64 bits.
class GrowingIntegers {
 public:
  GrowingIntegers(const Hdf5Target& group, const std::string& name, hid_t type)
      : array_(group, name, type), is_wide_(H5Tget_size(type) == sizeof(std::int64_t)) {}
  template <typename Integer>
  void append(std::span<const Integer> values, const Context& context) {
    if (is_wide_) {
      append_as<std::int64_t>(values, context);
    } else {
      append_as<std::int32_t>(values, context);
    }
  }
  void finish(const Context& context) { array_.finish(context); }

 private:
  template <typename Stored, typename Integer>
  void append_as(std::span<const Integer> values, const Context& context) {
    if constexpr (std::is_same_v<Stored, Integer>) {
      array_.append(as_bytes_of(values), context);
    } else {
      std::vector<Stored> stored;
      stored.reserve(values.size());
      for (const Integer value : values) stored.push_back(static_cast<Stored>(value));
      array_.append(as_bytes_of(std::span<const Stored>(stored)), context);
    }
  }
  GrowingArray array_;
  bool is_wide_;
};

/// The three arrays of a csr matrix of at most `most_stored` values, growing by blocks of cells.
class CsrTarget {
 public:
  CsrTarget(const Hdf5Target& parent, const std::string& name, RowPointer most_stored)
      : group_(parent.create_group(name, "csr_matrix")),
        values_(group_, "data", H5T_IEEE_F32LE),
        columns_(group_, "indices", integer_type(most_stored)),
        row_start_(group_, "indptr", integer_type(most_stored)),
        most_stored_(most_stored) {}
  void append(const CsrView& counts, const Context& context) {
    SAITHE_ASSERT(n_stored_ + counts.n_stored() <= most_stored_);
    const auto begin = as_size(counts.row_start.front());
    const auto n = as_size(counts.n_stored());
    for (std::size_t at = 0; at < n;) {
      const std::size_t together = GrowingArray::kValuesTogether;
      const std::size_t n_now = std::min(n - at, together - (as_size(n_stored_) + at) % together);
      values_.append(as_bytes_of(counts.values.subspan(begin + at, n_now)), context);
      columns_.append(counts.columns.subspan(begin + at, n_now), context);
      at += n_now;
    }
    std::vector<RowPointer> starts(counts.row_start.begin(), counts.row_start.end());
    for (RowPointer& start : starts) start += n_stored_ - counts.row_start.front();
    if (!starts_) starts_.emplace(1, most_kept_bytes(context.max_memory));
    // The last one is the next block's first.
    starts_->append(std::span(starts).first(as_size(counts.n_rows)));
    n_cells_ += counts.n_rows;
    n_stored_ += counts.n_stored();
  }
  void finish(GeneIndex n_genes, const Context& context) {
    values_.finish(context);
    columns_.finish(context);
    static constexpr auto kStartsTogether = std::int64_t{GrowingArray::kValuesTogether};
    const std::int64_t n_starts = starts_ ? starts_->n_rows() : 0;
    for (std::int64_t at = 0; at < n_starts;) {
      const std::int64_t end = std::min(n_starts, at + kStartsTogether);
      row_start_.append(std::span<const RowPointer>(starts_->read(at, end)), context);
      at = end;
    }
    row_start_.append(std::span<const RowPointer>(&n_stored_, 1), context);
    row_start_.finish(context);
    group_.set_attribute("shape", std::array<std::int64_t, 2>{n_cells_, n_genes});
  }

 private:
  Hdf5Target group_;
  GrowingArray values_;
  GrowingIntegers columns_;
  GrowingIntegers row_start_;
  // Where cells begin; written last: where its chunks lie depends on no block.
  std::optional<SpilledRows<RowPointer>> starts_;
  RowPointer most_stored_;
  std::int64_t n_cells_ = 0;
  RowPointer n_stored_ = 0;
};

void write_empty_groups(const Hdf5Target& root) {
  for (const char* name : {"layers", "obsm", "obsp", "uns", "varm", "varp"}) {
    if (!root.has(name)) static_cast<void>(root.create_group(name, "dict"));
  }
}

}  // namespace

namespace {

/// The most values that can be stored, where their number shows only at the end.
RowPointer most_stored(CellIndex n_cells, std::int64_t n_genes) {
  constexpr RowPointer kUnlimited = std::numeric_limits<RowPointer>::max();
  const bool is_countable = n_genes == 0 || n_cells <= kUnlimited / n_genes;
  return is_countable ? n_cells * n_genes : kUnlimited;
}

/// obs or var, under names that AnnData reads; those of `taken` are of columns to come.
void write_frame(const Hdf5Target& root, const char* name, const Table& table,
                 const std::vector<std::string>& taken, const Context& context) {
  const std::string where = root.file_name() + ": " + name;
  root.write_frame(name, table, io::names_for_h5ad(table, taken, where, context));
}

/// `append` hands over the counts.
template <typename Append>
void write_new_h5ad(const fs::path& path, const CellSource& cells, RowPointer most_stored,
                    const Annotations& annotations, bool overwrite, const Context& context,
                    PendingOutputs& outputs, Append append) {
  io::require_sizes(annotations, cells.n_cells());
  OutputFile output(path, overwrite);
  {
    const Hdf5Target root = Hdf5Target::create_file(output.temporary_path(), path.string());
    CsrTarget counts(root, "X", most_stored);
    append(counts);
    counts.finish(cells.n_genes(), context);
    std::vector<std::string> our_columns;
    for (const auto& [name, column] : annotations.obs) our_columns.push_back(name);
    write_frame(root, "obs", cells.obs(), our_columns, context);
    Table var = cells.var();
    io::make_index_unique(var);
    write_frame(root, "var", var, {}, context);
    // The file is new: a column of the input that has our name is replaced.
    io::add_annotations(root, annotations, {});
    write_empty_groups(root);
    root.flush();
  }
  outputs.add(std::move(output));
}

}  // namespace

ResultMatrix::ResultMatrix(DenseMatrix matrix)
    : n_rows_(matrix.n_rows()),
      n_cols_(matrix.n_cols()),
      read_([kept = std::make_shared<const DenseMatrix>(std::move(matrix))](std::int64_t begin,
                                                                            std::int64_t end) {
        const float* values = kept->data();
        const std::int64_t width = kept->n_cols();
        return std::vector<float>(values + begin * width, values + end * width);
      }) {}

void write_h5ad(const fs::path& path, const Dataset& dataset, const Annotations& annotations,
                bool overwrite, const Context& context) {
  PendingOutputs outputs;
  write_new_h5ad(path, dataset, dataset.counts.n_stored(), annotations, overwrite, context, outputs,
                 [&](CsrTarget& counts) { counts.append(dataset.counts.view(), context); });
  outputs.commit();
}

void write_h5ad(const fs::path& path, CellSource& source, const Annotations& annotations,
                bool overwrite, const Context& context) {
  PendingOutputs outputs;
  write_h5ad(path, source, annotations, overwrite, context, outputs);
  outputs.commit();
}

void write_h5ad(const fs::path& path, CellSource& source, const Annotations& annotations,
                bool overwrite, const Context& context, PendingOutputs& outputs) {
  static constexpr CellIndex kBlockCells = 4096;
  const CellIndex n_cells = source.n_cells();
  write_new_h5ad(path, source, most_stored(n_cells, source.n_genes()), annotations, overwrite,
                 context, outputs, [&](CsrTarget& counts) {
                   for (CellIndex begin = 0, end = 0; begin < n_cells; begin = end) {
                     context.throw_if_cancelled();
                     end = source.block_end(begin, kBlockCells, context);
                     counts.append(source.read_cells(begin, end, context).view(), context);
                     context.report("writing", end, n_cells);
                   }
                 });
}

// ---- streaming ------------------------------------------------------------------------------

struct H5adStream::State {
  State(const fs::path& path, const Table& genes, CellIndex n_cells, bool overwrite)
      : var(genes),
        output(path, overwrite),
        root(Hdf5Target::create_file(output.temporary_path(), path.string())) {
    counts.emplace(root, "X", most_stored(n_cells, genes.n_rows()));
  }
  Table var;
  OutputFile output;
  Hdf5Target root;
  std::optional<CsrTarget> counts;
  // obs is a few words a cell: kept until the end.
  std::vector<std::string> barcodes;
  std::vector<std::pair<std::string, Column>> columns;
};

H5adStream::H5adStream(const fs::path& path, const Table& var, CellIndex n_cells, bool overwrite)
    : state_(std::make_unique<State>(path, var, n_cells, overwrite)) {}

H5adStream::~H5adStream() = default;

namespace {

void append_codes(CategoryColumn& column, const CategoryColumn& more) {
  // Blocks may know different levels: translate by name.
  std::vector<std::int32_t> translated;
  for (const std::string& level : more.levels) {
    auto found = std::find(column.levels.begin(), column.levels.end(), level);
    if (found == column.levels.end()) found = column.levels.insert(column.levels.end(), level);
    translated.push_back(static_cast<std::int32_t>(found - column.levels.begin()));
  }
  for (const std::int32_t code : more.codes) {
    column.codes.push_back(code < 0 ? -1 : translated[as_size(code)]);
  }
}

void append_column(Column& column, const Column& more) {
  SAITHE_ASSERT(column.index() == more.index());
  if (auto* category = std::get_if<CategoryColumn>(&column)) {
    append_codes(*category, std::get<CategoryColumn>(more));
  } else if (auto* text = std::get_if<TextColumn>(&column)) {
    const auto& [values, is_missing] = std::get<TextColumn>(more);
    if (!text->is_missing.empty() || !is_missing.empty()) {
      text->is_missing.resize(text->values.size());
      text->is_missing.insert(text->is_missing.end(), is_missing.begin(), is_missing.end());
      text->is_missing.resize(text->values.size() + values.size());
    }
    text->values.insert(text->values.end(), values.begin(), values.end());
  } else {
    const auto& values = std::get<NumberColumn>(more).values;
    auto& numbers = std::get<NumberColumn>(column).values;
    numbers.insert(numbers.end(), values.begin(), values.end());
  }
}

}  // namespace

void H5adStream::append(const CsrView& counts, const Table& obs, const Context& context) {
  SAITHE_ASSERT(counts.n_rows == obs.n_rows() && counts.n_cols == state_->var.n_rows());
  const bool is_first = state_->barcodes.empty();
  state_->counts->append(counts, context);
  state_->barcodes.insert(state_->barcodes.end(), obs.index().begin(), obs.index().end());
  if (is_first) {
    state_->columns = obs.columns();
    return;
  }
  SAITHE_ASSERT(state_->columns.size() == obs.columns().size());
  for (std::size_t i = 0; i < state_->columns.size(); ++i) {
    SAITHE_ASSERT(state_->columns[i].first == obs.columns()[i].first);
    append_column(state_->columns[i].second, obs.columns()[i].second);
  }
}

void H5adStream::finish(const Context& context) {
  State& s = *state_;
  s.counts->finish(static_cast<GeneIndex>(s.var.n_rows()), context);
  s.counts.reset();
  Table obs(std::move(s.barcodes));
  for (auto& [name, column] : s.columns) obs.set(name, std::move(column));
  write_frame(s.root, "obs", obs, {}, context);
  io::make_index_unique(s.var);
  write_frame(s.root, "var", s.var, {}, context);
  write_empty_groups(s.root);
  s.root.flush();
  s.root.close();
  s.output.commit();
}

}  // namespace saithe
