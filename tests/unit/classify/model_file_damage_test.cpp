// load_model() on damage of every kind. A damaged file is Error(BadFormat), whether or not its
// checksum was made to fit.

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "model_file_bytes.h"
#include "saithe/classify/model_file.h"
#include "saithe/core/random.h"

namespace saithe {
namespace {

using namespace testing;  // NOLINT: the shared parts of these tests
namespace fs = std::filesystem;

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

TEST_F(ModelFile, DamageOfAModelWithDistancesIsRefused) {
  save_model(whole_model(), file(), false);
  const std::string bytes = bytes_of(file());
  for (std::size_t at = 0; at < bytes.size(); at += 37) {
    std::string damaged = bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ 1 << at % 8);
    EXPECT_FALSE(refusal(damaged).empty()) << "byte " << at;
    EXPECT_FALSE(refusal(bytes.substr(0, at)).empty()) << "byte " << at;
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
      if (++n_accepted <= 20) {  // saving waits for the disk
        save_model(model, file("again"), true);
        EXPECT_TRUE(is_equal(load_model(file("again")), model));
      }
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
      {"tensor missing", "belong to none", [](Parts& p) { p.header.erase("member1.layer2.bias"); }},
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
         p.header["member1.layer0.weight"]["shape"] = {5, 4};
       }},
      {"foreign tensor", "tensors where",
       [](Parts& p) {
         const auto n = p.buffer.size();
         p.header["extra"] = {{"dtype", "F32"}, {"shape", {1}}, {"data_offsets", {n, n + 4}}};
         p.buffer += "abcd";
       }},
      {"NaN weight", "nan", poke("member1.layer1.weight", std::nanf(""))},
      {"infinite bias", "inf", poke("member1.layer2.bias", INFINITY)},
      {"NaN mean", "nan", poke("gene_mean", std::nan(""))},
      {"negative sd", "standard deviation", poke("gene_sd", -1.0)},
      {"sd whose inverse is infinite", "standard deviation", poke("gene_sd", 1e-300)},
      {"negative share of counts", "share of the counts", poke("count_share", -0.125)},
      {"shares above one", "add up to", poke("count_share", 0.25)},
      {"NaN distance", "nan", poke("novelty.means", std::nan(""))},
      {"infinite covariance", "inf",
       poke("novelty.covariance", std::numeric_limits<double>::infinity())},
      {"covariance that is none", "covariance", poke("novelty.covariance", -2.0)},
      {"negative variance", "variance in the novelty", poke("novelty.feature_variance", -1.0)},
      {"negative share of a type", "training cells", poke("novelty.type_shares", -0.25)},
      {"infinite axis", "inf", poke("novelty.axes", INFINITY)},
      {"NaN slope", "nan", poke("one_vs_rest.slopes", std::nan(""))},
      {"infinite gain", "inf", poke("member1.layer0.norm_gain", INFINITY)},
  };
}

std::vector<Change> word_changes() {
  const auto set = [](const char* key, Json value) {
    return [=](Parts& parts) { parts.words[key] = value; };
  };
  const auto set_in = [](const char* object, const char* key, Json value) {
    return [=](Parts& parts) { parts.words[object][key] = value; };
  };
  const auto set_in_network = [](const char* key, Json value) {
    return [=](Parts& parts) { parts.words["members"][1][key] = value; };
  };
  const auto set_score = [](const char* key, Json value) {
    return [=](Parts& parts) { parts.words["card"]["scores"][key] = value; };
  };
  return {
      {"no words", "exactly", [](Parts& p) { p.header["__metadata__"].erase("saithe"); }},
      {"words are a list", "format_version",
       [](Parts& p) {
         p.words = Json::array({1, 2});
       }},
      {"version missing", "format_version", [](Parts& p) { p.words.erase("format_version"); }},
      {"version 0", "format version 0", set("format_version", 0)},
      {"newer version", "newer", set("format_version", 9)},
      {"older version", "Train the model again", set("format_version", 2)},
      {"misfits before there were any", "\"has_misfit\" in format version 3",
       set("format_version", 3)},
      {"shares before there were any", "\"first_share\" in format version 5",
       set("format_version", 5)},
      {"left-out cells before there were any", "\"left_out\" in format version 6",
       set("format_version", 6)},
      {"left-out cells not mentioned", "missing",
       [](Parts& p) { p.words["card"].erase("left_out"); }},
      {"a left-out type without its cells", "1 types with cells of 0",
       [](Parts& p) { p.words["card"]["left_out"]["cells_of_type"] = Json::array(); }},
      {"left-out cells below 0", "without_label",
       [](Parts& p) { p.words["card"]["left_out"]["without_label"] = -1; }},
      {"shallow counts below 0", "shallow_counts",
       [](Parts& p) { p.words["card"]["shallow_counts"] = -1; }},
      {"share not mentioned", "missing", [](Parts& p) { p.words.erase("first_share"); }},
      {"share below 0", "share of -0.5", set("first_share", -0.5)},
      {"share above 1", "share of 1.5", set("first_share", 1.5)},
      {"share as text", "first_share", set("first_share", "0.5")},
      {"misfits not mentioned", "missing", [](Parts& p) { p.words.erase("has_misfit"); }},
      {"misfits denied", "tensors where", set("has_misfit", false)},
      {"an unseen type before its numbers were kept", "\"unseen_type\" in format version 7",
       set("format_version", 7)},
      {"unseen type not mentioned", "missing", [](Parts& p) { p.words.erase("unseen_type"); }},
      {"unseen type of one number", "unseen_type", set("unseen_type", {2})},
      {"unseen type of no degrees", "degrees above 0", set("unseen_type", {0, 1.5})},
      {"unseen type that fits better", "deviations of 0", set("unseen_type", {2, -1})},
      {"unseen type as text", "unseen_type", set("unseen_type", {"2", "1.5"})},
      {"version as text", "format_version", set("format_version", "4")},
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
      {"more inputs than the genes of the model", "are inputs", set_in_network("n_inputs", 5)},
      {"inputs of 2^62", "n_inputs", set_in_network("n_inputs", 4611686018427387904)},
      {"layer of 0 units", "no units", set_in_network("hidden", {0, 2})},
      {"layer of 2^40 units", "whole numbers", set_in_network("hidden", {1099511627776, 2})},
      {"other hidden layers", "tensors where", set_in_network("hidden", {5})},
      {"other units", "expected", set_in_network("hidden", {5, 3})},
      {"units of 2^31 - 1", "tensor", set_in_network("hidden", {2147483647, 2147483647})},
      {"64 hidden layers", "at most", set_in_network("hidden", Json(std::vector<int>(64, 1)))},
      {"dropout 1", "dropout", set_in_network("dropout", {1.0})},
      {"more dropout than layers", "dropout", set_in_network("dropout", {0.1, 0.1, 0.1})},
      {"one output more", "outputs", set_in_network("n_outputs", 4)},
      {"one label less", "outputs", set("types", {"B", "CD4 T"})},
      {"labels unsorted", "sorted", set("types", {"C", "B", "D"})},
      {"label twice", "sorted", set("types", {"B", "B", "C"})},
      {"label empty", "named", set("types", {"", "B", "C"})},
      {"label with a tab", "control character", set("types", {"A", "B\tb", "C"})},
      {"label with a line break", "control character", set("types", {"A", "B\n", "C"})},
      {"label is a number", "texts", set("types", {"A", "B", 3})},
      {"gene twice", "twice", set("gene_names", {"A", "B", "A", "C", "D"})},
      {"gene empty", "no name", set("gene_names", {"A", "B", "", "C", "D"})},
      {"gene less", "gene ids", set("gene_names", {"A", "B", "C", "D"})},
      {"gene ids twice", "twice", set("gene_ids", {"A", "B", "A", "C", "D"})},
      {"gene ids less", "gene ids", set("gene_ids", {"A", "B"})},
      {"genes nested", "texts", set("gene_names", {{"A"}, "B", "C", "D", "E"})},
      {"an input less", "are inputs", set("input_genes", {0, 1, 2})},
      {"input twice", "ascending", set("input_genes", {0, 1, 1, 4})},
      {"inputs out of order", "ascending", set("input_genes", {0, 2, 1, 4})},
      {"input that is no gene", "ascending", set("input_genes", {0, 1, 2, 5})},
      {"negative input", "input_genes", set("input_genes", {-1, 1, 2, 4})},
      {"all genes are inputs", "are inputs", set("input_genes", Json::array())},
      {"no member", "no members", set("members", Json::array())},
      {"members as object", "members", set("members", Json::object())},
      {"a member less", "first of 1 member", [](Parts& p) { p.words["members"].erase(0); }},
      {"a member alone", "tensors where",
       [](Parts& p) {
         p.words["members"].erase(0);
         p.words["first_share"] = 1;
       }},
      {"members exchanged", "expected",
       [](Parts& p) { std::swap(p.words["members"][0], p.words["members"][1]); }},
      {"layer norm as number", "layer_norm", set_in_network("layer_norm", 1)},
      {"without layer norm", "tensors where", set_in_network("layer_norm", false)},
      {"unknown output", "unknown output", set("output", "tanh")},
      {"temperature 0", "temperature", set("temperature", 0)},
      {"an offset less", "2 offsets for 3 types", set("type_offsets", {0.5, -0.5})},
      {"offset out of bounds", "type offset", set("type_offsets", {0.5, -0.5, 51})},
      {"offset as text", "type_offsets", set("type_offsets", {0.5, "a", 0})},
      {"offsets before there were any", "\"type_offsets\" in format version 4",
       set("format_version", 4)},
      {"temperature as text", "temperature", set("temperature", "1")},
      {"unknown kind of values", "value_kind", set("value_kind", "tpm")},
      {"novelty denied", "novelty score is not there", set("has_novelty", false)},
      {"novelty without axes", "novelty score is there with 0 axes", set("novelty_axes", 0)},
      {"another axis", "expected 'novelty.means' (F64 3 5)", set("novelty_axes", 2)},
      {"too many axes", "novelty_axes", set("novelty_axes", 1001)},
      {"curves denied", "tensors where", set("has_one_vs_rest", false)},
      {"distances claimed", "tensors where", set("has_held_out_distances", true)},
      {"distances without novelty", "without a novelty",
       [](Parts& p) {
         p.words["has_novelty"] = p.words["has_misfit"] = false;
         p.words["novelty_axes"] = 0;
         p.words["has_held_out_distances"] = true;
       }},
      {"misfits without novelty", "misfits of cells without a novelty",
       [](Parts& p) {
         p.words["has_novelty"] = false;
         p.words["novelty_axes"] = 0;
       }},
      {"shares denied", "tensors where", set("has_count_share", false)},
      {"card as list", "card", set("card", Json::array())},
      {"card key missing", "missing", [](Parts& p) { p.words["card"].erase("n_donors"); }},
      {"negative count of cells", "cells_of_type", set_in("card", "cells_of_type", {10, -1, 30})},
      {"a count of cells less", "counts", set_in("card", "cells_of_type", {10, 20})},
      {"a score less", "scores", set_score("f1_of_type", {1, 0.5})},
      {"score as text", "accuracy", set_score("accuracy", "good")},
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
  EXPECT_GT(changes.size(), 90U);
  for (const Change& change : changes) {
    SCOPED_TRACE(change.name);
    Parts parts(bytes);
    change.apply(parts);
    const std::string message = refusal(parts.join());
    EXPECT_NE(message.find(change.expected), std::string::npos) << message;
  }
}

TEST_F(ModelFile, DistancesThatDoNotAscendAreRefused) {
  save_model(whole_model(), file(), false);
  const std::string bytes = bytes_of(file());
  for (const double value : {-1.0, 1e9}) {  // below 0, and above those that follow
    Parts parts(bytes);
    const auto begin = parts.header["novelty.quantiles"]["data_offsets"][0].get<std::size_t>();
    parts.buffer.replace(begin, sizeof value,
                         std::string(reinterpret_cast<const char*>(&value), sizeof value));
    EXPECT_NE(refusal(parts.join()).find("do not ascend from 0"), std::string::npos);
  }
}

TEST_F(ModelFile, MisfitsWithoutDeviationAreRefused) {
  Model model = tiny_model();
  for (const double deviation : {0.0, -0.5}) {
    model.novelty.misfit.back() = deviation;
    save_model(model, file(), true);
    EXPECT_NE(refusal(bytes_of(file())).find("deviation"), std::string::npos);
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
