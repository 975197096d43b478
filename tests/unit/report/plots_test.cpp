// The pictures of a run: their pixels say what the numbers say, and odd runs still give pictures.

#include "saithe/report/plots.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "saithe/core/random.h"
#include "saithe/report/calibration_bins.h"
#include "saithe/report/confusion_layout.h"
#include "saithe/report/embedding_layout.h"
#include "support/picture.h"

namespace saithe {
namespace {

using testing::Picture;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

TrainHistory history_of(int n_epochs) {
  TrainHistory history;
  for (int epoch = 0; epoch < n_epochs; ++epoch) {
    const double share = 1.0 / (1 + epoch);
    history.epochs.push_back(
        {epoch, 1.2 + share, 1.3 + share, 0.9 - share / 2, 0.85 - share / 2, 1});
  }
  return history;
}

LabelSet types_of(std::size_t n) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < n; ++i) names.push_back("type " + std::to_string(100 + i));
  return LabelSet(names);
}

/// Cell i is of type i % n_types and is called that, with 0.8, except each seventh, called the
/// next.
struct Predictions {
  DenseMatrix probabilities;
  std::vector<LabelIndex> truth;
};

Predictions predictions_of(std::int64_t n_cells, std::int64_t n_types) {
  Predictions made{DenseMatrix(n_cells, n_types), {}};
  for (std::int64_t cell = 0; cell < n_cells; ++cell) {
    const std::int64_t truth = cell % n_types;
    made.truth.push_back(static_cast<LabelIndex>(truth));
    const std::int64_t called = cell % 7 == 6 ? (truth + 1) % n_types : truth;
    const float rest = n_types == 1 ? 0 : 0.2F / static_cast<float>(n_types - 1);
    for (std::int64_t type = 0; type < n_types; ++type) {
      made.probabilities(cell, type) = type == called ? (n_types == 1 ? 1.0F : 0.8F) : rest;
    }
  }
  return made;
}

Evaluation evaluation_of(std::int64_t n_cells, std::int64_t n_types) {
  const Predictions made = predictions_of(n_cells, n_types);
  return evaluate(made.probabilities.view(), made.truth, types_of(as_size(n_types)));
}

// ---- curves ---------------------------------------------------------------------------------

TEST(Curves, BothSetsAreDrawnInTheirColours) {
  const auto palette = category_palette(6);
  for (const Figure& figure : {plot_loss(history_of(10)), plot_accuracy(history_of(10))}) {
    const Picture picture(figure);
    EXPECT_GT(picture.count(hex(palette[0])), 300) << figure.name();
    EXPECT_GT(picture.count(hex(palette[5])), 300) << figure.name();
    EXPECT_TRUE(picture.has_white_margin()) << figure.name();
    EXPECT_FALSE(figure.caption().empty());
  }
}

TEST(Curves, OddHistoriesStillGiveAPicture) {
  TrainHistory no_validation = history_of(3);
  for (EpochRecord& epoch : no_validation.epochs) {
    epoch.validation_loss = epoch.validation_accuracy = kNan;
  }
  const auto validation_color = hex(category_palette(6)[5]);
  EXPECT_EQ(Picture(plot_loss(no_validation)).count(validation_color), 0);
  TrainHistory constant = history_of(5);
  for (EpochRecord& epoch : constant.epochs) epoch.train_loss = epoch.validation_loss = 2;
  for (const TrainHistory& history : {history_of(0), history_of(1), history_of(500), constant}) {
    EXPECT_TRUE(Picture(plot_loss(history)).has_white_margin());
    EXPECT_TRUE(Picture(plot_accuracy(history)).has_white_margin());
  }
}

TEST(Curves, LabelsOfCloseCurvesDoNotOverlap) {
  TrainHistory close = history_of(4);
  for (EpochRecord& epoch : close.epochs) epoch.validation_loss = epoch.train_loss;
  const Picture picture(plot_loss(close));
  const auto palette = category_palette(6);
  const Rect labels{345, 0, 120, 270};
  const std::int64_t alone = Picture(plot_loss(history_of(4))).count(labels, hex(palette[0]));
  EXPECT_EQ(picture.count(labels, hex(palette[0])), alone);
  EXPECT_GT(picture.count(labels, hex(palette[5])), 20);
}

// ---- confusion ------------------------------------------------------------------------------

TEST(ConfusionPlot, CellsHaveTheColourOfTheirShare) {
  const Evaluation evaluation = evaluation_of(700, 3);
  const Picture picture(plot_confusion(evaluation, "confusion", "Confusion"));
  const ConfusionLayout layout =
      confusion_layout({"type 100", "type 101", "type 102"}, "Confusion");
  for (std::size_t truth = 0; truth < 3; ++truth) {
    for (std::size_t predicted = 0; predicted < 3; ++predicted) {
      const double share = static_cast<double>(evaluation.confusion[truth * 3 + predicted]) /
                           static_cast<double>(evaluation.per_type[truth].support);
      // Near the corner of the cell, where no number stands.
      const double x = layout.matrix.x + static_cast<double>(predicted) * layout.cell + 3;
      const double y = layout.matrix.y + static_cast<double>(truth) * layout.cell + 3;
      EXPECT_TRUE(testing::look_equal(picture.color_at(x, y), hex(viridis(share))))
          << truth << ", " << predicted;
    }
  }
}

TEST(ConfusionPlot, NothingIsCutForAnyNumberAndLengthOfNames) {
  for (const std::int64_t n_types : {1, 2, 16, 17, 60, 150}) {
    const Evaluation evaluation = evaluation_of(2 * n_types, n_types);
    EXPECT_TRUE(Picture(plot_confusion(evaluation, "confusion", "Title")).has_white_margin())
        << n_types;
  }
  Evaluation long_names = evaluation_of(40, 4);
  for (TypeScores& type : long_names.per_type) type.cell_type += std::string(200, 'W');
  long_names.per_type[0].support = 0;
  EXPECT_TRUE(
      Picture(plot_confusion(long_names, "confusion", std::string(90, 'M'))).has_white_margin());
}

// ---- calibration ----------------------------------------------------------------------------

TEST(CalibrationBins, AddUpToTheErrorOfTheEvaluation) {
  const Random random(2, 0);
  DenseMatrix probabilities(500, 3);
  std::vector<LabelIndex> truth;
  for (std::int64_t cell = 0; cell < 500; ++cell) {
    const auto at = static_cast<std::uint64_t>(cell);
    const float p = random.uniform_float(2 * at);
    probabilities(cell, 0) = p;
    probabilities(cell, 1) = (1 - p) * 0.6F;
    probabilities(cell, 2) = (1 - p) * 0.4F;
    truth.push_back(static_cast<LabelIndex>(random.below(2 * at + 1, 3)));
  }
  truth[7] = kNoLabel;
  const CalibrationBins bins = calibration_bins(probabilities.view(), truth);
  const Evaluation evaluation = evaluate(probabilities.view(), truth, types_of(3));
  EXPECT_EQ(bins.n_cells, 499);
  EXPECT_NEAR(bins.error, evaluation.ece, 1e-12);
  std::int64_t n_cells = 0;
  for (const CalibrationBins::Bin& bin : bins.bins) {
    n_cells += bin.n_cells;
    EXPECT_LE(bin.lower, bin.accuracy + 1e-12);
    EXPECT_GE(bin.upper, bin.accuracy - 1e-12);
  }
  EXPECT_EQ(n_cells, 499);
}

// statsmodels 0.14: proportion_confint(8, 10, method="wilson")
TEST(CalibrationBins, IntervalIsWilsons) {
  DenseMatrix probabilities(10, 2);
  std::vector<LabelIndex> truth(10, 0);
  for (std::int64_t cell = 0; cell < 10; ++cell) {
    probabilities(cell, 0) = 0.9F;
    probabilities(cell, 1) = 0.1F;
    if (cell >= 8) truth[as_size(cell)] = 1;
  }
  const CalibrationBins bins = calibration_bins(probabilities.view(), truth);
  const auto& bin = bins.bins[13];  // 13/15 < 0.9 <= 14/15
  EXPECT_EQ(bin.n_cells, 10);
  EXPECT_NEAR(bin.lower, 0.4901624715, 1e-9);
  EXPECT_NEAR(bin.upper, 0.9433178485, 1e-9);
}

TEST(CalibrationPlot, OddInputStillGivesAPicture) {
  const Predictions made = predictions_of(100, 4);
  const Figure figure =
      plot_calibration(made.probabilities.view(), made.truth, "calibration", "Calibration");
  EXPECT_GT(Picture(figure).count(hex(category_palette(1)[0])), 100);
  EXPECT_TRUE(Picture(figure).has_white_margin());
  const std::vector<LabelIndex> unknown(100, kNoLabel);
  const Picture empty(plot_calibration(made.probabilities.view(), unknown, "calibration", "C"));
  EXPECT_EQ(empty.count(hex(category_palette(1)[0])), 0);
}

// ---- QC -------------------------------------------------------------------------------------

TEST(QcPlot, OddMetricsStillGiveAPicture) {
  QcMetrics metrics;
  for (int cell = 0; cell < 3000; ++cell) {
    metrics.n_genes_by_counts.push_back(500 + cell % 700);
    metrics.total_counts.push_back(1000 + cell);
    metrics.total_counts_mt.push_back(0);
    metrics.pct_counts_mt.push_back(0);  // all equal: no violin
  }
  QcOptions thresholds;
  thresholds.min_genes = 200;
  thresholds.max_genes = 1000;
  const Figure with_line = plot_qc(metrics, thresholds);
  EXPECT_TRUE(Picture(with_line).has_white_margin());
  EXPECT_NE(with_line.svg(), plot_qc(metrics).svg());
  EXPECT_EQ(with_line.svg(), plot_qc(metrics, thresholds).svg());
  EXPECT_TRUE(Picture(plot_qc(QcMetrics{})).has_white_margin());
}

// ---- embedding ------------------------------------------------------------------------------

DenseMatrix spiral(std::int64_t n_cells) {
  DenseMatrix points(n_cells, 2);
  for (std::int64_t i = 0; i < n_cells; ++i) {
    const double turn = 0.01 * static_cast<double>(i);
    points(i, 0) = static_cast<float>(turn * std::cos(turn));
    points(i, 1) = static_cast<float>(turn * std::sin(turn));
  }
  return points;
}

TEST(EmbeddingPlot, EachTypeHasTheColourOfItsPlace) {
  const DenseMatrix points = spiral(900);
  std::vector<LabelIndex> labels;
  for (int i = 0; i < 900; ++i) labels.push_back(i < 850 ? i % 2 : (i < 895 ? kNoLabel : 2));
  const std::vector<std::string> names = {"B", "T", "rare"};
  const std::vector<std::int64_t> counts = {425, 425, 5};
  const EmbeddingLayout layout = embedding_layout(names, counts, 45, "UMAP");
  const Picture picture(plot_embedding(points.view(), labels, names, "umap", "UMAP"));
  const auto palette = category_palette(3);
  for (const Color& color : palette) EXPECT_GT(picture.count(layout.plot, hex(color)), 20);
  EXPECT_GT(picture.count(layout.plot, hex(kUnassignedColor)), 20);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(picture.color_at(layout.legend[i].mark.x, layout.legend[i].mark.y), hex(palette[i]));
  }
  EXPECT_TRUE(picture.has_white_margin());
}

TEST(EmbeddingPlot, ManyCellsGiveASmallFile) {
  const std::int64_t n_cells = 200'000;
  const DenseMatrix points = spiral(n_cells);
  std::vector<LabelIndex> labels;
  for (std::int64_t i = 0; i < n_cells; ++i) labels.push_back(static_cast<LabelIndex>(i % 30));
  const Figure figure = plot_embedding(points.view(), labels, types_of(30).names(), "umap", "UMAP");
  EXPECT_LT(figure.svg().size(), 4'000'000U);  // 20 bytes a cell of noise at its worst
}

TEST(EmbeddingPlot, ByValueAndWithoutCells) {
  const DenseMatrix points = spiral(100);
  std::vector<float> values(100, 0.5F);
  values[0] = 0;
  values[1] = std::numeric_limits<float>::quiet_NaN();
  const Picture picture(
      plot_embedding(points.view(), values, "Confidence", "umap_confidence", "Confidence"));
  EXPECT_TRUE(picture.has_white_margin());
  const DenseMatrix none(0, 2);
  EXPECT_TRUE(Picture(plot_embedding(none.view(), std::vector<LabelIndex>{}, {}, "umap", "UMAP"))
                  .has_white_margin());
}

}  // namespace
}  // namespace saithe
