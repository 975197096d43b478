#include "saithe/classify/model_file.h"

#include <algorithm>
#include <cmath>

#include "saithe/classify/checksummed_file.h"
#include "saithe/classify/model_json.h"
#include "saithe/core/pending_outputs.h"
#include "saithe/core/text_io.h"

namespace saithe {
namespace {

namespace fs = std::filesystem;

constexpr const char* kMetadataKey = "saithe";
constexpr std::int64_t kMisfitNumbers = 3;

/// The arrays of a model as they are read.
struct LoadedTensors {
  std::vector<double> mean;
  std::vector<double> sd;
  std::vector<double> count_share;
  NoveltyModel novelty;
  OneVsRest one_vs_rest;
  std::vector<Member> members;
};

/// The same of a model that exists.
struct SavedTensors {
  const std::vector<double>& mean;
  const std::vector<double>& sd;
  const std::vector<double>& count_share;
  const NoveltyModel& novelty;
  const OneVsRest& one_vs_rest;
  const std::vector<Member>& members;
};

/// Calls visit(name, sizes, values) for the weights of a member, in the order of the file.
template <typename Parameters, typename Visit>
void for_each_weight(const MlpShape& shape, const std::string& member, Parameters& parameters,
                     Visit visit) {
  for (int layer = 0; layer < shape.n_layers(); ++layer) {
    const std::int64_t n_in = shape.inputs_of(layer);
    const std::int64_t n_out = shape.outputs_of(layer);
    const auto at = as_size(layer);
    const std::string name = fmt::format("{}.layer{}.", member, layer);
    visit(name + "weight",
          layer == 0 ? std::vector<std::int64_t>{n_in, n_out}
                     : std::vector<std::int64_t>{n_out, n_in},
          parameters.weights[at]);
    visit(name + "bias", {n_out}, parameters.biases[at]);
    if (!shape.layer_norm || layer + 1 == shape.n_layers()) continue;
    visit(name + "norm_gain", {n_out}, parameters.norm_gains[at]);
    visit(name + "norm_bias", {n_out}, parameters.norm_biases[at]);
  }
}

/// Calls visit(name, sizes, values) for every tensor of a model, in the order of the file.
template <typename Tensors, typename Visit>
void for_each_tensor(const ModelDescription& model, Tensors& tensors, Visit visit) {
  const auto n_inputs = static_cast<std::int64_t>(model.genes.inputs.size());
  const auto n_genes = static_cast<std::int64_t>(model.genes.names.size());
  const auto n_types = static_cast<std::int64_t>(model.types.size());
  visit("gene_mean", {n_inputs}, tensors.mean);
  visit("gene_sd", {n_inputs}, tensors.sd);
  if (model.has_count_share) visit("count_share", {n_genes}, tensors.count_share);
  if (model.has_novelty) {
    const std::int64_t n_coordinates = model.n_novelty_axes + n_types;
    visit("novelty.type_shares", {n_types}, tensors.novelty.type_shares);
    visit("novelty.means", {n_types, n_coordinates}, tensors.novelty.means);
    visit("novelty.covariance", {n_coordinates, n_coordinates}, tensors.novelty.covariance);
    visit("novelty.feature_variance", {n_inputs}, tensors.novelty.feature_variance);
  }
  if (model.has_misfit) {
    visit("novelty.misfit", {kMisfitNumbers}, tensors.novelty.misfit);
  }
  if (model.has_held_out_distances) {
    visit("novelty.quantiles", {static_cast<std::int64_t>(kNoveltyQuantiles)},
          tensors.novelty.held_out_quantiles);
  }
  if (model.has_one_vs_rest) {
    visit("one_vs_rest.slopes", {n_types}, tensors.one_vs_rest.slopes);
    visit("one_vs_rest.offsets", {n_types}, tensors.one_vs_rest.offsets);
  }
  if (model.has_novelty) {
    visit("novelty.axes", {n_inputs, model.n_novelty_axes}, tensors.novelty.axes);
  }
  for (std::size_t i = 0; i < model.members.size(); ++i) {
    for_each_weight(model.members[i], fmt::format("member{}", i), tensors.members[i].parameters,
                    visit);
  }
}

/// Members with the number of arrays that their shapes have, all empty.
std::vector<Member> empty_members(const std::vector<MlpShape>& shapes) {
  std::vector<Member> members;
  for (const MlpShape& shape : shapes) {
    Member member;
    member.shape = shape;
    member.parameters.weights.resize(as_size(shape.n_layers()));
    member.parameters.biases.resize(as_size(shape.n_layers()));
    if (shape.layer_norm) {
      member.parameters.norm_gains.resize(shape.hidden.size());
      member.parameters.norm_biases.resize(shape.hidden.size());
    }
    members.push_back(std::move(member));
  }
  return members;
}

/// The tensors that a model of this description has.
std::vector<TensorInfo> expected_tensors(const ModelDescription& model) {
  std::vector<TensorInfo> tensors;
  std::int64_t offset = 0;
  LoadedTensors none;
  none.members = empty_members(model.members);
  for_each_tensor(
      model, none, [&](std::string name, std::vector<std::int64_t> sizes, const auto& values) {
        using Value = typename std::decay_t<decltype(values)>::value_type;
        auto n_bytes = static_cast<std::int64_t>(sizeof(Value));
        for (const std::int64_t size : sizes) {
          n_bytes = checked_multiply(n_bytes, size, "model file: tensor");
        }
        const std::int64_t end = checked_add(offset, n_bytes, "model file: tensors");
        tensors.push_back({std::move(name), std::is_same_v<Value, double> ? "F64" : "F32",
                           std::move(sizes), offset, end});
        offset = end;
      });
  return tensors;
}

std::string shape_text(const TensorInfo& tensor) {
  std::string text = tensor.dtype;
  for (const std::int64_t size : tensor.shape) text += fmt::format(" {}", size);
  return text;
}

void require_tensors(const std::vector<TensorInfo>& found, const std::vector<TensorInfo>& expected,
                     const std::string& where) {
  if (found.size() != expected.size()) {
    fail(ErrorKind::BadFormat, "{}: {} tensors where the network has {}", where, found.size(),
         expected.size());
  }
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (found[i].name != expected[i].name || found[i].shape != expected[i].shape ||
        found[i].dtype != expected[i].dtype) {
      fail(ErrorKind::BadFormat, "{}: tensor {} is '{}' ({}); expected '{}' ({})", where, i,
           printable(found[i].name), shape_text(found[i]), expected[i].name,
           shape_text(expected[i]));
    }
  }
}

template <typename Values>
void require_finite(const Values& values, const TensorInfo& tensor, const std::string& where) {
  const auto bad =
      std::find_if(values.begin(), values.end(), [](auto value) { return !std::isfinite(value); });
  if (bad != values.end()) {
    fail(ErrorKind::BadFormat, "{}: tensor '{}' has the value {} at position {}", where,
         tensor.name, format_number(*bad), bad - values.begin());
  }
}

/// The statistics are used as float32 mean/sd and 1/sd: these must be finite, too.
void require_statistics(const std::vector<double>& mean, const std::vector<double>& sd,
                        const std::string& where) {
  for (std::size_t gene = 0; gene < sd.size(); ++gene) {
    const bool is_usable =
        sd[gene] == 0 || (sd[gene] > 0 && std::isfinite(static_cast<float>(1.0 / sd[gene])) &&
                          std::isfinite(static_cast<float>(mean[gene] / sd[gene])));
    if (!is_usable) {
      fail(ErrorKind::BadFormat, "{}: gene {} has the mean {} and the standard deviation {}", where,
           gene, format_number(mean[gene]), format_number(sd[gene]));
    }
  }
}

/// Shares of a whole.
void require_shares(const std::vector<double>& shares, const char* part, const char* whole,
                    const std::string& where) {
  constexpr double kRounding = 1e-6;
  double sum = 0;
  for (const double share : shares) {
    if (share < 0) {
      fail(ErrorKind::BadFormat, "{}: a {}'s share of the {} is {}", where, part, whole, share);
    }
    sum += share;
  }
  if (sum > 1 + kRounding) {
    fail(ErrorKind::BadFormat, "{}: the {}s' shares of the {} add up to {}", where, part, whole,
         sum);
  }
}

void require_quantiles(const std::vector<double>& quantiles, const std::string& where) {
  const bool ascend = std::is_sorted(quantiles.begin(), quantiles.end());
  if (!quantiles.empty() && (!ascend || quantiles.front() < 0)) {
    fail(ErrorKind::BadFormat, "{}: the distances of held-out cells do not ascend from 0", where);
  }
}

/// What distances and the genes' part in them are reckoned with.
void require_novelty(const NoveltyModel& novelty, const std::string& where) {
  if (novelty.n_types == 0) return;
  const auto& variance = novelty.feature_variance;
  if (std::any_of(variance.begin(), variance.end(), [](double v) { return v < 0; })) {
    fail(ErrorKind::BadFormat, "{}: a feature's variance in the novelty score is below 0", where);
  }
  if (!novelty.misfit.empty() && !(novelty.misfit.back() > 0)) {
    fail(ErrorKind::BadFormat, "{}: the misfits of the novelty score have the deviation {}", where,
         format_number(novelty.misfit.back()));
  }
  require_shares(novelty.type_shares, "type", "training cells", where);
  const auto n = as_size(novelty.n_coordinates());
  bool is_symmetric = true;
  for (std::size_t i = 0; i < n * n; ++i) {
    is_symmetric &= novelty.covariance[i] == novelty.covariance[i % n * n + i / n];
  }
  if (!is_symmetric || !has_usable_covariance(novelty)) {
    fail(ErrorKind::BadFormat, "{}: the covariance of the novelty score is none", where);
  }
}

/// What the header describes, which is compared with the tensors that it lists.
ModelDescription parse_description(const std::string& text, const ChecksummedReader& reader) {
  const auto header = parse_safetensors_header(text, reader.n_buffer_bytes(), reader.where());
  if (header.metadata.size() != 2 || header.metadata.count(kMetadataKey) == 0) {
    fail(ErrorKind::BadFormat, "{}: __metadata__ does not hold exactly 'sha256' and '{}'",
         reader.where(), kMetadataKey);
  }
  ModelDescription description =
      parse_model_json(header.metadata.at(kMetadataKey), reader.where() + ": __metadata__ saithe");
  require_tensors(header.tensors, expected_tensors(description), reader.where());
  return description;
}

}  // namespace

void save_model(const Model& model, const fs::path& path, bool overwrite) {
  PendingOutputs outputs;
  save_model(model, path, overwrite, outputs);
  outputs.commit();
}

void save_model(const Model& model, const fs::path& path, bool overwrite, PendingOutputs& outputs) {
  const ModelDescription description = describe_model(model);
  require_storable(description, path.string());
  const auto tensors = expected_tensors(description);
  std::vector<TensorBytes> pieces;
  const SavedTensors saved{model.preprocessor.mean(),
                           model.preprocessor.sd(),
                           model.preprocessor.reference().count_share,
                           model.novelty,
                           model.one_vs_rest,
                           model.members};
  for_each_tensor(description, saved,
                  [&](const std::string&, const std::vector<std::int64_t>&, const auto& values) {
                    pieces.push_back({values.data(), values.size() * sizeof(values[0])});
                  });
  write_checksummed_file(path, overwrite,
                         {kMetadataKey, format_model_json(description, path.string())}, tensors,
                         pieces, outputs);
}

Model load_model(const fs::path& path) {
  ChecksummedReader reader(path, "model", "train the model anew");
  const std::string text = reader.read_header();
  ModelDescription description =
      reader.parse_header([&] { return parse_description(text, reader); });
  const auto tensors = expected_tensors(description);

  LoadedTensors loaded;
  loaded.members = empty_members(description.members);
  auto next = tensors.begin();
  for_each_tensor(description, loaded,
                  [&](const std::string&, const std::vector<std::int64_t>&, auto& values) {
                    reader.read_tensor(*next++, values);
                  });
  reader.require_digest();
  next = tensors.begin();
  for_each_tensor(description, loaded,
                  [&](const std::string&, const std::vector<std::int64_t>&, const auto& values) {
                    require_finite(values, *next++, reader.where());
                  });
  require_statistics(loaded.mean, loaded.sd, reader.where());
  require_shares(loaded.count_share, "gene", "counts", reader.where());
  require_quantiles(loaded.novelty.held_out_quantiles, reader.where());

  Model model;
  description.genes.count_share = std::move(loaded.count_share);
  loaded.novelty.n_types =
      description.has_novelty ? static_cast<std::int64_t>(description.types.size()) : 0;
  loaded.novelty.n_axes = description.n_novelty_axes;
  loaded.novelty.unseen_type = description.unseen_type;
  require_novelty(loaded.novelty, reader.where());
  model.types = LabelSet(std::move(description.types));
  model.preprocessor =
      Preprocessor(description.preprocessing, description.kind, std::move(description.genes),
                   std::move(loaded.mean), std::move(loaded.sd));
  model.members = std::move(loaded.members);
  share_out(model.members, description.first_share);
  model.output = description.output;
  model.calibration = std::move(description.calibration);
  model.novelty = std::move(loaded.novelty);
  model.one_vs_rest = std::move(loaded.one_vs_rest);
  model.loss = description.loss;
  model.card = std::move(description.card);
  model.options = std::move(description.options);
  model.saithe_version = std::move(description.saithe_version);
  model.seed = description.seed;
  model.was_interrupted = description.was_interrupted;
  return model;
}

bool is_model_file(const fs::path& path) {
  return is_checksummed_file(path);
}

}  // namespace saithe
