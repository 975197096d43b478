#include "saithe/classify/model_file.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <fstream>

#include "saithe/classify/model_json.h"
#include "saithe/classify/safetensors.h"
#include "saithe/core/sha256.h"
#include "saithe/core/text_io.h"

namespace saithe {
namespace {

namespace fs = std::filesystem;

static_assert(std::endian::native == std::endian::little, "tensors are stored little-endian");

// Every model file begins so; the checksum stands at a fixed place (docs/model_format.md).
constexpr std::string_view kBeginning = R"({"__metadata__":{"sha256":")";
constexpr std::size_t kLengthBytes = 8;
constexpr std::size_t kDigestChars = 64;
const std::string kNoDigest(kDigestChars, '0');

std::string layer_name(std::size_t layer, const char* part) {
  return fmt::format("layer{}.{}", layer, part);
}

/// The tensors that a network of this shape has, in the order of the file.
std::vector<TensorInfo> expected_tensors(const MlpShape& shape) {
  std::vector<TensorInfo> tensors;
  std::int64_t offset = 0;
  const auto add = [&](std::string name, const char* dtype, std::vector<std::int64_t> sizes) {
    std::int64_t n_bytes = dtype_bytes(dtype);
    for (const std::int64_t size : sizes) {
      n_bytes = checked_multiply(n_bytes, size, "model file: tensor");
    }
    const std::int64_t end = checked_add(offset, n_bytes, "model file: tensors");
    tensors.push_back({std::move(name), dtype, std::move(sizes), offset, end});
    offset = end;
  };
  add("gene_mean", "F64", {shape.n_inputs});
  add("gene_sd", "F64", {shape.n_inputs});
  for (int layer = 0; layer < shape.n_layers(); ++layer) {
    const std::int64_t n_in = shape.inputs_of(layer);
    const std::int64_t n_out = shape.outputs_of(layer);
    const auto at = as_size(layer);
    add(layer_name(at, "weight"), "F32",
        layer == 0 ? std::vector<std::int64_t>{n_in, n_out}
                   : std::vector<std::int64_t>{n_out, n_in});
    add(layer_name(at, "bias"), "F32", {n_out});
  }
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

std::array<char, kLengthBytes> length_bytes(std::uint64_t length) {
  return std::bit_cast<std::array<char, kLengthBytes>>(length);
}

/// Starts the checksum: length and header, the digits of the checksum itself taken as zeros.
Sha256 hash_header(std::string header) {
  header.replace(kBeginning.size(), kDigestChars, kNoDigest);
  Sha256 hash;
  hash.update(length_bytes(header.size()).data(), kLengthBytes);
  hash.update(header.data(), header.size());
  return hash;
}

/// An open model file, read from front to back; every byte of the tensors goes into the checksum.
class ModelReader {
 public:
  explicit ModelReader(const fs::path& path) : where_(path.string()) {
    std::error_code error;
    const auto status = fs::status(path, error);
    if (error || !fs::exists(status)) {
      fail(ErrorKind::NotFound, "{}: there is no such model file", where_);
    }
    if (!fs::is_regular_file(status)) {
      fail(ErrorKind::NotFound, "{}: is not a file; name a model file", where_);
    }
    errno = 0;
    file_.open(path, std::ios::binary);
    if (!file_) {
      fail(ErrorKind::NotFound, "{}: cannot be opened: {}", where_, std::strerror(errno));
    }
    file_.seekg(0, std::ios::end);
    n_file_bytes_ = static_cast<std::int64_t>(file_.tellg());
    file_.seekg(0);
  }

  [[nodiscard]] const std::string& where() const { return where_; }
  [[nodiscard]] std::int64_t n_buffer_bytes() const { return n_buffer_bytes_; }

  std::string read_header() {
    constexpr auto kLength = static_cast<std::int64_t>(kLengthBytes);
    std::array<char, kLengthBytes> bytes{};
    if (n_file_bytes_ < kLength) fail_not_a_model();
    read(bytes.data(), kLengthBytes);
    const auto length = std::bit_cast<std::uint64_t>(bytes);
    if (length > static_cast<std::uint64_t>(kMaxSafetensorsHeader)) fail_not_a_model();
    const auto n_header = static_cast<std::int64_t>(length);
    // The beginning is looked at before the length is believed.
    std::string header(std::min(as_size(n_header), kBeginning.size()), '\0');
    if (as_size(n_file_bytes_ - kLength) < header.size()) fail_not_a_model();
    read(header.data(), header.size());
    if (header != kBeginning) fail_not_a_model();
    if (n_header > n_file_bytes_ - kLength ||
        as_size(n_header) < kBeginning.size() + kDigestChars) {
      fail(ErrorKind::BadFormat,
           "{}: the header takes {} bytes, but the file has {}; it is truncated. Copy it again.",
           where_, n_header, n_file_bytes_);
    }
    header.resize(as_size(n_header));
    read(header.data() + kBeginning.size(), header.size() - kBeginning.size());
    n_buffer_bytes_ = n_file_bytes_ - kLength - n_header;
    digest_ = header.substr(kBeginning.size(), kDigestChars);
    hash_ = hash_header(header);
    return header;
  }

  /// The next tensor. Its size was compared with the file's before.
  template <typename Values>
  void read_tensor(const TensorInfo& tensor, Values& values) {
    using Value = typename Values::value_type;
    values.resize(as_size(tensor.end - tensor.begin) / sizeof(Value));
    read(reinterpret_cast<char*>(values.data()), values.size() * sizeof(Value));
    hash_.update(values.data(), values.size() * sizeof(Value));
  }

  void require_digest() {
    if (hash_.hex_digest() != digest_) {
      fail(ErrorKind::BadFormat,
           "{}: the checksum does not match the content; the file was changed or damaged. Copy it "
           "again.",
           where_);
    }
  }

 private:
  void read(char* target, std::size_t n_bytes) {
    file_.read(target, static_cast<std::streamsize>(n_bytes));
    if (!file_) fail(ErrorKind::BadFormat, "{}: cannot be read to its end", where_);
  }
  [[noreturn]] void fail_not_a_model() const {
    fail(ErrorKind::BadFormat,
         "{}: is not a model of saithe: expected a safetensors file whose header begins with {}",
         where_, kBeginning);
  }

  std::string where_;
  std::ifstream file_;
  std::int64_t n_file_bytes_ = 0;
  std::int64_t n_buffer_bytes_ = 0;
  std::string digest_;
  Sha256 hash_;
};

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

}  // namespace

void save_model(const Model& model, const fs::path& path, bool overwrite) {
  require_storable(model, path.string());
  SAITHE_ASSERT(model.parameters.weights.size() == as_size(model.shape.n_layers()));
  const auto tensors = expected_tensors(model.shape);
  std::string header = format_safetensors_header(
      {{"sha256", kNoDigest}, {"saithe", format_model_json(model, path.string())}}, tensors);
  if (static_cast<std::int64_t>(header.size()) > kMaxSafetensorsHeader) {
    fail(ErrorKind::InvalidArgument, "{}: the model's names take {} bytes; at most {} fit",
         path.string(), header.size(), kMaxSafetensorsHeader);
  }
  std::vector<std::pair<const void*, std::size_t>> pieces;
  const auto add = [&](const auto& values) {
    pieces.emplace_back(values.data(), values.size() * sizeof(values[0]));
  };
  add(model.preprocessor.mean());
  add(model.preprocessor.sd());
  for (std::size_t layer = 0; layer < model.parameters.weights.size(); ++layer) {
    add(model.parameters.weights[layer]);
    add(model.parameters.biases[layer]);
  }
  SAITHE_ASSERT(pieces.size() == tensors.size());
  Sha256 hash = hash_header(header);
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    SAITHE_ASSERT(pieces[i].second == as_size(tensors[i].end - tensors[i].begin));
    hash.update(pieces[i].first, pieces[i].second);
  }
  header.replace(kBeginning.size(), kDigestChars, hash.hex_digest());

  OutputFile output(path, overwrite);
  errno = 0;
  std::ofstream file(output.temporary_path(), std::ios::binary);
  file.write(length_bytes(header.size()).data(), kLengthBytes);
  file.write(header.data(), static_cast<std::streamsize>(header.size()));
  for (const auto& [bytes, n_bytes] : pieces) {
    file.write(static_cast<const char*>(bytes), static_cast<std::streamsize>(n_bytes));
  }
  file.close();
  if (!file) {
    fail(ErrorKind::Output, "{}: cannot be written: {}", path.string(), std::strerror(errno));
  }
  output.commit();
}

Model load_model(const fs::path& path) {
  ModelReader reader(path);
  const std::string text = reader.read_header();
  const auto header = parse_safetensors_header(text, reader.n_buffer_bytes(), reader.where());
  if (header.metadata.size() != 2 || header.metadata.count("saithe") == 0) {
    fail(ErrorKind::BadFormat, "{}: __metadata__ does not hold exactly 'sha256' and 'saithe'",
         reader.where());
  }
  ModelDescription description =
      parse_model_json(header.metadata.at("saithe"), reader.where() + ": __metadata__ saithe");
  const auto tensors = expected_tensors(description.shape);
  require_tensors(header.tensors, tensors, reader.where());

  Model model;
  std::vector<double> mean;
  std::vector<double> sd;
  reader.read_tensor(tensors[0], mean);
  reader.read_tensor(tensors[1], sd);
  model.parameters.weights.resize(as_size(description.shape.n_layers()));
  model.parameters.biases.resize(model.parameters.weights.size());
  for (std::size_t layer = 0; layer < model.parameters.weights.size(); ++layer) {
    reader.read_tensor(tensors[2 + 2 * layer], model.parameters.weights[layer]);
    reader.read_tensor(tensors[3 + 2 * layer], model.parameters.biases[layer]);
  }
  reader.require_digest();
  require_finite(mean, tensors[0], reader.where());
  require_finite(sd, tensors[1], reader.where());
  for (std::size_t layer = 0; layer < model.parameters.weights.size(); ++layer) {
    require_finite(model.parameters.weights[layer], tensors[2 + 2 * layer], reader.where());
    require_finite(model.parameters.biases[layer], tensors[3 + 2 * layer], reader.where());
  }
  require_statistics(mean, sd, reader.where());

  model.types = LabelSet(std::move(description.types));
  model.preprocessor =
      Preprocessor(description.preprocessing, std::move(description.gene_names),
                   std::move(description.gene_ids), std::move(mean), std::move(sd));
  model.shape = std::move(description.shape);
  model.loss = description.loss;
  model.options = std::move(description.options);
  model.saithe_version = std::move(description.saithe_version);
  model.seed = description.seed;
  model.was_interrupted = description.was_interrupted;
  return model;
}

bool is_model_file(const fs::path& path) {
  std::error_code error;
  if (!fs::is_regular_file(path, error)) return false;
  std::ifstream file(path, std::ios::binary);
  std::string beginning(kLengthBytes + kBeginning.size(), '\0');
  file.read(beginning.data(), static_cast<std::streamsize>(beginning.size()));
  return file && std::string_view(beginning).substr(kLengthBytes) == kBeginning;
}

}  // namespace saithe
