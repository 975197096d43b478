#pragma once

// What the tests of the model file share: a folder for each test, a tiny model, and the file taken
// apart and put together again with a checksum that fits.

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "saithe/classify/model_file.h"
#include "saithe/core/sha256.h"
#include "saithe/core/text_io.h"

namespace saithe::testing {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

inline constexpr std::size_t kDigestAt = 35;  // 8 bytes of length and {"__metadata__":{"sha256":"
inline constexpr std::size_t kDigestChars = 64;

/// A folder of its own for every test, removed afterwards.
class ModelFile : public ::testing::Test {
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

/// A model with every part that a file can hold but the distances of held-out cells, which would
/// make it many times as long: a linear member and a network with layer normalisation, novelty,
/// a card, a gene that is no input.
inline Model tiny_model() {
  Model model;
  model.types = LabelSet({"B", "CD4 T", "\xc3\xa9t\xc3\xa9"});  // the last in UTF-8
  ReferenceGenes genes{{"GENE1", "GENE2", "GENE3", "GENE4", "GENE5"},
                       {"ENSG1", "ENSG2", "ENSG3", "ENSG4", "ENSG5"},
                       {0.125, 0.25, 0.0, 0.5, 0.125},
                       {0, 1, 2, 4}};
  model.preprocessor = Preprocessor(
      {.n_variable_genes = 4, .target_sum = 1e4, .scale = true, .max_value = 0.1},
      ExpressionKind::Counts, std::move(genes), {0.1, 0.2, 0.3, 0.0}, {1.0 / 3.0, 1.5, 2.5, 0.0});
  for (const MlpShape& shape : {MlpShape{4, {}, {}, 3}, MlpShape{4, {5, 2}, {0.2}, 3, true}}) {
    Member member;
    member.shape = shape;
    member.parameters = initial_parameters(shape, 7 + model.members.size());
    model.members.push_back(std::move(member));
  }
  model.members[1].parameters.norm_gains[1] = {0.75F, -2.0F};
  share_out(model.members, 0.375);
  model.calibration = {1.25, {0.5, -0.25, 0}};
  model.novelty.n_types = 3;
  model.novelty.n_axes = 1;
  model.novelty.axes = {0.5F, -0.5F, 0.5F, 0.5F};
  model.novelty.type_shares = {0.25, 0.75, 0};
  model.novelty.means = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
  model.novelty.covariance = {2, 0.5, 0, 0, 0.5, 1.0 / 3.0, 0, 0, 0, 0, 4, 1, 0, 0, 1, 1};
  model.novelty.feature_variance = {0.5, 0, 1.0 / 3.0, 2};
  model.novelty.misfit = {0.5, -1.0 / 3.0, 0.125};
  model.one_vs_rest = {{1, 2, 1.0 / 3.0}, {-1, 0, 0.5}};
  model.loss = kernels::Loss::Article;
  model.card.sources = {"cells.h5ad"};
  model.card.input_sha256 = std::string(64, '5');
  model.card.cells_of_type = {10, 20, 30};
  model.card.n_donors = 4;
  model.card.n_suspects = 3;
  model.card.n_suspects_dropped = 2;
  model.card.left_out = {5, 1, {{"NK", 3}}};
  model.card.shallow_counts = 812.5;
  model.card.scores = {"5-fold", 60,   0.9,  0.8,  0.85, 0.3,
                       0.2,      0.01, 0.35, 0.25, 0.02, {1, 0.5, 0.9}};
  model.options = {{"hidden", "5,2"}, {"donor-key", ""}, {"learning-rate", "0.0001"}};
  model.saithe_version = "1.2.3";
  model.seed = 18446744073709551615U;
  model.was_interrupted = true;
  return model;
}

/// The same with the distances of held-out cells.
inline Model whole_model() {
  Model model = tiny_model();
  for (std::size_t i = 0; i < kNoveltyQuantiles; ++i) {
    model.novelty.held_out_quantiles.push_back(static_cast<double>(i * i) / 1000.0);
  }
  return model;
}

inline bool is_equal(const Member& a, const Member& b) {
  return a.shape.n_inputs == b.shape.n_inputs && a.shape.hidden == b.shape.hidden &&
         a.shape.dropout == b.shape.dropout && a.shape.n_outputs == b.shape.n_outputs &&
         a.shape.layer_norm == b.shape.layer_norm && a.parameters == b.parameters &&
         a.share == b.share;
}

inline bool is_equal(const Preprocessor& a, const Preprocessor& b) {
  return a.reference() == b.reference() && a.mean() == b.mean() && a.sd() == b.sd() &&
         a.kind() == b.kind() && a.gene_names() == b.gene_names() &&
         a.options().n_variable_genes == b.options().n_variable_genes &&
         a.options().target_sum == b.options().target_sum &&
         a.options().scale == b.options().scale && a.options().max_value == b.options().max_value;
}

inline bool is_equal(const Model& a, const Model& b) {
  return a.types.names() == b.types.names() && is_equal(a.preprocessor, b.preprocessor) &&
         std::equal(a.members.begin(), a.members.end(), b.members.begin(), b.members.end(),
                    [](const Member& x, const Member& y) { return is_equal(x, y); }) &&
         a.output == b.output && a.calibration == b.calibration && a.novelty == b.novelty &&
         a.one_vs_rest == b.one_vs_rest && a.loss == b.loss && a.card == b.card &&
         a.options == b.options && a.saithe_version == b.saithe_version && a.seed == b.seed &&
         a.was_interrupted == b.was_interrupted;
}

inline std::string bytes_of(const fs::path& path) {
  return read_file(path, 1 << 20);
}

inline std::uint64_t header_length(const std::string& bytes) {
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), sizeof length);
  return length;
}

inline std::string with_length(const std::string& header, const std::string& buffer) {
  const auto length = std::bit_cast<std::array<char, 8>>(static_cast<std::uint64_t>(header.size()));
  return std::string(length.data(), length.size()) + header + buffer;
}

/// The bytes with the checksum that fits them, as someone would make it who means harm.
inline std::string resealed(std::string bytes) {
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

}  // namespace saithe::testing
