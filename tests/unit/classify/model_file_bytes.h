#pragma once

// What the tests of the model file share: a folder for each test, a tiny model, and the file taken
// apart and put together again with a checksum that fits.

#include <gtest/gtest.h>

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

inline Model tiny_model() {
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

inline bool is_equal(const Model& a, const Model& b) {
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
