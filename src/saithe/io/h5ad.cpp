#include "saithe/io/anndata_file.h"
#include "saithe/io/formats.h"
#include "saithe/io/h5ad_frame.h"
#include "saithe/io/h5ad_matrix.h"

namespace saithe::io {
namespace {

constexpr std::string_view kLayers = "layers/";

/// What is in a group of the root; of AnnData 0.5 and 0.6, the fields of a compound dataset.
std::vector<std::string> names_in(const Hdf5Group& root, const char* group) {
  if (root.has_group(group)) return root.group(group).names();
  if (root.has_dataset(group)) return root.dataset(group).field_names();
  return {};
}

class H5adFile final : public AnnDataFile {
 public:
  H5adFile(const Hdf5Group& root, const Context& context)
      : AnnDataFile(root.file_name(), read_frame(root, root, "obs", context), context),
        root_(root) {
    if (root.has_group("layers")) layers_.emplace(root.group("layers"));
    if (root.has_group("raw")) raw_.emplace(root.group("raw"));
  }
  std::vector<std::string> layers() const override { return names_in(root_, "layers"); }

 private:
  /// The group of a matrix, or nullptr, and its name in there.
  std::pair<const Hdf5Group*, std::string> find(const std::string& place) const {
    if (place.starts_with(kLayers)) {
      return {layers_ ? &*layers_ : nullptr, place.substr(kLayers.size())};
    }
    if (place == "raw/X") return {raw_ ? &*raw_ : nullptr, "X"};
    return {&root_, place};
  }
  bool has_matrix(const std::string& place) const override {
    const auto [group, member] = find(place);
    if (group == nullptr) return false;
    // Another place would be taken in the stead of a broken link without a word.
    return H5adMatrix::is_there(*group, member) || leads_nowhere(*group, member);
  }
  static bool leads_nowhere(const Hdf5Group& group, const std::string& member) {
    return group.is_link(member) && !group.has_group(member) && !group.has_dataset(member);
  }
  std::unique_ptr<CellMatrix> open_matrix(const std::string& place,
                                          GeneIndex n_genes) const override {
    const auto [group, member] = find(place);
    if (leads_nowhere(*group, member)) {
      fail(ErrorKind::BadFormat, "{}: is a link that leads nowhere", group->where(member));
    }
    return std::make_unique<H5adMatrix>(*group, member, obs().n_rows(), n_genes, context());
  }
  bool has_old_raw() const { return H5adMatrix::is_there(root_, "raw.X"); }  // AnnData 0.5 and 0.6
  std::string raw_place() const override { return has_old_raw() ? "raw.X" : "raw/X"; }
  Table read_var(bool of_raw, std::string& where) const override {
    const Hdf5Group& parent = of_raw && !has_old_raw() ? *raw_ : root_;
    const char* name = of_raw && has_old_raw() ? "raw.var" : "var";
    where = parent.where(name);
    return read_frame(root_, parent, name, context());
  }

  const Hdf5Group& root_;
  std::optional<Hdf5Group> layers_;
  std::optional<Hdf5Group> raw_;
};

std::optional<std::string> recognise_h5ad(const InputFile& input) {
  if (!input.hdf5) return std::nullopt;
  const auto generation = h5ad_generation(*input.hdf5);
  if (!generation) return std::nullopt;
  return "h5ad (" + *generation + ")";
}

std::unique_ptr<CellSource> open_h5ad(InputFile input, const ReadOptions& options,
                                      const Context& context) {
  const Hdf5Group root = std::move(*input.hdf5);
  H5adFile file(root, context);
  return open_cells(file, options, context);
}

void describe_h5ad(const InputFile& input, FileSummary& summary, const Context& context) {
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
  H5adFile file(root, context);
  summary.places = survey_values(file.obs(), file.places_of_counts(), context);
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
