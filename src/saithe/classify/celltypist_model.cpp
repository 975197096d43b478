#include "saithe/classify/celltypist_model.h"

#include <algorithm>
#include <unordered_set>

#include "saithe/classify/pickled_array.h"
#include "saithe/core/error.h"
#include "saithe/core/text_io.h"

namespace saithe {
namespace {

using Kind = PickleValue::Kind;

constexpr std::int64_t kMaxFileBytes = std::int64_t{1} << 30;

constexpr std::string_view kModel = "celltypist.models.Model";
constexpr std::string_view kScalers[] = {
    "sklearn.preprocessing._data.StandardScaler",
    "sklearn.preprocessing.data.StandardScaler",  // before scikit-learn 0.22, as below
};
constexpr std::string_view kClassifiers[] = {
    "sklearn.linear_model._logistic.LogisticRegression",
    "sklearn.linear_model.logistic.LogisticRegression",
    "sklearn.linear_model._stochastic_gradient.SGDClassifier",
    "sklearn.linear_model.stochastic_gradient.SGDClassifier",
};
// Parts of an estimator that do not matter to its predictions: the loss it was fitted with, the
// source of its random numbers, types of its options.
constexpr std::string_view kIgnored[] = {
    "_loss.CyHalfBinomialLoss",
    "sklearn._loss._loss.CyHalfBinomialLoss",
    "sklearn.linear_model._sgd_fast.Log",
    "sklearn.linear_model.sgd_fast.Log",
    "sklearn.linear_model._sgd_fast.Hinge",
    "sklearn.linear_model._sgd_fast.SquaredHinge",
    "sklearn.linear_model._sgd_fast.ModifiedHuber",
    "numpy.random._pickle.__randomstate_ctor",
    "numpy.random._pickle.__bit_generator_ctor",
    "numpy.random._mt19937.MT19937",
    "numpy.bool_",
    "numpy.float32",
    "numpy.float64",
    "numpy.int32",
    "numpy.int64",
    "builtins.set",
    "builtins.frozenset",
    "collections.OrderedDict",
};

std::vector<std::string_view> allowed_globals() {
  std::vector<std::string_view> all = {kModel};
  all.insert(all.end(), std::begin(kScalers), std::end(kScalers));
  all.insert(all.end(), std::begin(kClassifiers), std::end(kClassifiers));
  all.insert(all.end(), std::begin(kIgnored), std::end(kIgnored));
  const auto numpy = numpy_globals();
  all.insert(all.end(), numpy.begin(), numpy.end());
  return all;
}

/// An entry of a Dict; throws if it is missing.
const PickleValue& entry(const PickleValue& dict, std::string_view key, const std::string& where) {
  const PickleValue* value = dict.find(key);
  if (value == nullptr) {
    fail(ErrorKind::BadFormat, "{}: no '{}' in it; expected a model of CellTypist", where, key);
  }
  return *value;
}

/// The attributes of an object of one of the classes.
const PickleValue& attributes(const PickleValue& object, std::span<const std::string_view> classes,
                              const std::string& where) {
  if (object.kind != Kind::Object ||
      std::find(classes.begin(), classes.end(), object.text) == classes.end()) {
    fail(ErrorKind::BadFormat, "{}: found {}, expected an object of {}", where,
         object.kind == Kind::Object ? printable(object.text) : kind_name(object.kind),
         classes.front());
  }
  if (object.state == nullptr || object.state->kind != Kind::Dict) {
    fail(ErrorKind::BadFormat, "{}: an object without attributes", where);
  }
  return *object.state;
}

void require_unique(const std::vector<std::string>& names, const std::string& where) {
  std::unordered_set<std::string_view> seen;
  for (const std::string& name : names) {
    if (!seen.insert(name).second) {
      fail(ErrorKind::BadFormat, "{}: '{}' stands twice", where, printable(name));
    }
  }
}

/// An array of one dimension and a given length.
std::vector<double> read_vector(const PickleValue& dict, std::string_view key, std::size_t size,
                                const std::string& where) {
  const std::string here = where + "." + std::string(key);
  PickledNumbers numbers = read_number_array(entry(dict, key, where), here);
  if (numbers.shape.size() != 1 || numbers.values.size() != size) {
    fail(ErrorKind::BadFormat, "{}: {} numbers in {} dimensions; expected {} in one", here,
         numbers.values.size(), numbers.shape.size(), size);
  }
  return std::move(numbers.values);
}

/// Where an estimator says how many genes it was fitted with, it must be as many.
void require_n_features(const PickleValue& estimator, std::size_t n_genes,
                        const std::string& where) {
  const PickleValue* n = estimator.find("n_features_in_");
  if (n == nullptr) return;  // of an older scikit-learn
  const std::int64_t n_features = read_whole_number(*n, where + ".n_features_in_");
  if (std::cmp_not_equal(n_features, n_genes)) {
    fail(ErrorKind::BadFormat, "{}: fitted with {} genes, but the model names {}", where,
         n_features, n_genes);
  }
}

void read_classifier(const PickleValue& object, const std::string& where, CellTypistModel& model) {
  const PickleValue& fields = attributes(object, kClassifiers, where);
  model.classifier = object.text.substr(object.text.rfind('.') + 1);
  const PickleValue* version = fields.find("_sklearn_version");
  if (version != nullptr && version->kind == Kind::Text) model.sklearn_version = version->text;
  model.cell_types = read_text_array(entry(fields, "classes_", where), where + ".classes_");
  model.genes = read_text_array(entry(fields, "features", where), where + ".features");
  require_unique(model.cell_types, where + ".classes_");
  require_unique(model.genes, where + ".features");
  const std::size_t n_types = model.cell_types.size();
  const std::size_t n_genes = model.genes.size();
  if (n_types < 2 || n_genes < 1) {
    fail(ErrorKind::BadFormat, "{}: {} cell types and {} genes; expected at least 2 and 1", where,
         n_types, n_genes);
  }
  require_n_features(fields, n_genes, where);
  PickledNumbers weights = read_number_array(entry(fields, "coef_", where), where + ".coef_");
  const bool has_one_row = n_types == 2 && weights.shape.size() == 2 && weights.shape[0] == 1;
  const std::size_t n_rows = has_one_row ? 1 : n_types;
  if (weights.shape.size() != 2 || std::cmp_not_equal(weights.shape[0], n_rows) ||
      std::cmp_not_equal(weights.shape[1], n_genes)) {
    fail(ErrorKind::BadFormat,
         "{}.coef_: {} coefficients in {} dimensions; expected {} cell types x {} genes", where,
         weights.values.size(), weights.shape.size(), n_rows, n_genes);
  }
  model.intercepts = read_vector(fields, "intercept_", n_rows, where);
  model.coefficients = std::move(weights.values);
  if (has_one_row) {
    // CellTypist sets the first type's decision to the negative of the second's.
    model.coefficients.resize(2 * n_genes);
    for (std::size_t gene = 0; gene < n_genes; ++gene) {
      model.coefficients[n_genes + gene] = model.coefficients[gene];
      model.coefficients[gene] = -model.coefficients[gene];
    }
    model.intercepts = {-model.intercepts[0], model.intercepts[0]};
  }
}

void read_scaler(const PickleValue& object, const std::string& where, CellTypistModel& model) {
  const PickleValue& fields = attributes(object, kScalers, where);
  const std::size_t n_genes = model.genes.size();
  require_n_features(fields, n_genes, where);
  const PickleValue& with_mean = entry(fields, "with_mean", where);
  if (with_mean.kind != Kind::Boolean) {
    fail(ErrorKind::BadFormat, "{}.with_mean: found {}, expected a boolean", where,
         kind_name(with_mean.kind));
  }
  model.with_mean = with_mean.integer != 0;
  // Without with_mean CellTypist takes no notice of the mean, which may be missing.
  model.mean =
      model.with_mean ? read_vector(fields, "mean_", n_genes, where) : std::vector<double>(n_genes);
  model.scale = read_vector(fields, "scale_", n_genes, where);
  for (std::size_t gene = 0; gene < n_genes; ++gene) {
    if (!(model.scale[gene] > 0)) {
      fail(ErrorKind::BadFormat, "{}.scale_: {} for the gene '{}'; expected a number above 0",
           where, model.scale[gene], printable(model.genes[gene]));
    }
  }
}

std::string description_text(const PickleValue& value) {
  switch (value.kind) {
    case Kind::None:
      return {};
    case Kind::Text:
      return std::string(value.text);
    case Kind::Boolean:
      return value.integer != 0 ? "True" : "False";
    case Kind::Integer:
      return fmt::format("{}", value.integer);
    case Kind::Number:
      return format_number(value.number);
    default:
      return fmt::format("({})", kind_name(value.kind));
  }
}

void read_description(const PickleValue& dict, const std::string& where, CellTypistModel& model) {
  // So many entries of so many bytes each at most, as one text may stand in many places.
  constexpr std::size_t kMaxEntries = 1000;
  constexpr std::size_t kMaxBytes = std::size_t{1} << 20;
  if (dict.kind != Kind::Dict || dict.items.size() / 2 > kMaxEntries) {
    fail(ErrorKind::BadFormat, "{}: found {}, expected a dict of at most {} entries", where,
         kind_name(dict.kind), kMaxEntries);
  }
  for (std::size_t i = 0; i < dict.items.size(); i += 2) {
    std::string key = description_text(*dict.items[i]);
    std::string text = description_text(*dict.items[i + 1]);
    if (key.size() + text.size() > kMaxBytes) {
      fail(ErrorKind::BadFormat, "{}: more than {} bytes in an entry", where, kMaxBytes);
    }
    model.description.emplace_back(std::move(key), std::move(text));
  }
}

}  // namespace

CellTypistModel parse_celltypist_model(std::string bytes, const std::string& where) {
  const Pickle pickle(std::move(bytes), allowed_globals(), where);
  const PickleValue& root = pickle.root();
  CellTypistModel model;
  if (root.kind == Kind::Object) {  // the object itself instead of what write() takes from it
    constexpr std::string_view kModels[] = {kModel};
    const PickleValue& fields = attributes(root, kModels, where);
    read_classifier(entry(fields, "classifier", where), where + ": classifier", model);
    read_scaler(entry(fields, "scaler", where), where + ": scaler", model);
    read_description(entry(fields, "description", where), where + ": description", model);
    return model;
  }
  if (root.kind != Kind::Dict) {
    fail(ErrorKind::BadFormat, "{}: holds {}; expected a model of CellTypist", where,
         kind_name(root.kind));
  }
  read_classifier(entry(root, "Model", where), where + ": Model", model);
  read_scaler(entry(root, "Scaler_", where), where + ": Scaler_", model);
  read_description(entry(root, "description", where), where + ": description", model);
  return model;
}

CellTypistModel load_celltypist_model(const std::filesystem::path& path) {
  std::string bytes = read_file(path, kMaxFileBytes);
  if (bytes.starts_with("\x89HDF")) {
    fail(ErrorKind::BadFormat,
         "{}: is an HDF5 file; expected a model as CellTypist's write() makes it, such as "
         "Immune_All_Low.pkl",
         path.string());
  }
  return parse_celltypist_model(std::move(bytes), path.string());
}

}  // namespace saithe
