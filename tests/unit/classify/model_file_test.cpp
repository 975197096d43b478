// save_model() and load_model(): round trip, and every kind of damage. A damaged file is
// Error(BadFormat), whether or not its checksum was made to fit.

#include "saithe/classify/model_file.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>

#include "saithe/core/random.h"
#include "saithe/core/sha256.h"
#include "saithe/core/text_io.h"

namespace saithe {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr std::size_t kDigestAt = 35;  // 8 bytes of length and {"__metadata__":{"sha256":"
constexpr std::size_t kDigestChars = 64;

/// A folder of its own for every test, removed afterwards.
class ModelFile : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "saithe_model_XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { fs::remove_all(folder_); }
  [[nodiscard]] fs::path file(const std::string& name = "model.saithe") const {
    return folder_ / name;
  }
  /// Loads these bytes as a file.
  [[nodiscard]] Model load_bytes(const std::string& bytes) const {
    std::ofstream(file("bytes"), std::ios::binary) << bytes;
    return load_model(file("bytes"));
  }
  /// The message of the Error(BadFormat) that the bytes give; "" and a failure if there is none.
  [[nodiscard]] std::string refusal(const std::string& bytes) const {
    try {
      static_cast<void>(load_bytes(bytes));
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::BadFormat) << error.what();
      return error.what();
    }
    ADD_FAILURE() << "the file was accepted";
    return "";
  }

 private:
  fs::path folder_;
};

Model tiny_model() {
  Model model;
  model.types = LabelSet({"B", "CD4 T", "\xc3\xa9t\xc3\xa9"});  // the last in UTF-8
  model.preprocessor = Preprocessor(
      {.target_sum = 1e4, .scale = true, .max_value = 0.1}, {"GENE1", "GENE2", "GENE3", "GENE4"},
      {"ENSG1", "ENSG2", "ENSG3", "ENSG4"}, {0.1, 0.2, 0.3, 0.0}, {1.0 / 3.0, 1.5, 2.5, 0.0});
  model.shape = {4, {5, 2}, {0.2}, 3};
  model.parameters = initial_parameters(model.shape, 7);
  model.loss = kernels::Loss::Article;
  model.options = {{"hidden", "5,2"}, {"donor-key", ""}, {"learning-rate", "0.0001"}};
  model.saithe_version = "1.2.3";
  model.seed = 18446744073709551615U;
  model.was_interrupted = true;
  return model;
}

bool is_equal(const Model& a, const Model& b) {
  const auto& p = a.preprocessor;
  const auto& q = b.preprocessor;
  return a.types.names() == b.types.names() && p.gene_names() == q.gene_names() &&
         p.gene_ids() == q.gene_ids() && p.mean() == q.mean() && p.sd() == q.sd() &&
         p.options().target_sum == q.options().target_sum &&
         p.options().scale == q.options().scale && p.options().max_value == q.options().max_value &&
         a.shape.n_inputs == b.shape.n_inputs && a.shape.hidden == b.shape.hidden &&
         a.shape.dropout == b.shape.dropout && a.shape.n_outputs == b.shape.n_outputs &&
         a.parameters.weights == b.parameters.weights &&
         a.parameters.biases == b.parameters.biases && a.loss == b.loss && a.options == b.options &&
         a.saithe_version == b.saithe_version && a.seed == b.seed &&
         a.was_interrupted == b.was_interrupted;
}

std::string bytes_of(const fs::path& path) {
  return read_file(path, 1 << 20);
}

std::uint64_t header_length(const std::string& bytes) {
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), sizeof length);
  return length;
}

std::string with_length(const std::string& header, const std::string& buffer) {
  const auto length = std::bit_cast<std::array<char, 8>>(static_cast<std::uint64_t>(header.size()));
  return std::string(length.data(), length.size()) + header + buffer;
}

/// The bytes with the checksum that fits them, as someone would make it who means harm.
std::string resealed(std::string bytes) {
  if (bytes.size() < kDigestAt + kDigestChars) return bytes;
  bytes.replace(kDigestAt, kDigestChars, std::string(kDigestChars, '0'));
  Sha256 hash;
  hash.update(bytes.data(), bytes.size());
  return bytes.replace(kDigestAt, kDigestChars, hash.hex_digest());
}

/// A model file taken apart; put together again after a change, with a fitting checksum.
struct Parts {
  Json header;
  Json words;  // our JSON inside the metadata
  std::string buffer;

  explicit Parts(const std::string& bytes)
      : header(Json::parse(bytes.substr(8, header_length(bytes)))),
        words(Json::parse(header["__metadata__"]["saithe"].get<std::string>())),
        buffer(bytes.substr(8 + header_length(bytes))) {}

  [[nodiscard]] std::string join() const {
    Json changed = header;
    if (changed["__metadata__"].contains("saithe")) {
      changed["__metadata__"]["saithe"] = words.dump();
    }
    return resealed(with_length(changed.dump(), buffer));
  }
};

TEST_F(ModelFile, ComesBackAsItWas) {
  const Model model = tiny_model();
  save_model(model, file(), false);
  EXPECT_TRUE(is_model_file(file()));
  EXPECT_TRUE(is_equal(load_model(file()), model));
}

TEST_F(ModelFile, ALinearModelWithoutGeneIdsComesBack) {
  Model model = tiny_model();
  model.preprocessor = Preprocessor({.target_sum = 1e4, .scale = false, .max_value = 0}, {"a", "b"},
                                    {}, {0, 0}, {0, 0});
  model.shape = {2, {}, {}, 3};
  model.parameters = initial_parameters(model.shape, 1);
  save_model(model, file(), false);
  EXPECT_TRUE(is_equal(load_model(file()), model));
}

TEST_F(ModelFile, TheSameModelGivesTheSameBytes) {
  save_model(tiny_model(), file("a"), false);
  save_model(tiny_model(), file("b"), false);
  EXPECT_EQ(bytes_of(file("a")), bytes_of(file("b")));
}

TEST_F(ModelFile, IsPlainSafetensorsAsDocumented) {
  save_model(tiny_model(), file(), false);
  const std::string bytes = bytes_of(file());
  EXPECT_EQ(header_length(bytes) % 8, 0U);
  const Parts parts(bytes);
  EXPECT_EQ(parts.header["gene_sd"]["dtype"], "F64");
  EXPECT_EQ(parts.header["gene_sd"]["shape"], Json({4}));
  EXPECT_EQ(parts.header["layer0.weight"]["shape"], Json({4, 5}));  // (gene, unit)
  EXPECT_EQ(parts.header["layer1.weight"]["shape"], Json({2, 5}));  // (output, input)
  EXPECT_EQ(parts.header["layer2.bias"]["dtype"], "F32");
  EXPECT_EQ(parts.words["types"][1], "CD4 T");
  // weight (gene 1, unit 0) stands where the header says
  const auto begin = parts.header["layer0.weight"]["data_offsets"][0].get<std::size_t>();
  float value = 0;
  std::memcpy(&value, parts.buffer.data() + begin + 5 * sizeof(float), sizeof value);
  EXPECT_EQ(value, tiny_model().parameters.weights[0][5]);
  // the checksum is that of all bytes with its own digits as zeros
  EXPECT_EQ(resealed(bytes), bytes);
}

TEST_F(ModelFile, AnExistingFileStays) {
  std::ofstream(file()) << "precious";
  try {
    save_model(tiny_model(), file(), false);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Output);
  }
  EXPECT_EQ(bytes_of(file()), "precious");
  save_model(tiny_model(), file(), true);
  EXPECT_TRUE(is_equal(load_model(file()), tiny_model()));
}

TEST_F(ModelFile, AMissingFileOrAFolderIsNotFound) {
  for (const fs::path& path : {file("absent"), file().parent_path()}) {
    try {
      static_cast<void>(load_model(path));
      FAIL() << "no error";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::NotFound);
    }
    EXPECT_FALSE(is_model_file(path));
  }
}

TEST_F(ModelFile, NamesThatAreNoUtf8AreNotWritten) {
  Model model = tiny_model();
  model.types = LabelSet({"B", "T", "\xff"});
  try {
    save_model(model, file(), false);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::BadFormat);
    EXPECT_NE(std::string(error.what()).find("UTF-8"), std::string::npos);
  }
  EXPECT_FALSE(fs::exists(file()));
}

TEST_F(ModelFile, EveryTruncationIsRefused) {
  save_model(tiny_model(), file(), false);
  const std::string bytes = bytes_of(file());
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    SCOPED_TRACE(n);
    EXPECT_FALSE(refusal(bytes.substr(0, n)).empty());
  }
  EXPECT_NE(refusal(bytes + "x").find("belong to none"), std::string::npos);
}

TEST_F(ModelFile, EveryFlippedBitIsRefused) {
  save_model(tiny_model(), file(), false);
  const std::string bytes = bytes_of(file());
  for (std::size_t bit = 0; bit < 8 * bytes.size(); bit += 3) {
    std::string damaged = bytes;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
    EXPECT_FALSE(refusal(damaged).empty()) << "bit " << bit;
  }
}

TEST_F(ModelFile, DamageUnderAFittingChecksumIsRefusedOrAModel) {
  save_model(tiny_model(), file(), false);
  const std::string bytes = bytes_of(file());
  int n_accepted = 0;
  int n_refused = 0;
  for (std::uint64_t round = 0; round < 5000; ++round) {
    const Random random(11, round);
    std::string damaged = bytes;
    const std::uint64_t n_changes = 1 + random.below(0, 4);
    for (std::uint64_t i = 0; i < n_changes; ++i) {
      const auto at = static_cast<std::size_t>(random.below(3 * i + 1, damaged.size()));
      const auto value = static_cast<char>(random.below(3 * i + 2, 256));
      switch (random.below(3 * i + 3, 4)) {
        case 0:
          damaged[at] = value;
          break;
        case 1:
          damaged.insert(at, 1, value);
          break;
        case 2:
          damaged.erase(at, 1);
          break;
        default:  // digits are where sizes and offsets are
          if (std::isdigit(static_cast<unsigned char>(damaged[at])) != 0) {
            damaged[at] = static_cast<char>('0' + random.below(3 * i + 2, 10));
          }
      }
    }
    try {
      const Model model = load_bytes(resealed(damaged));
      save_model(model, file("again"), true);
      EXPECT_TRUE(is_equal(load_model(file("again")), model));
      ++n_accepted;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::BadFormat) << error.what();
      ++n_refused;
    }
  }
  // both ends of the property were reached
  EXPECT_GT(n_accepted, 50);
  EXPECT_GT(n_refused, 1000);
}

TEST_F(ModelFile, WrongContainersAreRefused) {
  save_model(tiny_model(), file(), false);
  const std::string bytes = bytes_of(file());
  const std::string beginning = R"({"__metadata__":{"sha256":")";
  EXPECT_NE(refusal("").find("not a model of saithe"), std::string::npos);
  EXPECT_NE(refusal("PK\x03\x04 a zip file, not one of ours").find("not a model"),
            std::string::npos);
  std::string huge = bytes;
  huge.replace(0, 8, std::string(7, '\0') + '\x80');  // a header of 2^63 bytes
  EXPECT_NE(refusal(huge).find("not a model"), std::string::npos);
  std::string long_header = bytes;
  long_header.replace(0, 8, std::string("\x00\x00\x00\x05\x00\x00\x00\x00", 8));  // 84 MB
  EXPECT_NE(refusal(long_header).find("truncated"), std::string::npos);
  EXPECT_NE(
      refusal(with_length(" " + bytes.substr(8, header_length(bytes)), "")).find("not a model"),
      std::string::npos);
  const std::string zeros(kDigestChars, '0');
  const auto with_header = [&](const std::string& rest) {
    return refusal(resealed(with_length(beginning + zeros + rest, "")));
  };
  EXPECT_NE(with_header("\"").find("not JSON"), std::string::npos);
  EXPECT_NE(with_header("\"}} x").find("not JSON"), std::string::npos);
  EXPECT_NE(with_header("\"}}{}").find("not JSON"), std::string::npos);
  EXPECT_NE(with_header("\",\"sha256\":\"\"}}").find("twice"), std::string::npos);
  EXPECT_NE(with_header("\",\"saithe\":1}}").find("not a text"), std::string::npos);
  EXPECT_NE(with_header("\",\"saithe\":\"\xff\"}}").find("not JSON in UTF-8"), std::string::npos);
  EXPECT_NE(with_header("\",\"saithe\":\"\\ud800\"}}").find("not JSON"), std::string::npos);
  EXPECT_NE(with_header("\",\"x\":\"\"}}").find("exactly"), std::string::npos);
  EXPECT_NE(with_header("\"}}").find("exactly"), std::string::npos);
  EXPECT_NE(with_header("\"},\"t\":" + std::string(100000, '[')).find("deeper"), std::string::npos);
  std::string many = "\"},\"t\":[";
  for (int i = 0; i < 20000; ++i) many += "[],";
  EXPECT_NE(with_header(many + "[]]}").find("more than 10000 values"), std::string::npos);
}

/// A change to a sound model that a reader must notice, and a part of what it says.
struct Change {
  const char* name;
  const char* expected;
  std::function<void(Parts&)> apply;
};

std::vector<Change> header_changes() {
  const auto value = [](auto number) {
    return std::string(reinterpret_cast<const char*>(&number), sizeof number);
  };
  const auto poke = [value](const char* tensor, auto number) {
    return [=](Parts& parts) {
      const auto begin = parts.header[tensor]["data_offsets"][0].template get<std::size_t>();
      parts.buffer.replace(begin, sizeof number, value(number));
    };
  };
  return {
      {"metadata is a list", "not a model",
       [](Parts& p) { p.header["__metadata__"] = Json::array({1}); }},
      {"tensor missing", "belong to none", [](Parts& p) { p.header.erase("layer2.bias"); }},
      {"tensor is a number", "expected an object", [](Parts& p) { p.header["gene_sd"] = 3; }},
      {"no dtype", "missing", [](Parts& p) { p.header["gene_sd"].erase("dtype"); }},
      {"extra key", "unexpected key", [](Parts& p) { p.header["gene_sd"]["x"] = 1; }},
      {"unknown dtype", "dtype", [](Parts& p) { p.header["gene_sd"]["dtype"] = "I64"; }},
      {"dtype of the wrong size", "its shape takes",
       [](Parts& p) { p.header["gene_sd"]["dtype"] = "F32"; }},
      {"dtype that fits the bytes", "expected",
       [](Parts& p) {
         p.header["gene_sd"]["dtype"] = "F32";
         p.header["gene_sd"]["shape"] = {8};
       }},
      {"negative size", "whole numbers", [](Parts& p) { p.header["gene_sd"]["shape"] = {-4}; }},
      {"fractional size", "whole numbers", [](Parts& p) { p.header["gene_sd"]["shape"] = {4.0}; }},
      {"overflowing size", "64 bits",
       [](Parts& p) {
         p.header["gene_sd"]["shape"] = {4294967296, 4294967296};
       }},
      {"size of 2^64 - 1", "whole numbers",
       [](Parts& p) { p.header["gene_sd"]["shape"] = {18446744073709551615U}; }},
      {"zero times 2^62", "64 bits",
       [](Parts& p) {
         p.header["gene_sd"]["shape"] = {4611686018427387904, 0};
       }},
      {"range backwards", "range",
       [](Parts& p) {
         p.header["gene_sd"]["data_offsets"] = {64, 32};
       }},
      {"one offset", "range", [](Parts& p) { p.header["gene_sd"]["data_offsets"] = {32}; }},
      {"offset of 2^63", "whole numbers",
       [](Parts& p) {
         p.header["gene_sd"]["data_offsets"] = {9223372036854775808U, 0};
       }},
      {"overlap", "begins at byte",
       [](Parts& p) {
         p.header["gene_sd"]["data_offsets"] = {0, 32};
       }},
      {"hole", "begins at byte",
       [](Parts& p) {
         for (auto& [name, tensor] : p.header.items()) {
           if (name == "__metadata__" || name == "gene_mean") continue;
           for (auto& offset : tensor["data_offsets"]) offset = offset.get<std::int64_t>() + 8;
         }
         p.buffer.insert(32, 8, '\0');
       }},
      {"rest without a tensor", "belong to none", [](Parts& p) { p.buffer += "abcd"; }},
      {"buffer too short", "truncated", [](Parts& p) { p.buffer.pop_back(); }},
      {"two tensors exchanged", "expected",
       [](Parts& p) {
         std::swap(p.header["gene_mean"]["data_offsets"], p.header["gene_sd"]["data_offsets"]);
       }},
      {"weights turned round", "expected",
       [](Parts& p) {
         p.header["layer0.weight"]["shape"] = {5, 4};
       }},
      {"foreign tensor", "tensors where",
       [](Parts& p) {
         const auto n = p.buffer.size();
         p.header["extra"] = {{"dtype", "F32"}, {"shape", {1}}, {"data_offsets", {n, n + 4}}};
         p.buffer += "abcd";
       }},
      {"NaN weight", "nan", poke("layer1.weight", std::nanf(""))},
      {"infinite bias", "inf", poke("layer2.bias", INFINITY)},
      {"NaN mean", "nan", poke("gene_mean", std::nan(""))},
      {"negative sd", "standard deviation", poke("gene_sd", -1.0)},
      {"sd whose inverse is infinite", "standard deviation", poke("gene_sd", 1e-300)},
  };
}

std::vector<Change> word_changes() {
  const auto set = [](const char* key, Json value) {
    return [=](Parts& parts) { parts.words[key] = value; };
  };
  const auto set_in = [](const char* object, const char* key, Json value) {
    return [=](Parts& parts) { parts.words[object][key] = value; };
  };
  return {
      {"no words", "exactly", [](Parts& p) { p.header["__metadata__"].erase("saithe"); }},
      {"words are a list", "format_version",
       [](Parts& p) {
         p.words = Json::array({1, 2});
       }},
      {"version missing", "format_version", [](Parts& p) { p.words.erase("format_version"); }},
      {"version 0", "format version 0", set("format_version", 0)},
      {"newer version", "newer", set("format_version", 2)},
      {"version as text", "format_version", set("format_version", "1")},
      {"unknown key", "unexpected key", set("calibration", 1.5)},
      {"seed negative", "seed", set("seed", -1)},
      {"interrupted as text", "was_interrupted", set("was_interrupted", "no")},
      {"unknown loss", "unknown loss", set("loss", "hinge")},
      {"target sum 0", "target_sum", set_in("preprocessing", "target_sum", 0)},
      {"target sum as text", "target_sum", set_in("preprocessing", "target_sum", "1e4")},
      {"scale as number", "scale", set_in("preprocessing", "scale", 1)},
      {"maximum negative", "max_value", set_in("preprocessing", "max_value", -1)},
      {"preprocessing key missing", "missing",
       [](Parts& p) { p.words["preprocessing"].erase("scale"); }},
      {"more inputs than genes", "gene names", set_in("network", "n_inputs", 5)},
      {"inputs of 2^62", "n_inputs", set_in("network", "n_inputs", 4611686018427387904)},
      {"layer of 0 units", "no units", set_in("network", "hidden", {0, 2})},
      {"layer of 2^40 units", "whole numbers", set_in("network", "hidden", {1099511627776, 2})},
      {"other hidden layers", "tensors where", set_in("network", "hidden", {5})},
      {"other units", "expected", set_in("network", "hidden", {5, 3})},
      {"units of 2^31 - 1", "tensor", set_in("network", "hidden", {2147483647, 2147483647})},
      {"64 hidden layers", "at most", set_in("network", "hidden", Json(std::vector<int>(64, 1)))},
      {"dropout 1", "dropout", set_in("network", "dropout", {1.0})},
      {"more dropout than layers", "dropout", set_in("network", "dropout", {0.1, 0.1, 0.1})},
      {"one output more", "outputs", set_in("network", "n_outputs", 4)},
      {"one label less", "outputs", set("types", {"B", "CD4 T"})},
      {"labels unsorted", "sorted", set("types", {"C", "B", "D"})},
      {"label twice", "sorted", set("types", {"B", "B", "C"})},
      {"label empty", "named", set("types", {"", "B", "C"})},
      {"label is a number", "texts", set("types", {"A", "B", 3})},
      {"gene twice", "twice", set("gene_names", {"A", "B", "A", "C"})},
      {"gene empty", "no name", set("gene_names", {"A", "B", "", "C"})},
      {"gene less", "gene names", set("gene_names", {"A", "B", "C"})},
      {"gene ids twice", "twice", set("gene_ids", {"A", "B", "A", "C"})},
      {"gene ids less", "gene ids", set("gene_ids", {"A", "B"})},
      {"genes nested", "texts", set("gene_names", {{"A"}, "B", "C", "D"})},
      {"options as object", "options", set("options", Json::object())},
      {"option of three", "options", set("options", {{"a", "b", "c"}})},
      {"nested deeply", "deeper", set("options", Json::parse("[[[[[[1]]]]]]"))},
  };
}

TEST_F(ModelFile, EveryInconsistencyIsRefusedAndNamed) {
  save_model(tiny_model(), file(), false);
  const std::string bytes = bytes_of(file());
  EXPECT_TRUE(is_equal(load_bytes(Parts(bytes).join()), tiny_model()));  // taking apart is harmless
  auto changes = header_changes();
  for (auto& change : word_changes()) changes.push_back(std::move(change));
  EXPECT_GT(changes.size(), 60U);
  for (const Change& change : changes) {
    SCOPED_TRACE(change.name);
    Parts parts(bytes);
    change.apply(parts);
    const std::string message = refusal(parts.join());
    EXPECT_NE(message.find(change.expected), std::string::npos) << message;
  }
}

TEST_F(ModelFile, ADuplicateKeyInTheWordsIsRefused) {
  save_model(tiny_model(), file(), false);
  Parts parts(bytes_of(file()));
  const std::string words = parts.words.dump();
  parts.header["__metadata__"]["saithe"] = R"({"seed":1,)" + words.substr(1);
  const std::string message = refusal(resealed(with_length(parts.header.dump(), parts.buffer)));
  EXPECT_NE(message.find("\"seed\" occurs twice"), std::string::npos) << message;
}

}  // namespace
}  // namespace saithe
