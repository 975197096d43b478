#include "saithe/report/axes.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "saithe/report/shown_text.h"

namespace saithe {
namespace {

/// The smallest of 1, 2, 2.5, 5, 10 times a power of ten that is at least `step`.
double round_step(double step) {
  const double power = std::pow(10.0, std::floor(std::log10(step)));
  for (const double factor : {1.0, 2.0, 2.5, 5.0}) {
    if (factor * power >= step * (1 - 1e-9)) return factor * power;
  }
  return 10 * power;
}

}  // namespace

std::vector<double> round_ticks(double low, double high, int n_wanted) {
  if (!(high > low)) {
    const double reach = std::max(std::abs(low) * 0.1, 1e-3);
    low -= reach;
    high += reach;
  }
  const double step = round_step((high - low) / n_wanted);
  const double first = std::floor(low / step + 1e-9);
  const double last = std::ceil(high / step - 1e-9);
  std::vector<double> ticks;
  for (double i = first; i <= last + 0.5; i += 1) ticks.push_back(i * step);
  return ticks;
}

std::vector<double> whole_ticks(int last, int n_wanted) {
  const int step = std::max(1, static_cast<int>(round_step(static_cast<double>(last) / n_wanted)));
  // 2.5 is a round step, but no whole one; above it all are.
  const int whole_step = last > 2 * n_wanted && step == 2 ? 5 : step;
  std::vector<double> ticks;
  for (int tick = 0; tick <= last; tick += whole_step) ticks.push_back(tick);
  return ticks;
}

std::vector<std::string> tick_labels(std::span<const double> ticks) {
  int n_decimals = 0;
  const auto is_exact = [&](double tick) {
    const double scaled = tick * std::pow(10.0, n_decimals);
    return std::abs(scaled - std::round(scaled)) < 1e-6 * std::max(1.0, std::abs(scaled));
  };
  while (n_decimals < 9 && !std::ranges::all_of(ticks, is_exact)) ++n_decimals;
  std::vector<std::string> labels;
  for (const double tick : ticks) {
    const double shown = std::abs(tick) < 1e-12 ? 0 : tick;
    labels.push_back(n_decimals == 0 && std::abs(shown) < 1e15
                         ? format_count(std::llround(shown))
                         : fmt::format("{:.{}f}", shown, n_decimals));
  }
  return labels;
}

void draw_title(Figure::Canvas& canvas, Point anchor, const std::string& title) {
  canvas.text(anchor, title, {.size = 11, .is_bold = true});
}

void draw_y_axis(Figure::Canvas& canvas, const Rect& plot, const Scale& y,
                 std::span<const double> ticks, const std::string& name) {
  const auto labels = tick_labels(ticks);
  double widest = 0;
  for (std::size_t i = 0; i < ticks.size(); ++i) {
    const double at = y(ticks[i]);
    canvas.line({plot.x, at}, {plot.right(), at}, {.color = kGridColor, .width = 0.7});
    canvas.text({plot.x - 6, at}, labels[i],
                {.size = 8.5, .color = kMutedInk, .align = Align::End});
    widest = std::max(widest, text_width(labels[i], {.size = 8.5}));
  }
  canvas.text({plot.x - 6 - widest - 11, plot.y + plot.height / 2}, name,
              {.size = 9, .align = Align::Middle, .degrees = -90});
}

void draw_x_axis(Figure::Canvas& canvas, const Rect& plot, const Scale& x,
                 std::span<const double> ticks, const std::string& name) {
  const auto labels = tick_labels(ticks);
  canvas.line({plot.x, plot.bottom()}, {plot.right(), plot.bottom()},
              {.color = kInk, .width = 0.9});
  for (std::size_t i = 0; i < ticks.size(); ++i) {
    const double at = x(ticks[i]);
    canvas.line({at, plot.bottom()}, {at, plot.bottom() + 3.5}, {.color = kInk, .width = 0.9});
    canvas.text({at, plot.bottom() + 11}, labels[i],
                {.size = 8.5, .color = kMutedInk, .align = Align::Middle});
  }
  canvas.text({plot.x + plot.width / 2, plot.bottom() + 26}, name,
              {.size = 9, .align = Align::Middle});
}

namespace {

void draw_color_bar(Figure::Canvas& canvas, const Rect& bar, const Scale& scale,
                    std::span<const double> ticks, std::span<const std::string> labels,
                    const std::string& name) {
  std::vector<Color> stops;
  for (int i = 0; i <= 32; ++i) stops.push_back(viridis(i / 32.0));
  canvas.gradient_upwards(bar, stops);
  for (std::size_t i = 0; i < ticks.size(); ++i) {
    const double at = scale(ticks[i]);
    canvas.line({bar.right(), at}, {bar.right() + 3, at}, {.color = kInk, .width = 0.8});
    canvas.text({bar.right() + 5.5, at}, labels[i], {.size = 8, .color = kMutedInk});
  }
  canvas.text({bar.right() + 35, bar.y + bar.height / 2}, name,
              {.size = 8.5, .align = Align::Middle, .degrees = -90});
}

}  // namespace

void draw_color_bar(Figure::Canvas& canvas, const Rect& bar, const std::string& name) {
  const std::vector<double> ticks = {0.0, 0.25, 0.5, 0.75, 1.0};
  draw_color_bar(canvas, bar, {0, 1, bar.bottom(), bar.y}, ticks, tick_labels(ticks), name);
}

void draw_color_bar(Figure::Canvas& canvas, const Rect& bar, double highest,
                    const std::string& name) {
  std::vector<double> ticks = round_ticks(0, highest, 4);
  std::erase_if(ticks, [&](double tick) { return tick > highest * (1 + 1e-9); });
  draw_color_bar(canvas, bar, {0, highest, bar.bottom(), bar.y}, ticks, tick_labels(ticks), name);
}

void draw_nothing(Figure::Canvas& canvas, const Rect& plot, const std::string& message) {
  canvas.outline(plot, {.color = kGridColor, .width = 1});
  canvas.text({plot.x + plot.width / 2, plot.y + plot.height / 2}, message,
              {.size = 9, .color = kMutedInk, .align = Align::Middle});
}

}  // namespace saithe
