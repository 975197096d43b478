// An ensemble is the mean of its members' probabilities, at the model's temperature.

#include "saithe/classify/ensemble.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cmath>

#include "saithe/classify/calibration.h"
#include "support/random_cells.h"

namespace saithe {
namespace {

using testing::random_cells;

constexpr std::int64_t kGenes = 30;
constexpr CellIndex kCells = 25;

Member untrained(std::vector<int> hidden, std::uint64_t seed, bool layer_norm = false) {
  Member member;
  member.shape = {kGenes, std::move(hidden), {}, 3, layer_norm};
  member.parameters = initial_parameters(member.shape, seed);
  return member;
}

/// A linear member and two networks.
Model three_members() {
  Model model;
  model.types = LabelSet({"a", "b", "c"});
  model.members.push_back(untrained({}, 1));
  model.members.push_back(untrained({12, 6}, 2, true));
  model.members.push_back(untrained({12, 6}, 3, true));
  share_out(model.members, 0.5);
  return model;
}

class EnsembleTest : public ::testing::Test {
 protected:
  [[nodiscard]] EnsembleOutput ask(const Model& model) {
    return Ensemble(model, shift_, *backend_).forward(cells_.view(), true, context_);
  }
  [[nodiscard]] Activations ask(const Member& member) {
    return Mlp(member.shape, member.parameters, shift_, *backend_)
        .forward(cells_.view(), true, context_);
  }
  static void expect_same(const DenseMatrix& a, const DenseMatrix& b) {
    ASSERT_EQ(a.n_rows(), b.n_rows());
    ASSERT_EQ(a.n_cols(), b.n_cols());
    EXPECT_TRUE(std::equal(a.data(), a.data() + a.n_rows() * a.n_cols(), b.data()));
  }

  Context context_{2, 1};
  std::unique_ptr<kernels::Backend> backend_ =
      kernels::make_backend(kernels::Device::Cpu, context_);
  CsrMatrix cells_ = random_cells(kCells, kGenes, 0.4, 3);
  std::vector<float> shift_ = testing::random_values(kGenes, 4);
};

TEST_F(EnsembleTest, IsTheMeanOfItsMembersByTheirShares) {
  const Model model = three_members();
  const std::vector<double> shares = {0.5, 0.25, 0.25};
  const EnsembleOutput output = ask(model);
  std::vector<DenseMatrix> of_members;
  for (const Member& member : model.members) {
    of_members.push_back(softmax(ask(member).logits.view()));
  }
  for (CellIndex cell = 0; cell < kCells; ++cell) {
    double sum = 0;
    for (std::int64_t type = 0; type < 3; ++type) {
      double mean = 0;
      for (std::size_t i = 0; i < 3; ++i) {
        EXPECT_EQ(model.members[i].share, shares[i]);
        mean += shares[i] * static_cast<double>(of_members[i](cell, type));
      }
      EXPECT_NEAR(static_cast<double>(output.probabilities(cell, type)), mean, 1e-7);
      sum += static_cast<double>(output.probabilities(cell, type));
    }
    EXPECT_NEAR(sum, 1, 1e-6);
  }
  expect_same(output.logits, ask(model.members[0]).logits);  // of the first member
  expect_same(output.hidden, ask(model.members[1]).hidden);  // of the first network
}

TEST_F(EnsembleTest, OfOneMemberIsThatMember) {
  Model model = three_members();
  model.members = {untrained({12, 6}, 2, true)};
  share_out(model.members, 0.5);
  EXPECT_EQ(model.members[0].share, 1);
  const EnsembleOutput output = ask(model);
  expect_same(output.probabilities, softmax(ask(model.members[0]).logits.view()));
  expect_same(output.logits, ask(model.members[0]).logits);
}

TEST_F(EnsembleTest, TheTemperatureIsAppliedToTheMean) {
  Model model = three_members();
  DenseMatrix expected = ask(model).probabilities;
  apply_calibration(expected, {2.5, {}});
  model.calibration.temperature = 2.5;
  expect_same(ask(model).probabilities, expected);
}

TEST_F(EnsembleTest, OneAgainstRestIsASigmoidOfEachLogit) {
  Model model = three_members();
  model.members = {untrained({}, 1)};
  model.output = OutputKind::OneVsRest;
  PreprocessorOptions options;
  options.scale = false;
  model.preprocessor = Preprocessor(options, ExpressionKind::LogNormalized, {}, {}, {});
  const EnsembleOutput output = ask(model);
  for (CellIndex cell = 0; cell < kCells; ++cell) {
    for (std::int64_t type = 0; type < 3; ++type) {
      const double logit = static_cast<double>(output.logits(cell, type));
      EXPECT_NEAR(static_cast<double>(output.probabilities(cell, type)), 1 / (1 + std::exp(-logit)),
                  1e-7);
    }
  }
}

TEST_F(EnsembleTest, WithoutANetworkThereIsNoHiddenLayer) {
  Model model = three_members();
  EXPECT_EQ(model.network().shape.hidden, (std::vector<int>{12, 6}));
  EXPECT_TRUE(Ensemble(model, shift_, *backend_).has_hidden());
  EXPECT_EQ(model.n_parameters(), 31 * 3 + 2 * (31 * 12 + 24 + 13 * 6 + 12 + 7 * 3));
  model.members = {model.members[0]};
  EXPECT_FALSE(Ensemble(model, shift_, *backend_).has_hidden());
  EXPECT_EQ(ask(model).hidden.n_rows(), 0);
  EXPECT_TRUE(model.network().shape.hidden.empty());
}

TEST_F(EnsembleTest, StopsWhenCancelled) {
  const Model model = three_members();
  const std::atomic<bool> cancelled = true;
  Context context(1);
  context.cancelled = &cancelled;
  const Ensemble ensemble(model, shift_, *backend_);
  try {
    (void)ensemble.forward(cells_.view(), false, context);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Cancelled);
  }
}

}  // namespace
}  // namespace saithe
