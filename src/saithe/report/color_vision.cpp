#include "saithe/report/color_vision.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "saithe/report/canvas.h"

namespace saithe {
namespace {

double to_linear(double part) {
  return part <= 0.04045 ? part / 12.92 : std::pow((part + 0.055) / 1.055, 2.4);
}

double from_linear(double part) {
  part = std::clamp(part, 0.0, 1.0);
  return part <= 0.0031308 ? part * 12.92 : 1.055 * std::pow(part, 1 / 2.4) - 0.055;
}

double lab_curve(double t) {
  constexpr double kBend = 6.0 / 29.0;
  return t > kBend * kBend * kBend ? std::cbrt(t) : t / (3 * kBend * kBend) + 4.0 / 29.0;
}

}  // namespace

double luminance(const Color& color) {
  return 0.2126 * to_linear(color.red) + 0.7152 * to_linear(color.green) +
         0.0722 * to_linear(color.blue);
}

Lab to_lab(const Color& color) {
  const double r = to_linear(color.red);
  const double g = to_linear(color.green);
  const double b = to_linear(color.blue);
  const double x = lab_curve((0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.9505);
  const double y = lab_curve(0.2126 * r + 0.7152 * g + 0.0722 * b);
  const double z = lab_curve((0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.089);
  return {116 * y - 16, 500 * (x - y), 200 * (y - z)};
}

double distance(const Lab& a, const Lab& b) {
  return std::sqrt((a.l - b.l) * (a.l - b.l) + (a.a - b.a) * (a.a - b.a) +
                   (a.b - b.b) * (a.b - b.b));
}

Color as_seen_by(Vision vision, const Color& color) {
  if (vision == Vision::Normal) return color;
  // To the responses of long, middle and short cones; the missing one follows from the other two.
  const std::array<double, 3> rgb = {to_linear(color.red), to_linear(color.green),
                                     to_linear(color.blue)};
  double l = 17.8824 * rgb[0] + 43.5161 * rgb[1] + 4.11935 * rgb[2];
  double m = 3.45565 * rgb[0] + 27.1554 * rgb[1] + 3.86714 * rgb[2];
  const double s = 0.0299566 * rgb[0] + 0.184309 * rgb[1] + 1.46709 * rgb[2];
  if (vision == Vision::Deuteranope) {
    m = 0.494207 * l + 1.24827 * s;
  } else {
    l = 2.02344 * m - 2.52581 * s;
  }
  return {from_linear(0.0809444479 * l - 0.130504409 * m + 0.116721066 * s),
          from_linear(-0.0102485335 * l + 0.0540193266 * m - 0.113614708 * s),
          from_linear(-0.000365296938 * l - 0.00412161469 * m + 0.693511405 * s), color.alpha};
}

Color readable_ink(const Color& background) {
  const double light = luminance(background) + 0.05;
  const double contrast_with_white = 1.05 / light;
  const double contrast_with_ink = light / (luminance(kInk) + 0.05);
  return contrast_with_white > contrast_with_ink ? kWhite : kInk;
}

}  // namespace saithe
