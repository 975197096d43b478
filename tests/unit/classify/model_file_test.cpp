// save_model() and load_model(): round trip, layout, and outputs that cannot be written.

#include "saithe/classify/model_file.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <optional>

#include "model_file_bytes.h"
#include "support/reference_genes.h"

namespace saithe {
namespace {

using namespace testing;  // NOLINT: the shared parts of these tests
namespace fs = std::filesystem;

TEST_F(ModelFile, ComesBackAsItWas) {
  for (const Model& model : {tiny_model(), whole_model()}) {
    save_model(model, file(), true);
    EXPECT_TRUE(is_model_file(file()));
    EXPECT_TRUE(is_equal(load_model(file()), model));
  }
}

TEST_F(ModelFile, ALinearModelWithoutGeneIdsSharesAndNoveltyComesBack) {
  Model model = tiny_model();
  model.preprocessor =
      Preprocessor({.target_sum = 1e4, .scale = false, .max_value = 0},
                   ExpressionKind::LogNormalized, reference_genes({"a", "b"}), {0, 0}, {0, 0});
  Member member;
  member.shape = {2, {}, {}, 3};
  member.parameters = initial_parameters(member.shape, 1);
  model.members = {member};
  model.output = OutputKind::OneVsRest;
  model.novelty = {};
  model.one_vs_rest = {};
  model.card = {};
  save_model(model, file(), false);
  EXPECT_TRUE(is_equal(load_model(file()), model));
}

TEST_F(ModelFile, AModelOfAnOlderFormatComesBackWithoutWhatThatDidNotHave) {
  Model model = tiny_model();
  share_out(model.members, 0.5);  // all members alike
  model.novelty.unseen_type = {3, 2};
  for (const int version : {7, 6, 5, 4, 3}) {
    if (version <= 6) model.card.left_out = std::nullopt;
    if (version <= 6) model.card.shallow_counts = 0;
    if (version <= 4) model.calibration.type_offsets = {};
    if (version == 3) model.novelty.misfit = {};
    save_model(model, file(), true);
    Parts parts(bytes_of(file()));
    parts.words["format_version"] = version;
    parts.words.erase("unseen_type");
    if (version <= 6) parts.words["card"].erase("left_out");
    if (version <= 6) parts.words["card"].erase("shallow_counts");
    if (version <= 5) parts.words.erase("first_share");
    if (version <= 4) parts.words.erase("type_offsets");
    if (version == 3) parts.words.erase("has_misfit");
    EXPECT_TRUE(is_equal(load_bytes(parts.join()), model)) << version;
  }
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
  EXPECT_EQ(parts.header["count_share"]["shape"], Json({5}));
  EXPECT_EQ(parts.header["novelty.means"]["shape"], Json({3, 4}));
  EXPECT_EQ(parts.header["novelty.axes"]["shape"], Json({4, 1}));
  EXPECT_EQ(parts.header["member0.layer0.weight"]["shape"], Json({4, 3}));  // (gene, type)
  EXPECT_EQ(parts.header["member1.layer0.weight"]["shape"], Json({4, 5}));  // (gene, unit)
  EXPECT_EQ(parts.header["member1.layer1.weight"]["shape"], Json({2, 5}));  // (output, input)
  EXPECT_EQ(parts.header["member1.layer1.norm_gain"]["shape"], Json({2}));
  EXPECT_FALSE(parts.header.contains("member1.layer2.norm_gain"));  // none after the last layer
  EXPECT_EQ(parts.header["member1.layer2.bias"]["dtype"], "F32");
  std::vector<std::string> names;
  for (const auto& [name, tensor] : parts.header.items()) names.push_back(name);
  EXPECT_EQ(names, (std::vector<std::string>{"__metadata__",
                                             "gene_mean",
                                             "gene_sd",
                                             "count_share",
                                             "novelty.type_shares",
                                             "novelty.means",
                                             "novelty.covariance",
                                             "novelty.feature_variance",
                                             "novelty.misfit",
                                             "one_vs_rest.slopes",
                                             "one_vs_rest.offsets",
                                             "novelty.axes",
                                             "member0.layer0.weight",
                                             "member0.layer0.bias",
                                             "member1.layer0.weight",
                                             "member1.layer0.bias",
                                             "member1.layer0.norm_gain",
                                             "member1.layer0.norm_bias",
                                             "member1.layer1.weight",
                                             "member1.layer1.bias",
                                             "member1.layer1.norm_gain",
                                             "member1.layer1.norm_bias",
                                             "member1.layer2.weight",
                                             "member1.layer2.bias"}));
  EXPECT_EQ(parts.words["types"][1], "CD4 T");
  // weight (gene 1, unit 0) stands where the header says
  const auto begin = parts.header["member1.layer0.weight"]["data_offsets"][0].get<std::size_t>();
  float value = 0;
  std::memcpy(&value, parts.buffer.data() + begin + 5 * sizeof(float), sizeof value);
  EXPECT_EQ(value, tiny_model().members[1].parameters.weights[0][5]);
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

TEST_F(ModelFile, AFullDiskLeavesTheOldFileAndNothingElse) {
  std::ofstream(file()) << "precious";
  rlimit old_limit{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &old_limit), 0);
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);  // the write fails instead
  const rlimit limit{1000, old_limit.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
  std::optional<ErrorKind> kind;
  try {
    save_model(tiny_model(), file(), true);
  } catch (const Error& error) {
    kind = error.kind();
  }
  setrlimit(RLIMIT_FSIZE, &old_limit);
  std::signal(SIGXFSZ, old_handler);
  EXPECT_EQ(kind, ErrorKind::Output);
  EXPECT_EQ(bytes_of(file()), "precious");
  EXPECT_EQ(std::distance(fs::directory_iterator(file().parent_path()), {}), 1);
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

}  // namespace
}  // namespace saithe
