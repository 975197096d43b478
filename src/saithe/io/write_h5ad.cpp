#include "saithe/io/write_h5ad.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <limits>
#include <optional>
#include <type_traits>

#include "saithe/core/text_io.h"
#include "saithe/io/formats.h"
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
    if (n_cells_ == 0) append_start({&n_stored_, 1}, context);
    SAITHE_ASSERT(n_stored_ + counts.n_stored() <= most_stored_);
    const auto begin = as_size(counts.row_start.front());
    const auto n = as_size(counts.n_stored());
    values_.append(as_bytes_of(counts.values.subspan(begin, n)), context);
    columns_.append(counts.columns.subspan(begin, n), context);
    std::vector<RowPointer> starts;
    for (CellIndex cell = 1; cell <= counts.n_rows; ++cell) {
      starts.push_back(n_stored_ + counts.row_start[as_size(cell)] - counts.row_start.front());
    }
    append_start(starts, context);
    n_cells_ += counts.n_rows;
    n_stored_ += counts.n_stored();
  }
  void finish(GeneIndex n_genes, const Context& context) {
    if (n_cells_ == 0) append_start({&n_stored_, 1}, context);
    values_.finish(context);
    columns_.finish(context);
    row_start_.finish(context);
    group_.set_attribute("shape", std::array<std::int64_t, 2>{n_cells_, n_genes});
  }

 private:
  void append_start(std::span<const RowPointer> starts, const Context& context) {
    row_start_.append(starts, context);
  }
  Hdf5Target group_;
  GrowingArray values_;
  GrowingIntegers columns_;
  GrowingIntegers row_start_;
  RowPointer most_stored_;
  std::int64_t n_cells_ = 0;
  RowPointer n_stored_ = 0;
};

/// An open file of the operating system.
struct Descriptor {
  explicit Descriptor(int opened) : number(opened) {}
  ~Descriptor() {
    if (number >= 0) close(number);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int number;
};

void require_free(const Hdf5Target& group, const std::string& kind, const std::string& key,
                  bool overwrite) {
  if (!group.has(key)) return;
  if (!overwrite) {
    fail(ErrorKind::Output, "{}: has {}/{} already; add --overwrite to replace it",
         group.file_name(), kind, key);
  }
  group.remove(key);
}

void write_obsm(const Hdf5Target& obsm, const std::string& key, const DenseMatrix& matrix) {
  const std::array<std::int64_t, 2> shape = {matrix.n_rows(), matrix.n_cols()};
  obsm.write_array(key, {matrix.data(), as_size(matrix.n_rows() * matrix.n_cols())}, shape);
}

void write_empty_groups(const Hdf5Target& root) {
  for (const char* name : {"layers", "obsm", "obsp", "uns", "varm", "varp"}) {
    if (!root.has(name)) static_cast<void>(root.create_group(name, "dict"));
  }
}

Hdf5Target group_or_new(const Hdf5Target& root, const std::string& name) {
  return root.has(name) ? root.group(name) : root.create_group(name, "dict");
}

/// The colours of the types of a column that is about to be replaced fit no more.
void drop_colors(const Hdf5Target& root, const std::string& key) {
  if (!root.has("uns")) return;
  const Hdf5Target uns = root.group("uns");
  if (uns.has(key + "_colors")) uns.remove(key + "_colors");
}

void add_annotations(const Hdf5Target& root, const Annotations& annotations, bool overwrite) {
  const Hdf5Target obs = root.group("obs");
  std::vector<std::string> order = obs.text_list_attribute("column-order");
  for (const auto& [name, column] : annotations.obs) {
    const std::string key = io::as_key(name);
    if (key == obs.text_attribute("_index")) {
      fail(ErrorKind::Output, "{}: obs/{} is the index and cannot be replaced", obs.file_name(),
           key);
    }
    if (obs.has(key)) drop_colors(root, key);
    require_free(obs, "obs", key, overwrite);
    obs.write_column(key, column);
    if (std::find(order.begin(), order.end(), key) == order.end()) order.push_back(key);
  }
  if (!annotations.obs.empty()) obs.set_attribute("column-order", order);
  if (!annotations.obsm.empty()) {
    const Hdf5Target obsm = group_or_new(root, "obsm");
    for (const auto& [name, matrix] : annotations.obsm) {
      require_free(obsm, "obsm", io::as_key(name), overwrite);
      write_obsm(obsm, io::as_key(name), matrix);
    }
  }
  if (!annotations.uns.empty()) {
    const Hdf5Target uns = group_or_new(root, "uns");
    for (const auto& [path, value] : annotations.uns) uns.write_uns(path, value, overwrite);
  }
}

std::size_t column_size(const Column& column) {
  if (const auto* category = std::get_if<CategoryColumn>(&column)) return category->codes.size();
  if (const auto* text = std::get_if<TextColumn>(&column)) return text->values.size();
  return std::get<NumberColumn>(column).values.size();
}

void require_sizes(const Annotations& annotations, CellIndex n_cells) {
  for (const auto& [name, column] : annotations.obs) {
    SAITHE_ASSERT(column_size(column) == as_size(n_cells));
  }
  for (const auto& [name, matrix] : annotations.obsm) SAITHE_ASSERT(matrix.n_rows() == n_cells);
}

/// The bytes of `input` into the existing file `target`, which messages call `name`. The standard
/// library's copy says "input/output error" of a full disk.
void copy_bytes(const fs::path& input, const fs::path& target, const std::string& name) {
  static constexpr std::size_t kBlock = std::size_t{1} << 20;
  const Descriptor from(open(input.c_str(), O_RDONLY | O_CLOEXEC));
  const Descriptor to(open(target.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC));
  if (from.number < 0) {
    fail(ErrorKind::NotFound, "{}: cannot be opened: {}", input.string(), std::strerror(errno));
  }
  std::vector<char> block(kBlock);
  for (;;) {
    const ssize_t n_read = read(from.number, block.data(), kBlock);
    if (n_read < 0) {
      fail(ErrorKind::BadFormat, "{}: cannot be read: {}", input.string(), std::strerror(errno));
    }
    if (n_read == 0) return;
    for (ssize_t n_done = 0; n_done < n_read;) {
      const ssize_t n = write(to.number, block.data() + n_done, as_size(n_read - n_done));
      if (n < 0) {
        fail(ErrorKind::Output, "{}: cannot be written: {}", name, std::strerror(errno));
      }
      n_done += n;
    }
  }
}

}  // namespace

void write_h5ad(const fs::path& path, const Dataset& dataset, const Annotations& annotations,
                bool overwrite, const Context& context) {
  require_sizes(annotations, dataset.n_cells());
  OutputFile output(path, overwrite);
  {
    const Hdf5Target root = Hdf5Target::create_file(output.temporary_path(), path.string());
    CsrTarget counts(root, "X", dataset.counts.n_stored());
    counts.append(dataset.counts.view(), context);
    counts.finish(dataset.n_genes(), context);
    root.write_frame("obs", dataset.obs());
    root.write_frame("var", dataset.var());
    // The file is new: a column of the input that has our name is replaced.
    add_annotations(root, annotations, true);
    write_empty_groups(root);
    root.flush();
  }
  output.commit();
}

void annotate_h5ad(const fs::path& input, const fs::path& output_path,
                   const Annotations& annotations, bool overwrite, const Context&) {
  std::error_code error;
  if (fs::equivalent(input, output_path, error)) {
    fail(ErrorKind::Output, "{}: is the input itself; name another file", output_path.string());
  }
  {
    const io::Hdf5Group root = io::Hdf5Group::open_file(input);
    const auto generation = io::h5ad_generation(root);
    if (generation != "AnnData 0.8 or later") {
      fail(ErrorKind::BadFormat, "{}: columns are added to h5ad files of AnnData 0.8 or later",
           input.string());
    }
    const io::Hdf5Group obs = root.group("obs");
    const std::string index = obs.text_attribute("_index").value_or("_index");
    if (obs.has_dataset(index)) require_sizes(annotations, obs.dataset(index).size());
  }
  OutputFile output(output_path, overwrite);
  copy_bytes(input, output.temporary_path(), output_path.string());
  {
    const Hdf5Target root = Hdf5Target::open_file(output.temporary_path(), output_path.string());
    add_annotations(root, annotations, overwrite);
    root.flush();
  }
  output.commit();
}

// ---- streaming ------------------------------------------------------------------------------

struct H5adStream::State {
  State(const fs::path& path, const Table& genes, CellIndex n_cells, bool overwrite)
      : var(genes),
        output(path, overwrite),
        root(Hdf5Target::create_file(output.temporary_path(), path.string())) {
    // How many values will be stored shows only at the end: the width fits a full matrix.
    constexpr RowPointer kUnlimited = std::numeric_limits<RowPointer>::max();
    const bool is_countable = genes.n_rows() == 0 || n_cells <= kUnlimited / genes.n_rows();
    counts.emplace(root, "X", is_countable ? n_cells * genes.n_rows() : kUnlimited);
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
  s.root.write_frame("obs", obs);
  s.root.write_frame("var", s.var);
  write_empty_groups(s.root);
  s.root.flush();
  s.root.close();
  s.output.commit();
}

}  // namespace saithe
