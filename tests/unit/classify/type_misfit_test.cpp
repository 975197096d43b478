// Misfits of cells and the line that is expected of them, against NumPy (tests/golden/novelty).

#include "saithe/classify/type_misfit.h"

#include <gtest/gtest.h>

#include "novelty_fixture.h"

namespace saithe {
namespace {

using testing::expect_near;
using testing::NoveltyFixture;

// Scores and sums of features are floats, a misfit is a small part of 1.
constexpr double kTolerance = 2e-5;

struct MisfitFixture : NoveltyFixture {
  std::vector<double> center = json.at("center").get<std::vector<double>>();
  DenseMatrix sums = feature_sums(features.view(), center, Context(1));
  NoveltyModel novelty = fit();

  void fit_line(const std::vector<CellIndex>& cells) {
    fit_misfit(novelty, std::vector<CellsWithInputs>{{cells, {}}}, center, scores.view(),
               sums.view());
  }
};

TEST(TypeMisfit, LineAndMisfitsAreNumPys) {
  MisfitFixture f;
  EXPECT_TRUE(standard_misfits(f.novelty, {}, f.scores.view(), f.sums.view(), Context(1)).empty());
  f.fit_line(f.training);
  expect_near(f.novelty.misfit, f.json.at("misfit"), kTolerance);
  expect_near(standard_misfits(f.novelty, make_type_profiles(f.novelty, f.center), f.scores.view(),
                               f.sums.view(), Context(2)),
              f.json.at("misfits"), kTolerance);
}

TEST(TypeMisfit, OfCellsThatLackGenesIsNumPys) {
  MisfitFixture f;
  f.fit_line(f.training);
  const auto& missing = f.json.at("missing");
  std::vector<bool> is_present(12, true);
  for (const auto gene : missing.at("genes").get<std::vector<std::size_t>>()) {
    is_present[gene] = false;
  }
  NoveltyModel less = f.novelty;
  less.misfit = misfit_without_genes(f.novelty, f.center, is_present);
  expect_near(less.misfit, missing.at("misfit"), kTolerance);
  EXPECT_EQ(misfit_without_genes(f.novelty, f.center, std::vector<bool>(12, false)),
            f.novelty.misfit);
  CsrMatrix cells = f.features;
  for (std::size_t i = 0; i < cells.values.size(); ++i) {
    if (!is_present[as_size(cells.columns[i])]) cells.values[i] = 0;
  }
  expect_near(standard_misfits(less, make_type_profiles(f.novelty, f.center, is_present),
                               testing::dense_of(missing.at("scores")).view(),
                               feature_sums(cells.view(), f.center, Context(1)).view(), Context(1)),
              missing.at("misfits"), 2 * kTolerance);
}

TEST(TypeMisfit, SumsAreTheSameForAnyNumberOfThreads) {
  const MisfitFixture f;
  const DenseMatrix other = feature_sums(f.features.view(), f.center, Context(3));
  for (std::int64_t i = 0; i < 90 * kFeatureSums; ++i) {
    EXPECT_EQ(other.data()[i], f.sums.data()[i]);
  }
  EXPECT_LT(f.sums.row(0)[kExpressedInputs], 12);  // zeros that are stored do not count
}

TEST(TypeMisfit, FewCellsAndTypesWithoutAnyGiveFiniteNumbers) {
  MisfitFixture f;
  const std::vector<CellIndex> one = {0};
  f.novelty = f.fit(one);
  f.fit_line(one);
  EXPECT_EQ(f.novelty.misfit[1], 0);
  EXPECT_GT(f.novelty.misfit[2], 0);
  std::fill_n(f.sums.data(), kFeatureSums, 0.0F);  // a cell without counts
  for (const double misfit : standard_misfits(f.novelty, make_type_profiles(f.novelty, f.center),
                                              f.scores.view(), f.sums.view(), Context(1))) {
    EXPECT_TRUE(std::isfinite(misfit));
  }
}

}  // namespace
}  // namespace saithe
