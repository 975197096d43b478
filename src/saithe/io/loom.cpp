// Loom, versions 1 to 3: a dense matrix of genes x cells with attributes of both.
// Source: linnarssonlab.org/loompy/format; names of attributes as loompy, AnnData and SeuratDisk
// write them.

#include <algorithm>
#include <charconv>

#include "saithe/core/text_io.h"
#include "saithe/core/utf8.h"
#include "saithe/io/choose_values.h"
#include "saithe/io/dense_columns.h"
#include "saithe/io/formats.h"
#include "saithe/io/hdf5_column.h"
#include "saithe/io/repeated_barcodes.h"

namespace saithe::io {
namespace {

// What messages and --layer call the matrix beside the layers.
constexpr const char* kMainMatrix = "matrix";

/// The main matrix or a layer.
class LoomMatrix final : public CellMatrix {
 public:
  LoomMatrix(Hdf5Dataset dataset, GeneIndex n_genes, CellIndex n_cells, const Context& context)
      : is_boolean_(dataset.kind() == StoredKind::Boolean),
        columns_(std::move(dataset), n_genes, n_cells, context) {}
  CsrMatrix read(CellIndex begin, CellIndex end, const Context& context) override {
    return columns_.read(begin, end, context);
  }
  std::int64_t most_stored(CellIndex begin, CellIndex end) const override {
    return columns_.most_stored(begin, end);
  }
  bool is_boolean() const override { return is_boolean_; }
  void let_go() override { columns_.let_go(); }

 private:
  bool is_boolean_;
  DenseColumns columns_;
};

/// What an entity of XML stands for, without '&' and ';'; nothing if it is none.
std::optional<std::string> entity(std::string_view name) {
  if (name == "amp") return "&";
  if (name == "lt") return "<";
  if (name == "gt") return ">";
  if (name == "quot") return "\"";
  if (name == "apos") return "'";
  if (name.size() < 2 || name[0] != '#') return std::nullopt;
  name.remove_prefix(1);
  const bool is_hex = name[0] == 'x' || name[0] == 'X';
  if (is_hex) name.remove_prefix(1);
  std::uint32_t code = 0;
  const auto [end, error] =
      std::from_chars(name.data(), name.data() + name.size(), code, is_hex ? 16 : 10);
  if (error != std::errc() || end != name.data() + name.size() || code == 0) return std::nullopt;
  std::string text;
  if (!append_utf8(code, text)) return std::nullopt;
  return text;
}

/// Loom of before version 3 keeps ASCII, and everything else as entities.
void unescape(std::string& text) {
  static constexpr std::size_t kLongest = 8;
  for (std::size_t at = text.find('&'); at != std::string::npos; at = text.find('&', at + 1)) {
    const std::size_t end = text.find(';', at);
    if (end == std::string::npos || end - at > kLongest + 1) continue;
    if (const auto meant = entity(std::string_view(text).substr(at + 1, end - at - 1))) {
      text.replace(at, end - at + 1, *meant);
    }
  }
}

constexpr std::initializer_list<const char*> kSymbols = {
    "Gene", "var_names", "gene_names", "gene_name", "GeneName", "Symbol", "gene_symbols", "name"};
constexpr std::initializer_list<const char*> kGeneIds = {
    "Accession", "gene_ids", "gene_id", "Ensembl", "EnsemblID", "ensembl_id", "ID"};
constexpr std::initializer_list<const char*> kCellNames = {"CellID",   "obs_names", "cell_names",
                                                           "CellName", "Cell",      "cell_id",
                                                           "Barcode",  "barcode",   "barcodes"};

/// The first of `names` that is a column of that kind in the group.
std::optional<std::string> find_attribute(const Hdf5Group& group,
                                          std::initializer_list<const char*> names,
                                          StoredKind kind = StoredKind::Text) {
  for (const char* name : names) {
    if (group.has_dataset(name) && group.dataset(name).kind() == kind &&
        group.dataset(name).shape().size() == 1) {
      return name;
    }
  }
  return std::nullopt;
}

std::string join(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text.empty() ? "none" : text;
}

/// The names of an axis. Throws Error(BadFormat) unless there are as many as the matrix has.
Table read_names(const Hdf5Group& group, const std::string& name, std::int64_t n,
                 const char* axis) {
  const Hdf5Dataset names = group.dataset(name);
  if (names.size() == n) {
    return table_named_later(names, tidied(reader_of_names(names), unescape), names.where());
  }
  fail(
      ErrorKind::BadFormat,
      "{}: has {}, but the matrix has {}; the file is not whole. Write it again, or copy it again.",
      names.where(), counted(names.size(), "name"), counted(n, axis));
}

Table read_var(const Hdf5Group& group, std::int64_t n_genes, const Context& context) {
  auto symbols = find_attribute(group, kSymbols);
  auto ids = find_attribute(group, kGeneIds);
  if (!symbols && !ids) {  // Entrez's ids, or mere numbers
    ids = find_attribute(group, kGeneIds, StoredKind::Integer);
    if (!ids) symbols = find_attribute(group, kSymbols, StoredKind::Integer);
  }
  if (!symbols && !ids) {
    fail(ErrorKind::BadFormat,
         "{}: has no attribute Gene, var_names or Accession that names the genes; it has {}",
         group.where(), join(group.names()));
  }
  const auto read = [&](const std::string& name) {
    return read_names(group, name, n_genes, "row");
  };
  Table var = read(symbols ? *symbols : *ids);
  std::vector<std::string> taken;
  if (symbols) taken.push_back(*symbols);
  if (ids) taken.push_back(*ids);
  add_array_columns(var, group, taken, unescape, context);
  if (symbols && ids) var.set("gene_ids", TextColumn{read(*ids).index(), {}});
  settle_gene_names(var, group.where(ids ? *ids : *symbols), context);
  return var;
}

Table read_obs(const Hdf5Group& group, CellIndex n_cells, const Context& context) {
  auto name = find_attribute(group, kCellNames);
  if (!name) name = find_attribute(group, kCellNames, StoredKind::Integer);
  Table obs =
      name ? read_names(group, *name, n_cells, "column") : table_of_numbers("cell_", n_cells);
  if (!name) {
    context.warn(
        fmt::format("{}: has no attribute CellID or obs_names with a text or a whole number "
                    "for each cell; cells are only numbered",
                    group.where()));
  }
  std::vector<std::string> taken;
  if (name) taken.push_back(*name);
  add_array_columns(obs, group, taken, unescape, context);
  warn_of_repeated_barcodes(obs, group.file_name(), context);
  return obs;
}

/// The tables of a Loom file, and its matrices by their places: "layers/NAME", "matrix".
class LoomFile {
 public:
  LoomFile(const Hdf5Group& root, const Context& context) : root_(root), context_(context) {
    const Hdf5Dataset matrix = root.dataset(kMainMatrix);
    if (matrix.shape().size() != 2) {
      fail(ErrorKind::BadFormat, "{}: has {} axes; expected two, genes x cells", matrix.where(),
           matrix.shape().size());
    }
    var = read_var(root.group("row_attrs"), matrix.shape()[0], context);
    obs = read_obs(root.group("col_attrs"), matrix.shape()[1], context);
    if (root.has_group("layers")) layers_.emplace(root.group("layers"));
  }
  LoomFile(const LoomFile&) = delete;
  LoomFile& operator=(const LoomFile&) = delete;

  [[nodiscard]] std::vector<std::string> layers() const {
    return layers_ ? layers_->names() : std::vector<std::string>();
  }
  /// A layer; nothing where there is none of that name. Opening one that is no dataset fails:
  /// another place would be taken in its stead without a word.
  [[nodiscard]] std::optional<ValuePlace> layer(const std::string& name) const {
    const std::vector<std::string> names = layers();  // "a/b" would be a path
    if (std::ranges::find(names, name) == names.end()) return std::nullopt;
    return place("layers/" + name, *layers_, name);
  }
  [[nodiscard]] ValuePlace main_matrix() const { return place(kMainMatrix, root_, kMainMatrix); }
  /// The places where counts are looked for, in this order.
  [[nodiscard]] std::vector<ValuePlace> places_of_counts() const {
    std::vector<ValuePlace> places;
    for (const char* name : kLayersOfCounts) {
      if (auto found = layer(name)) places.push_back(std::move(*found));
    }
    places.push_back(main_matrix());
    return places;
  }

  Table var;
  Table obs;

 private:
  [[nodiscard]] ValuePlace place(const std::string& place, const Hdf5Group& group,
                                 const std::string& member) const {
    return {place, &var, [this, &group, member] {
              const auto n_genes = checked_cast<GeneIndex>(var.n_rows(), root_.file_name().c_str());
              return std::make_unique<LoomMatrix>(group.dataset(member), n_genes, obs.n_rows(),
                                                  context_);
            }};
  }

  const Hdf5Group& root_;
  const Context& context_;
  std::optional<Hdf5Group> layers_;
};

/// The matrix that --layer names.
std::unique_ptr<CellMatrix> open_named(const LoomFile& file, const std::string& file_name,
                                       const std::string& layer, const Context& context) {
  std::optional<ValuePlace> place = file.layer(layer);
  if (!place && layer == kMainMatrix) place = file.main_matrix();
  if (!place) {
    fail(ErrorKind::BadFormat, "{}: --layer {}: no such layer; the file has: {}", file_name, layer,
         join(file.layers()));
  }
  auto matrix = place->open();
  warn_of_booleans(file_name, place->name, *matrix, context);
  return matrix;
}

std::unique_ptr<CellSource> open_loom(InputFile input, const ReadOptions& options,
                                      const Context& context) {
  const Hdf5Group root = std::move(*input.hdf5);
  const std::string& name = root.file_name();
  LoomFile file(root, context);
  std::unique_ptr<CellMatrix> matrix =
      options.layer.empty()
          ? choose_values(name, file.obs, file.places_of_counts(), options.any_values,
                          layers_not_looked_at(file.layers()), context)
                .matrix
          : open_named(file, name, options.layer, context);
  return source_of_matrix(name, std::move(file.obs), std::move(file.var), std::move(matrix),
                          options.layer.empty());
}

std::optional<std::string> recognise_loom(const InputFile& input) {
  if (!input.hdf5) return std::nullopt;
  const Hdf5Group& root = *input.hdf5;
  if (!root.has_dataset("matrix") || !root.has_group("row_attrs") || !root.has_group("col_attrs")) {
    return std::nullopt;
  }
  std::string version = root.text_attribute("LOOM_SPEC_VERSION").value_or("");
  if (root.has_group("attrs") && root.group("attrs").has_dataset("LOOM_SPEC_VERSION")) {
    const auto texts = root.group("attrs").dataset("LOOM_SPEC_VERSION").read_texts();
    if (!texts.empty()) version = texts.front();
  }
  return version.empty() ? "Loom" : "Loom " + version;
}

void describe_loom(const InputFile& input, FileSummary& summary, const Context& context) {
  const LoomFile file(*input.hdf5, context);
  summary.layers = file.layers();
  summary.places = survey_values(file.obs, file.places_of_counts(), context);
}

}  // namespace

const Format kLoom{"layer", recognise_loom, open_loom, describe_loom};

}  // namespace saithe::io
