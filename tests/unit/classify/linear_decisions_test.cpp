// Decisions in double: where float32 sums would be wrong, and beside the network's own.

#include "saithe/classify/linear_decisions.h"

#include <gtest/gtest.h>

#include <atomic>

#include "support/folder_for_test.h"
#include "support/reference_genes.h"

namespace saithe {
namespace {

Member member_of(std::int64_t n_inputs, int n_types, std::vector<float> weights,
                 std::vector<float> biases) {
  Member member;
  member.shape.n_inputs = n_inputs;
  member.shape.n_outputs = n_types;
  member.parameters.weights.emplace_back(weights.begin(), weights.end());
  member.parameters.biases.emplace_back(biases.begin(), biases.end());
  return member;
}

Preprocessor preprocessor_of(bool scale, double max_value, std::vector<double> mean,
                             std::vector<double> sd) {
  PreprocessorOptions options;
  options.scale = scale;
  options.max_value = max_value;
  std::vector<std::string> names;
  for (std::size_t gene = 0; gene < mean.size(); ++gene)
    names.push_back("g" + std::to_string(gene));
  return Preprocessor(options, ExpressionKind::LogNormalized,
                      testing::reference_genes(std::move(names)), std::move(mean), std::move(sd));
}

const Preprocessor kPlain = preprocessor_of(false, 0, {}, {});

TEST(LinearDecisions, LargeTermsThatCancelLeaveTheSmallOnes) {
  // 2^24 + 1 is no float32; the sums are 0.25 + 1 and -0.5.
  const Member member =
      member_of(3, 2, {16777216.0F, 1.0F, 1.0F, -0.5F, -16777216.0F, -1.0F}, {0.25F, 0.0F});
  const CsrMatrix cells{2, 3, {0, 3, 3}, {0, 1, 2}, {1.0F, 1.0F, 1.0F}};
  const DenseMatrix found =
      LinearDecisions(member, kPlain, std::vector<float>(3)).of(cells.view(), Context(2));
  EXPECT_EQ(found(0, 0), 1.25F);
  EXPECT_EQ(found(0, 1), -0.5F);
  EXPECT_EQ(found(1, 0), 0.25F);  // an empty cell
  EXPECT_EQ(found(1, 1), 0.0F);
}

TEST(LinearDecisions, TheShiftIsTakenOff) {
  const Member member = member_of(2, 1, {2.0F, 3.0F}, {1.0F});
  const std::vector<float> shift = {0.5F, -1.0F};
  const CsrMatrix cells{1, 2, {0, 1}, {1}, {4.0F}};
  const DenseMatrix found = LinearDecisions(member, kPlain, shift).of(cells.view(), Context(1));
  EXPECT_EQ(found(0, 0), 1.0F - 0.5F * 2 + (4.0F + 1) * 3);
}

TEST(LinearDecisions, FeaturesAreScaledInDouble) {
  // Gene 0 is cut at 10, gene 1 does not vary, gene 2 is missing in the query (shift 0).
  const Preprocessor preprocessor =
      preprocessor_of(true, 10, {1.0 / 3, 0.5, 0.25}, {0.001, 0, 0.1});
  const std::vector<float> shift = {preprocessor.shift()[0], preprocessor.shift()[1], 0};
  const Member member = member_of(3, 1, {3e4F, 7.0F, 1e6F}, {0.5F});
  const CsrMatrix cells{4, 3, {0, 0, 1, 2, 4}, {0, 0, 0, 1}, {0.3333F, 2.0F, 0.3334F, 4.0F}};
  const DenseMatrix found =
      LinearDecisions(member, preprocessor, shift).of(cells.view(), Context(1));
  const auto expected = [](double z) { return static_cast<float>(0.5 + 3e4 * z); };
  EXPECT_EQ(found(0, 0), expected((0 - 1.0 / 3) / 0.001));
  EXPECT_NEAR(static_cast<double>(found(1, 0)),
              0.5 + 3e4 * (static_cast<double>(0.3333F) - 1.0 / 3) / 0.001, 1e-4);
  EXPECT_NEAR(static_cast<double>(found(2, 0)), 0.5 + 3e4 * 10, 0.05);
  EXPECT_NEAR(static_cast<double>(found(3, 0)),
              0.5 + 3e4 * (static_cast<double>(0.3334F) - 1.0 / 3) / 0.001, 1e-3);
}

TEST(LinearDecisions, StopWhenCancelled) {
  const Member member = member_of(1, 1, {2.0F}, {1.0F});
  const CsrMatrix cells{1, 1, {0, 1}, {0}, {4.0F}};
  Context context(1);
  const std::atomic<bool> cancelled = true;
  context.cancelled = &cancelled;
  EXPECT_SAITHE_ERROR(
      LinearDecisions(member, kPlain, std::vector<float>(1)).of(cells.view(), context),
      ErrorKind::Cancelled, "stopped");
}

}  // namespace
}  // namespace saithe
