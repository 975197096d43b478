#include <algorithm>

#include "saithe/io/choose_values.h"
#include "saithe/io/formats.h"
#include "saithe/io/h5ad_frame.h"
#include "saithe/io/h5ad_matrix.h"

namespace saithe::io {
namespace {

// Layers in which counts are looked for, in this order.
constexpr const char* kLayersOfCounts[] = {"counts", "raw_counts", "raw"};

/// Gene names as they are used: unique. A gene id twice is an error, a symbol twice is numbered.
void settle_gene_names(Table& var, const std::string& where, const Context& context) {
  const Column* ids = var.find("gene_ids");
  if (ids != nullptr) require_unique_gene_ids(var.as_text("gene_ids"), where + "/gene_ids");
  if (ids == nullptr) {
    require_unique_gene_ids(var.index(), where);
    return;
  }
  std::vector<std::string> names = var.index();
  const std::int64_t n_changed = make_names_unique(names);
  if (n_changed == 0) return;
  context.warn(
      fmt::format("{}: {} gene symbols stand more than once; the later ones get a suffix -1, "
                  "-2, ...",
                  where, n_changed));
  Table unique(std::move(names));
  unique.index_name = var.index_name;
  for (const auto& [name, column] : var.columns()) unique.set(name, column);
  var = std::move(unique);
}

class H5adSource final : public CellSource {
 public:
  H5adSource(std::string name, Table obs, Table var, std::unique_ptr<CellMatrix> matrix)
      : name_(std::move(name)),
        obs_(std::move(obs)),
        var_(std::move(var)),
        matrix_(std::move(matrix)) {}
  const std::string& name() const override { return name_; }
  const Table& obs() const override { return obs_; }
  const Table& var() const override { return var_; }
  CsrMatrix read_cells(CellIndex begin, CellIndex end, const Context& context) override {
    return matrix_->read(begin, end, context);
  }

 private:
  std::string name_;
  Table obs_;
  Table var_;
  std::unique_ptr<CellMatrix> matrix_;
};

/// Where a file has no matrix at all, for those who look at it.
class NoValues final : public CellMatrix {
 public:
  NoValues(CellIndex n_cells, GeneIndex n_genes) : n_cells_(n_cells), n_genes_(n_genes) {}
  CsrMatrix read(CellIndex begin, CellIndex end, const Context&) override {
    return {end - begin, n_genes_, std::vector<RowPointer>(as_size(end - begin) + 1), {}, {}};
  }
  CellIndex cheap_end() const override { return n_cells_; }

 private:
  CellIndex n_cells_;
  GeneIndex n_genes_;
};

std::string join(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text.empty() ? "none" : text;
}

/// What is in a group of the root; of AnnData 0.5 and 0.6, the fields of a compound dataset.
std::vector<std::string> names_in(const Hdf5Group& root, const char* group) {
  if (root.has_group(group)) return root.group(group).names();
  if (root.has_dataset(group)) return root.dataset(group).field_names();
  return {};
}

/// The tables of a file, and the matrices that it has.
class H5adFile {
 public:
  H5adFile(const Hdf5Group& root, std::int64_t turning_bytes, const Context& context)
      : root_(root),
        turning_bytes_(turning_bytes),
        context_(context),
        obs_(read_frame(root, root, "obs", context)) {
    if (root.has_group("layers")) layers_.emplace(root.group("layers"));
    if (root.has_group("raw")) raw_.emplace(root.group("raw"));
  }

  [[nodiscard]] Table& obs() { return obs_; }
  [[nodiscard]] Table& var(const ValuePlace& place) {
    return place.var == &*var_ ? *var_ : *raw_var_;
  }
  [[nodiscard]] std::vector<std::string> layers() const { return names_in(root_, "layers"); }

  std::optional<ValuePlace> layer(const std::string& name) {
    if (!layers_ || !H5adMatrix::is_there(*layers_, name)) return std::nullopt;
    return place_in(*layers_, name, "layers/" + name, own_var());
  }
  std::optional<ValuePlace> raw() {
    if (H5adMatrix::is_there(root_, "raw.X")) {  // AnnData 0.5 and 0.6
      return place_in(root_, "raw.X", "raw.X", raw_var(root_, "raw.var"));
    }
    if (!raw_ || !H5adMatrix::is_there(*raw_, "X")) return std::nullopt;
    return place_in(*raw_, "X", "raw/X", raw_var(*raw_, "var"));
  }
  std::optional<ValuePlace> x() {
    if (!H5adMatrix::is_there(root_, "X")) return std::nullopt;
    return place_in(root_, "X", "X", own_var());
  }

  ValuePlace no_values() {
    const Table& var = own_var();
    return {"nothing", &var, [this, &var]() -> std::unique_ptr<CellMatrix> {
              return std::make_unique<NoValues>(obs_.n_rows(),
                                                static_cast<GeneIndex>(var.n_rows()));
            }};
  }

  /// The places where counts are looked for, in this order.
  std::vector<ValuePlace> places_of_counts() {
    std::vector<ValuePlace> places;
    const auto add = [&](std::optional<ValuePlace> place) {
      if (place) places.push_back(std::move(*place));
    };
    for (const char* name : kLayersOfCounts) add(layer(name));
    add(raw());
    add(x());
    return places;
  }

 private:
  ValuePlace place_in(const Hdf5Group& parent, const std::string& member, std::string name,
                      const Table& var) {
    const auto open = [this, &parent, member, &var]() -> std::unique_ptr<CellMatrix> {
      const std::string where = parent.where("var");
      return std::make_unique<H5adMatrix>(parent, member, obs_.n_rows(),
                                          checked_cast<GeneIndex>(var.n_rows(), where.c_str()),
                                          turning_bytes_, context_);
    };
    return {std::move(name), &var, open};
  }
  const Table& own_var() {
    if (!var_) var_ = read_var(root_, "var");
    return *var_;
  }
  const Table& raw_var(const Hdf5Group& parent, const char* name) {
    if (!raw_var_) raw_var_ = read_var(parent, name);
    return *raw_var_;
  }
  [[nodiscard]] Table read_var(const Hdf5Group& parent, const char* name) const {
    Table var = read_frame(root_, parent, name, context_);
    settle_gene_names(var, parent.where(name), context_);
    return var;
  }

  const Hdf5Group& root_;
  std::int64_t turning_bytes_;
  const Context& context_;
  Table obs_;
  std::optional<Hdf5Group> layers_;
  std::optional<Hdf5Group> raw_;
  std::optional<Table> var_;
  std::optional<Table> raw_var_;
};

std::optional<std::string> recognise_h5ad(const InputFile& input) {
  if (!input.hdf5) return std::nullopt;
  const auto generation = h5ad_generation(*input.hdf5);
  if (!generation) return std::nullopt;
  return "h5ad (" + *generation + ")";
}

ChosenValues open_named(H5adFile& file, const ReadOptions& options, const std::string& name,
                        std::vector<ValuePlace>& places) {
  std::optional<ValuePlace> place = options.use_raw ? file.raw() : file.layer(options.layer);
  if (!place && options.use_raw) {
    fail(ErrorKind::BadFormat, "{}: --use-raw: the file has no raw", name);
  }
  if (!place) {
    fail(ErrorKind::BadFormat, "{}: --layer {}: no such layer; the file has: {}", name,
         options.layer, join(file.layers()));
  }
  places.assign(1, std::move(*place));
  return {0, places.front().open()};
}

std::unique_ptr<CellSource> open_h5ad(InputFile input, const ReadOptions& options,
                                      const Context& context) {
  const Hdf5Group root = std::move(*input.hdf5);
  if (options.use_raw && !options.layer.empty()) {
    fail(ErrorKind::InvalidArgument, "--use-raw and --layer exclude each other");
  }
  H5adFile file(root, options.turning_bytes, context);
  warn_of_repeated_barcodes(file.obs().index(), root.file_name(), context);
  std::vector<ValuePlace> places;
  ChosenValues chosen;
  if (options.use_raw || !options.layer.empty()) {
    chosen = open_named(file, options, root.file_name(), places);
  } else {
    places = file.places_of_counts();
    const std::string advice = fmt::format(
        "Name the counts with --layer NAME (layers of the file: {}) or --use-raw, or "
        "give a file that holds them.",
        join(file.layers()));
    if (places.empty() && options.any_values) {
      context.warn(fmt::format("{}: has no X, no raw and no layer of counts", root.file_name()));
      places.push_back(file.no_values());
    } else if (places.empty()) {
      fail(ErrorKind::BadFormat, "{}: has no X, no raw and no layer of counts. {}",
           root.file_name(), advice);
    }
    chosen =
        choose_values(root.file_name(), file.obs(), places, options.any_values, advice, context);
  }
  Table& var = file.var(places[chosen.place]);
  return std::make_unique<H5adSource>(root.file_name(), std::move(file.obs()), std::move(var),
                                      std::move(chosen.matrix));
}

void describe_h5ad(const InputFile& input, FileSummary& summary) {
  const Hdf5Group& root = *input.hdf5;
  summary.layers = names_in(root, "layers");
  summary.obsm = names_in(root, "obsm");
  summary.uns = names_in(root, "uns");
  summary.has_raw = root.has_group("raw") || root.has("raw.X");
  for (const char* group : {"varm", "obsp", "varp"}) {
    for (const std::string& name : names_in(root, group)) {
      summary.not_read.push_back(std::string(group) + "/" + name);
    }
  }
  const Context silent;  // opening the file gives the same warnings
  H5adFile file(root, ReadOptions().turning_bytes, silent);
  summary.places = survey_values(file.obs(), file.places_of_counts(), silent);
}

}  // namespace

std::optional<std::string> h5ad_generation(const Hdf5Group& root) {
  if (!root.has("obs") || !root.has("var")) return std::nullopt;
  if (root.has_dataset("obs")) return "AnnData 0.6 or earlier";
  if (root.text_attribute("encoding-type") == "anndata") return "AnnData 0.8 or later";
  return "AnnData 0.7";
}

const Format kH5ad{"layer use-raw", recognise_h5ad, open_h5ad, describe_h5ad};

}  // namespace saithe::io
