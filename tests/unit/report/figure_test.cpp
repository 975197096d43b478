#include "saithe/report/figure.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "saithe/report/color_vision.h"
#include "support/folder_for_test.h"
#include "support/picture.h"

namespace saithe {
namespace {

using testing::FolderForTest;
using testing::read_bytes;

Figure blue_square(const std::string& name = "square") {
  return Figure(
      name, 60, 40,
      [](Figure::Canvas& canvas) {
        canvas.fill({10, 10, 20, 20}, {0, 0, 1, 1});
        canvas.text({10, 35}, "A <b> & c", {});
      },
      "Title <b>");
}

TEST(Figure, SvgIsOneElementWithATitleAndNoFonts) {
  const std::string svg = blue_square().svg();
  EXPECT_NE(svg.find("<title>Title &lt;b&gt;</title>"), std::string::npos);
  EXPECT_NE(svg.find("role=\"img\""), std::string::npos);
  EXPECT_EQ(svg.find("font-family"), std::string::npos);  // text is outlines
  EXPECT_NE(svg.find("viewBox=\"0 0 60 40\""), std::string::npos);
  EXPECT_TRUE(svg.ends_with("</svg>\n"));
}

TEST(Figure, IdsOfTwoFiguresNeverMeet) {
  const auto ids = [](const std::string& svg) {
    std::set<std::string> found;
    for (std::size_t at = svg.find(" id=\""); at != std::string::npos;
         at = svg.find(" id=\"", at + 1)) {
      found.insert(svg.substr(at + 5, svg.find('"', at + 5) - at - 5));
    }
    return found;
  };
  const auto first = ids(blue_square("one").svg());
  const auto second = ids(blue_square("two").svg());
  EXPECT_FALSE(first.empty());
  for (const std::string& id : first) EXPECT_FALSE(second.contains(id)) << id;
}

TEST(Figure, SameDrawingSameBytes) {
  EXPECT_EQ(blue_square().svg(), blue_square().svg());
  EXPECT_EQ(blue_square().png(), blue_square().png());
}

TEST(Figure, PngHasTheResolutionAsked) {
  const testing::Picture picture(blue_square().png(3), 3);
  EXPECT_EQ(picture.width(), 180);
  EXPECT_EQ(picture.height(), 120);
  EXPECT_EQ(picture.color_at(20, 20), "#0000ff");
}

TEST(Figure, WritesBothFilesAndKeepsThoseOfOthers) {
  const FolderForTest folder;
  blue_square().write(folder / "new" / "figures", false);
  EXPECT_EQ(read_bytes(folder / "new" / "figures" / "square.png"), blue_square().png());
  EXPECT_EQ(read_bytes(folder / "new" / "figures" / "square.svg"), blue_square().svg());
  EXPECT_SAITHE_ERROR(blue_square().write(folder / "new" / "figures", false), ErrorKind::Output,
                      "square.svg");
  blue_square().write(folder / "new" / "figures", true);
  testing::write_bytes(folder / "file", "");
  EXPECT_SAITHE_ERROR(blue_square().write(folder / "file", true), ErrorKind::Output, "file");
}

TEST(Figure, ManyAtOnceAreTheSameAsEachAlone) {
  const FolderForTest folder;
  std::vector<Figure> figures;
  for (int i = 0; i < 8; ++i) figures.push_back(blue_square("square_" + std::to_string(i)));
  write_figures(figures, folder / "figures", false, Context(4));
  for (const Figure& figure : figures) {
    EXPECT_EQ(read_bytes(folder / "figures" / (figure.name() + ".svg")), figure.svg());
    EXPECT_EQ(read_bytes(folder / "figures" / (figure.name() + ".png")), figure.png());
  }
  EXPECT_SAITHE_ERROR(write_figures(figures, folder / "figures", false, Context(4)),
                      ErrorKind::Output, "square_0.svg");
}

TEST(Figure, ANameThatIsNoFileNameIsRefused) {
  for (const char* name : {"", "a/b", "..", "a b", "a\n", "\xC3\xA4"}) {
    EXPECT_SAITHE_ERROR(blue_square(name), ErrorKind::InvalidArgument, "its name");
  }
}

TEST(Hex, RoundsAndClamps) {
  EXPECT_EQ(hex({0, 1, 0.5, 1}), "#00ff80");
  EXPECT_EQ(hex({-1, 2, 0.25, 1}), "#00ff40");
}

TEST(CategoryPalette, BeginsWithOkabeAndIto) {
  EXPECT_TRUE(category_palette(0).empty());
  EXPECT_EQ(hex(category_palette(1)[0]), "#0072b2");
}

TEST(CategoryPalette, ColoursAreDistinctAndALongerOneBeginsWithTheShorter) {
  const auto longer = category_palette(120);
  const auto shorter = category_palette(30);
  std::set<std::string> distinct;
  for (const Color& color : longer) distinct.insert(hex(color));
  EXPECT_EQ(distinct.size(), 120U);
  for (std::size_t i = 0; i < shorter.size(); ++i) EXPECT_EQ(hex(shorter[i]), hex(longer[i]));
  EXPECT_EQ(category_palette(3000).size(), 3000U);  // beyond the grid of colours
}

TEST(CategoryPalette, NoColourIsTooPaleForWhitePaper) {
  for (const Color& color : category_palette(40)) EXPECT_LT(luminance(color), 0.85) << hex(color);
}

// Matplotlib 3.9: matplotlib.colors.to_hex(matplotlib.colormaps["viridis"](value))
TEST(Viridis, IsMatplotlibs) {
  const std::vector<std::pair<double, const char*>> known = {
      {0, "#440154"}, {0.25, "#3b528b"}, {0.5, "#21918c"}, {0.75, "#5ec962"}, {1, "#fde725"}};
  for (const auto& [value, color] : known) {
    const Color expected = viridis(value);
    const auto part = [&](std::size_t at) {
      return std::stoi(std::string(color).substr(at, 2), nullptr, 16);
    };
    EXPECT_NEAR(expected.red * 255, part(1), 2.5) << value;
    EXPECT_NEAR(expected.green * 255, part(3), 2.5) << value;
    EXPECT_NEAR(expected.blue * 255, part(5), 2.5) << value;
  }
  EXPECT_EQ(hex(viridis(-1)), hex(viridis(0)));
  EXPECT_EQ(hex(viridis(2)), hex(viridis(1)));
  EXPECT_EQ(hex(viridis(std::nan(""))), hex(viridis(0)));
}

}  // namespace
}  // namespace saithe
