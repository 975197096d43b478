// Temperatures: applied, fitted where a known one was hidden, left at 1 where they do not help.

#include "saithe/classify/calibration.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <numeric>

#include "saithe/core/random.h"

namespace saithe {
namespace {

struct Judged {
  DenseMatrix probabilities;
  std::vector<LabelIndex> labels;
  std::vector<CellIndex> cells;
};

/// One cell: weights of what it may be, and of what a model says that it is.
struct Weights {
  std::array<double, 4> is;
  std::array<double, 4> told;
};

/// Cells whose labels are drawn from is / sum; told are told / sum. `draw(random, cell)`: Weights.
template <typename Draw>
Judged judged_cells(std::int64_t n_cells, const Random& random, const Draw& draw) {
  Judged result{DenseMatrix(n_cells, 4), {}, {}};
  for (std::int64_t cell = 0; cell < n_cells; ++cell) {
    const Weights weights = draw(random, cell);
    const auto& [is, told] = weights;
    const double sum = std::accumulate(is.begin(), is.end(), 0.0);
    const double told_sum = std::accumulate(told.begin(), told.end(), 0.0);
    double place = sum * random.uniform(static_cast<std::uint64_t>(n_cells * 16 + cell));
    LabelIndex label = 0;
    while (label < 3 && place >= is[as_size(label)]) place -= is[as_size(label++)];
    result.labels.push_back(label);
    result.cells.push_back(cell);
    for (std::size_t t = 0; t < 4; ++t) {
      result.probabilities(cell, static_cast<std::int64_t>(t)) =
          static_cast<float>(told[t] / told_sum);
    }
  }
  return result;
}

/// Cells whose labels are drawn from softmax(logits); told are softmax(logits x sharpness), whose
/// right temperature therefore is `sharpness`.
Judged judged(std::int64_t n_cells, double sharpness, std::uint64_t stream = 0) {
  return judged_cells(n_cells, Random(12, stream), [&](const Random& random, std::int64_t cell) {
    Weights weights;
    for (std::size_t t = 0; t < 4; ++t) {
      const double logit = 2 * random.normal(static_cast<std::uint64_t>(cell) * 8 + t);
      weights.is[t] = std::exp(logit);
      weights.told[t] = std::exp(logit * sharpness);
    }
    return weights;
  });
}

TEST(ApplyCalibration, IsTheSoftmaxOfTheLogitsOverIt) {
  DenseMatrix p(2, 3);
  const std::vector<double> logits = {0.3, 2.0, -1.0};
  const auto softmax_at = [&](double temperature, std::size_t type) {
    double sum = 0;
    for (const double logit : logits) sum += std::exp(logit / temperature);
    return std::exp(logits[type] / temperature) / sum;
  };
  for (std::size_t t = 0; t < 3; ++t) {
    p(0, static_cast<std::int64_t>(t)) = static_cast<float>(softmax_at(1, t));
  }
  const DenseMatrix before = p;
  apply_calibration(p, {1, {}});
  EXPECT_EQ(p(0, 1), before(0, 1));
  apply_calibration(p, {2.5, {}});
  for (std::size_t t = 0; t < 3; ++t) {
    EXPECT_NEAR(static_cast<double>(p(0, static_cast<std::int64_t>(t))), softmax_at(2.5, t), 1e-6);
    EXPECT_EQ(p(1, static_cast<std::int64_t>(t)), 0.0F);  // a row of zeros stays
  }
}

TEST(ApplyCalibration, CertaintyStaysCertain) {
  DenseMatrix p(1, 3);
  p(0, 2) = 1;
  for (const double temperature : {0.2, 5.0}) {
    apply_calibration(p, {temperature, {}});
    EXPECT_EQ(p(0, 0), 0.0F);
    EXPECT_EQ(p(0, 2), 1.0F);
  }
}

TEST(ApplyCalibration, OffsetsMultiplyTheOdds) {
  DenseMatrix p(2, 3);
  p(0, 0) = 0.5F;
  p(0, 1) = 0.3F;
  p(0, 2) = 0.2F;
  apply_calibration(p, {2, {std::log(4.0), 0, -1e-300}});
  const double sum = 4 * std::sqrt(0.5) + std::sqrt(0.3) + std::sqrt(0.2);
  EXPECT_NEAR(static_cast<double>(p(0, 0)), 4 * std::sqrt(0.5) / sum, 1e-6);
  EXPECT_NEAR(static_cast<double>(p(0, 2)), std::sqrt(0.2) / sum, 1e-6);
  EXPECT_EQ(p(1, 0), 0.0F);
  EXPECT_EQ(describe({2, {std::log(4.0), 0, 0}}),
            "temperature 2.000, odds of the rarest type x 0.250");
  EXPECT_EQ(describe({0.5, {}}), "temperature 0.500");
}

TEST(NllAtTemperature, IsThatOfTheAppliedProbabilities) {
  const Judged j = judged(50, 2);
  const std::vector<CellIndex> some = {3, 7, 7, 20};
  for (const double temperature : {0.5, 1.0, 3.0}) {
    DenseMatrix applied = j.probabilities;
    apply_calibration(applied, {temperature, {}});
    double expected = 0;
    for (const CellIndex cell : some) {
      expected -= std::log(static_cast<double>(applied(cell, j.labels[as_size(cell)]))) / 4;
    }
    EXPECT_NEAR(nll_at_temperature(j.probabilities.view(), j.labels, some, temperature), expected,
                1e-5);
  }
  DenseMatrix wrong(1, 2);  // certain of the wrong type: cut, not infinite
  wrong(0, 0) = 1;
  const std::vector<LabelIndex> label = {1};
  const std::vector<CellIndex> cell = {0};
  EXPECT_NEAR(nll_at_temperature(wrong.view(), label, cell, 1), 52 * std::log(2.0), 1e-9);
}

TEST(FitTemperature, RecoversAKnownOne) {
  for (const double sharpness : {0.5, 1.0, 2.0, 4.0}) {
    const Judged j = judged(20000, sharpness);
    // The fit's sd is about 1 % with so many cells.
    EXPECT_NEAR(fit_temperature(j.probabilities.view(), j.labels, j.cells) / sharpness, 1, 0.05);
  }
}

TEST(FitTemperature, IsWhereTheNllIsLeastAndInsideItsBounds) {
  const Judged j = judged(500, 1.7);
  const double temperature = fit_temperature(j.probabilities.view(), j.labels, j.cells);
  const auto nll = [&](double t) {
    return nll_at_temperature(j.probabilities.view(), j.labels, j.cells, t);
  };
  EXPECT_LT(nll(temperature), nll(temperature * 1.02));
  EXPECT_LT(nll(temperature), nll(temperature / 1.02));
  const Judged blunt = judged(2000, 0.1);  // needs 0.1: it gets the least allowed
  EXPECT_NEAR(fit_temperature(blunt.probabilities.view(), blunt.labels, blunt.cells), 0.5, 0.001);
  const Judged sharp = judged(2000, 40);  // needs 40: it gets the largest allowed
  EXPECT_NEAR(fit_temperature(sharp.probabilities.view(), sharp.labels, sharp.cells), 10, 0.01);
}

TEST(ChooseTemperature, HelpsWhereItCanAndStaysOneWhereNot) {
  const Judged overconfident = judged(2000, 3);
  const double chosen = choose_temperature(overconfident.probabilities.view(), overconfident.labels,
                                           overconfident.cells);
  EXPECT_NEAR(chosen, 3, 0.5);
  EXPECT_EQ(chosen, fit_temperature(overconfident.probabilities.view(), overconfident.labels,
                                    overconfident.cells));
  // Calibrated as they are: what one half of the cells suggests does not help the other by more
  // than chance, but for a draw in forty.
  int n_kept = 0;
  for (std::uint64_t stream = 0; stream < 20; ++stream) {
    const Judged calibrated = judged(300, 1, 100 + stream);
    const double temperature =
        choose_temperature(calibrated.probabilities.view(), calibrated.labels, calibrated.cells);
    n_kept += temperature == 1 ? 1 : 0;
    EXPECT_NEAR(temperature, 1, 0.35);
  }
  EXPECT_GE(n_kept, 18);
  const Judged few = judged(49, 3);
  EXPECT_EQ(choose_temperature(few.probabilities.view(), few.labels, few.cells), 1);
}

const std::vector<double> kShares = {0.7, 0.2, 0.07, 0.03};

/// Cells as judged(), but of types as common as kShares; told is what a model says that takes all
/// types for equally common: the posterior over share^hidden.
Judged of_unequal_types(std::int64_t n_cells, double hidden, std::uint64_t stream = 0) {
  return judged_cells(n_cells, Random(13, stream), [&](const Random& random, std::int64_t cell) {
    Weights weights;
    for (std::size_t t = 0; t < 4; ++t) {
      weights.is[t] =
          kShares[t] * std::exp(random.normal(static_cast<std::uint64_t>(cell) * 8 + t));
      weights.told[t] = weights.is[t] / std::pow(kShares[t], hidden);
    }
    return weights;
  });
}

double strength_of(const Calibration& calibration) {
  return calibration.type_offsets[3] / std::log(kShares[3]);
}

TEST(FitCalibration, RecoversTheSharesThatWeightsHid) {
  for (const double hidden : {0.0, 0.5, 1.0}) {
    const Judged j = of_unequal_types(20000, hidden);
    const Calibration found =
        fit_calibration(j.probabilities.view(), j.labels, j.cells, kShares, 1.5);
    EXPECT_NEAR(found.temperature, 1, 0.05);
    ASSERT_EQ(found.type_offsets.size(), 4U);
    EXPECT_NEAR(strength_of(found), hidden, 0.05);
    for (std::size_t t = 0; t < 4; ++t) {
      EXPECT_NEAR(found.type_offsets[t], strength_of(found) * std::log(kShares[t]), 1e-12);
    }
  }
  const Judged j = of_unequal_types(20000, 1.0);
  const Calibration bound =
      fit_calibration(j.probabilities.view(), j.labels, j.cells, kShares, 0.5);
  EXPECT_NEAR(strength_of(bound), 0.5, 1e-12);
}

TEST(FitCalibration, IsWhereTheNllIsLeast) {
  Judged j = of_unequal_types(2000, 0.8);
  apply_calibration(j.probabilities, {0.6, {}});  // sharper than right
  const Calibration found =
      fit_calibration(j.probabilities.view(), j.labels, j.cells, kShares, 1.5);
  const auto nll = [&](double temperature, double strength) {
    Calibration at{temperature, {}};
    for (const double share : kShares) at.type_offsets.push_back(strength * std::log(share));
    DenseMatrix p = j.probabilities;
    apply_calibration(p, at);
    return nll_at_temperature(p.view(), j.labels, j.cells, 1);
  };
  const double t = found.temperature;
  const double s = strength_of(found);
  const double least = nll(t, s);
  EXPECT_GT(t, 1.2);
  for (const double factor : {0.97, 1.03}) {
    EXPECT_LT(least, nll(t * factor, s));
    EXPECT_LT(least, nll(t, s * factor));
    EXPECT_LT(least, nll(t * factor, s * factor));
  }
}

TEST(ChooseCalibration, GivesSharesBackWhereTheyWereHiddenAndNotElsewhere) {
  const auto choose = [](const Judged& j, double most) {
    return choose_calibration(j.probabilities.view(), j.labels, j.cells, kShares, most);
  };
  const Judged hidden = of_unequal_types(2000, 1);
  const Calibration found = choose(hidden, 1);
  ASSERT_EQ(found.type_offsets.size(), 4U);
  EXPECT_GT(strength_of(found), 0.8);
  EXPECT_TRUE(choose(hidden, 0).type_offsets.empty());  // no weights were used
  int n_kept = 0;
  for (std::uint64_t stream = 0; stream < 20; ++stream) {
    n_kept += choose(of_unequal_types(300, 0, 50 + stream), 1) == Calibration{} ? 1 : 0;
  }
  EXPECT_GE(n_kept, 18);
  EXPECT_EQ(choose(of_unequal_types(49, 1), 1), Calibration{});
}

// A type whose cells all stand in one donor has none that a model without that donor could judge.
TEST(ChooseCalibration, ATypeWithoutCellsHasNoSayAndIsNotPushedDown) {
  // Cells of two types as common as each other, well told; the third gets a little of every cell.
  const auto told = [](double p_third) {
    return judged_cells(600, Random(3, 0), [=](const Random&, std::int64_t cell) {
      Weights weights{{0, 0, 0, 0}, {0.01, 0.01, p_third, 0}};
      const std::size_t own = cell % 2 == 0 ? 0 : 1;
      weights.is[own] = 1;
      weights.told[own] = 1 - 0.01 - p_third;
      // As many wrong ones as the probabilities say.
      if (cell % 100 < 2) std::swap(weights.is[0], weights.is[1]);
      return weights;
    });
  };
  const std::vector<double> shares = {0.48, 0.48, 0.039, 0.001};
  const Judged j = told(0.2);
  EXPECT_EQ(choose_calibration(j.probabilities.view(), j.labels, j.cells, shares, 1),
            Calibration{});
  // With shares that its cells bear out the strength is theirs, and counts for the others, too.
  Judged unequal = of_unequal_types(2000, 1);
  std::erase_if(unequal.cells, [&](CellIndex cell) { return unequal.labels[as_size(cell)] == 3; });
  const Calibration found =
      choose_calibration(unequal.probabilities.view(), unequal.labels, unequal.cells, kShares, 1);
  ASSERT_EQ(found.type_offsets.size(), 4U);
  EXPECT_GT(strength_of(found), 0.7);
  EXPECT_NEAR(found.type_offsets[3],
              found.type_offsets[0] / std::log(kShares[0]) * std::log(kShares[3]), 1e-12);
  // Of one type alone nothing can be learned.
  std::erase_if(unequal.cells, [&](CellIndex cell) { return unequal.labels[as_size(cell)] != 0; });
  EXPECT_EQ(
      choose_calibration(unequal.probabilities.view(), unequal.labels, unequal.cells, kShares, 1),
      Calibration{});
}

}  // namespace
}  // namespace saithe
