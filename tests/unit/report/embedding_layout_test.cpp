#include "saithe/report/embedding_layout.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace saithe {
namespace {

std::vector<std::string> type_names(std::size_t n) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < n; ++i) {
    names.push_back("type " + std::to_string(i) + std::string(i % 7 * 6, 'W'));
  }
  return names;
}

TEST(EmbeddingLayout, EveryLegendEntryHasItsOwnRoom) {
  for (const std::size_t n : {1U, 8U, 24U, 60U, 160U}) {
    const std::vector<std::int64_t> counts(n, 123456);
    const EmbeddingLayout layout = embedding_layout(type_names(n), counts, 5, "UMAP");
    ASSERT_EQ(layout.legend.size(), n + 1);
    EXPECT_EQ(layout.legend.back().label, kNoLabel);
    EXPECT_EQ(layout.legend.back().count, "5");
    const TextStyle style{.size = layout.legend_size};
    for (const LegendEntry& entry : layout.legend) {
      const double name_right = entry.name_x + text_width(entry.name, style);
      EXPECT_LE(name_right, entry.count_right - text_width(entry.count, style));
      EXPECT_LE(entry.count_right, layout.width);
      EXPECT_GE(entry.mark.x, layout.plot.right());
      EXPECT_LE(entry.mark.y + layout.legend_size / 2, layout.height);
      for (const LegendEntry& other : layout.legend) {
        if (&other == &entry || other.mark.x != entry.mark.x) continue;
        EXPECT_GT(std::abs(other.mark.y - entry.mark.y), layout.legend_size);
      }
    }
  }
}

TEST(EmbeddingLayout, LongNamesAreShortenedAndLongTitlesFit) {
  const std::vector<std::int64_t> counts = {1};
  const std::string title(200, 'M');
  const EmbeddingLayout layout = embedding_layout({std::string(400, 'W')}, counts, 0, title);
  EXPECT_NE(layout.legend[0].name.find("..."), std::string::npos);
  EXPECT_GE(layout.width, text_width(title, {.size = 11, .is_bold = true}));
}

TEST(DrawingOrder, UnassignedFirstRareLastEveryCellOnce) {
  std::vector<LabelIndex> labels(1000, 0);
  for (std::size_t i = 0; i < 400; ++i) labels[i] = 1;
  for (std::size_t i = 400; i < 410; ++i) labels[i] = 2;  // below a fiftieth
  for (std::size_t i = 410; i < 450; ++i) labels[i] = kNoLabel;
  const std::vector<std::int64_t> counts = {550, 400, 10};
  const auto order = drawing_order(labels, counts);
  auto sorted = order;
  std::ranges::sort(sorted);
  for (std::size_t i = 0; i < sorted.size(); ++i) EXPECT_EQ(as_size(sorted[i]), i);
  for (std::size_t i = 0; i < 40; ++i) EXPECT_EQ(labels[as_size(order[i])], kNoLabel);
  for (std::size_t i = 990; i < 1000; ++i) EXPECT_EQ(labels[as_size(order[i])], 2);
  // In between the two common types are mixed: neither has the first or the second half.
  std::int64_t n_early = 0;
  for (std::size_t i = 40; i < 515; ++i) n_early += labels[as_size(order[i])] == 1 ? 1 : 0;
  EXPECT_GT(n_early, 140);
  EXPECT_LT(n_early, 260);
}

TEST(DotRadius, ShrinksWithTheNumberOfCells) {
  EXPECT_EQ(dot_radius(0), 3);
  EXPECT_EQ(dot_radius(10'000'000), 0.45);
  for (std::int64_t n = 1; n < 10'000'000; n *= 3) EXPECT_GE(dot_radius(n), dot_radius(3 * n));
}

TEST(PlacePoints, BothAxesHaveTheSameUnitAndAllIsInside) {
  DenseMatrix points(4, 2);
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float xy[4][2] = {{0, 0}, {10, 0}, {0, 5}, {nan, 1}};
  for (std::int64_t i = 0; i < 4; ++i) {
    points(i, 0) = xy[i][0];
    points(i, 1) = xy[i][1];
  }
  const Rect plot{20, 30, 300, 300};
  const auto placed = place_points(points.view(), plot);
  EXPECT_NEAR(placed[1].x - placed[0].x, 2 * (placed[0].y - placed[2].y), 1e-9);  // y upwards
  EXPECT_TRUE(std::isnan(placed[3].x));
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_GT(placed[i].x, plot.x);
    EXPECT_LT(placed[i].x, plot.right());
    EXPECT_GT(placed[i].y, plot.y);
    EXPECT_LT(placed[i].y, plot.bottom());
  }
}

TEST(PlacePoints, ASinglePlaceIsTheMiddle) {
  DenseMatrix points(2, 2);
  const auto placed = place_points(points.view(), {0, 0, 100, 100});
  EXPECT_EQ(placed[0].x, 50);
  EXPECT_EQ(placed[1].y, 50);
}

}  // namespace
}  // namespace saithe
