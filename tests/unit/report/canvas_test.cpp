#include "saithe/report/canvas.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "support/picture.h"

namespace saithe {
namespace {

using testing::Picture;

constexpr Color kBlue{0, 0, 1, 1};
constexpr Color kRed{1, 0, 0, 1};

Picture draw(const Figure::Draw& draw) {
  return Picture(Figure("test", 100, 100, draw));
}

TEST(Canvas, ShapesLieWhereTheyAreAsked) {
  const Picture picture = draw([](Figure::Canvas& canvas) {
    canvas.fill({10, 20, 30, 10}, kBlue);
    canvas.circle({70, 70}, 10, kRed);
  });
  EXPECT_EQ(picture.width(), 200);
  EXPECT_EQ(picture.color_at(11, 21), "#0000ff");
  EXPECT_EQ(picture.color_at(39, 29), "#0000ff");
  EXPECT_EQ(picture.color_at(41, 25), "#ffffff");
  EXPECT_EQ(picture.color_at(70, 78), "#ff0000");
  EXPECT_EQ(picture.color_at(78, 78), "#ffffff");
  EXPECT_EQ(picture.count("#0000ff"), 60 * 20);
}

TEST(Canvas, DegenerateShapesDrawNothing) {
  const Picture picture = draw([](Figure::Canvas& canvas) {
    canvas.line(std::vector<Point>{{50, 50}}, {});
    canvas.polygon(std::vector<Point>{{0, 0}, {50, 50}}, kRed);
    canvas.arrow({50, 50}, {50, 50}, {});
    canvas.text({50, 50}, "", {});
    canvas.dots({0, 0, 100, 100}, {});
  });
  EXPECT_EQ(picture.count("#ffffff"), 200 * 200);
}

TEST(Canvas, TextStandsAtItsAnchor) {
  for (const Align align : {Align::Start, Align::Middle, Align::End}) {
    const Picture picture = draw([&](Figure::Canvas& canvas) {
      canvas.text({50, 50}, "HHHH", {.size = 9, .is_bold = true, .color = kBlue, .align = align});
    });
    const std::int64_t left = picture.count({0, 0, 50, 100}, "#0000ff");
    const std::int64_t right = picture.count({50, 0, 50, 100}, "#0000ff");
    EXPECT_EQ(left == 0, align == Align::Start);
    EXPECT_EQ(right == 0, align == Align::End);
    const std::int64_t above = picture.count({0, 0, 100, 50}, "#0000ff");
    const std::int64_t below = picture.count({0, 50, 100, 50}, "#0000ff");
    EXPECT_NEAR(static_cast<double>(above), static_cast<double>(below),
                0.3 * static_cast<double>(above + below));
  }
}

TEST(Canvas, DotsAreClippedAndTheSameAsShapesAndAsImage) {
  const Rect area{20, 20, 60, 60};
  const auto with_dots = [&](std::size_t n) {
    return draw([&, n](Figure::Canvas& canvas) {
      Dots dots{{}, {}, {kBlue}, 5};
      for (std::size_t i = 0; i < n; ++i) {
        dots.centers.push_back({20.0 + static_cast<double>(i % 60), 40});
        dots.colors.push_back(0);
      }
      canvas.dots(area, dots);
    });
  };
  const Picture shapes = with_dots(600);
  const Picture image = with_dots(kMaxVectorDots + 1);
  for (const Picture* picture : {&shapes, &image}) {
    EXPECT_EQ(picture->color_at(19, 40), "#ffffff");
    EXPECT_EQ(picture->color_at(50, 40), "#0000ff");
    EXPECT_EQ(picture->color_at(50, 47), "#ffffff");
  }
  // Half-covered pixels of the dots that lie on each other add up in the image: a thin rim more.
  const auto n_shapes = static_cast<double>(shapes.count("#0000ff"));
  EXPECT_NEAR(static_cast<double>(image.count("#0000ff")), n_shapes, 0.15 * n_shapes);
}

TEST(RasterizeDots, CoverTheAreaOfTheirCircle) {
  const Dots dots{{{10.3, 12.8}}, {0}, {kBlue}, 4};
  const auto pixels = rasterize_dots(dots, 20, 20);
  double alpha = 0;
  for (const std::uint32_t pixel : pixels) alpha += static_cast<double>(pixel >> 24U) / 255;
  EXPECT_NEAR(alpha, 3.14159 * 16, 0.5);
  EXPECT_EQ(pixels[12 * 20 + 10], 0xFF0000FFU);
  EXPECT_EQ(pixels[0], 0U);
}

TEST(RasterizeDots, LaterOnesLieOnTop) {
  const Dots dots{{{5, 5}, {5, 5}}, {0, 1}, {kBlue, kRed}, 3};
  EXPECT_EQ(rasterize_dots(dots, 10, 10)[5 * 10 + 5], 0xFFFF0000U);
}

TEST(RasterizeDots, OnesOutsideAndNowhereAreLeftOut) {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  const Dots dots{{{-50, 5}, {5, 1e300}, {kNan, 5}, {-2, 5}}, {0, 0, 0, 0}, {kBlue}, 3};
  const auto pixels = rasterize_dots(dots, 10, 10);
  EXPECT_EQ(pixels[5 * 10 + 5], 0U);
  EXPECT_NE(pixels[5 * 10], 0U);  // the last reaches into the picture
}

TEST(ShortenToWidth, FitsAndKeepsBothEnds) {
  const TextStyle style{.size = 9};
  const std::string name = "CD4-positive, alpha-beta memory T cell, CD45RO-positive";
  EXPECT_EQ(shorten_to_width(name, style, 1000), name);
  const std::string cut = shorten_to_width(name, style, 100);
  EXPECT_LE(text_width(cut, style), 100);
  EXPECT_GT(text_width(cut, style), 80);
  EXPECT_TRUE(cut.starts_with("CD4"));
  EXPECT_TRUE(cut.ends_with("e"));
  EXPECT_NE(cut.find("..."), std::string::npos);
  // Characters of several bytes stay whole.
  std::string greek;
  for (int i = 0; i < 50; ++i) greek += "\xCE\xB3";
  const std::string greek_cut = shorten_to_width(greek, style, 60);
  EXPECT_EQ(greek_cut.size() % 2, 3U % 2);
}

TEST(RenameSvgIds, InTheOrderOfAppearance) {
  EXPECT_EQ(rename_svg_ids("<g id=\"x9\"/><use href=\"#x9\"/><p fill=\"url(#y)\"/>", "loss"),
            "<g id=\"loss-1\"/><use href=\"#loss-1\"/><p fill=\"url(#loss-2)\"/>");
  EXPECT_EQ(rename_svg_ids("<g grid=\"x\"/>", "loss"), "<g grid=\"x\"/>");
}

}  // namespace
}  // namespace saithe
