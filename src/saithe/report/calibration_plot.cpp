#include "saithe/report/plots.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "saithe/core/error.h"
#include "saithe/report/axes.h"
#include "saithe/report/calibration_bins.h"
#include "saithe/report/shown_text.h"

namespace saithe {
namespace {

constexpr Rect kPlot{58, 34, 250, 250};
constexpr Rect kHistogram{58, 300, 250, 56};
constexpr double kWidth = 330;
constexpr double kHeight = 398;

void draw_histogram(Figure::Canvas& canvas, const CalibrationBins& bins, const Color& color) {
  const Scale x{0, 1, kHistogram.x, kHistogram.right()};
  std::int64_t largest = 1;
  for (const CalibrationBins::Bin& bin : bins.bins) largest = std::max(largest, bin.n_cells);
  for (std::size_t i = 0; i < bins.bins.size(); ++i) {
    const double share = static_cast<double>(bins.bins[i].n_cells) / static_cast<double>(largest);
    if (share == 0) continue;
    const double left = x(static_cast<double>(i) / static_cast<double>(bins.bins.size()));
    const double right = x(static_cast<double>(i + 1) / static_cast<double>(bins.bins.size()));
    // A bin with a single cell among thousands still shows.
    const double height = std::max(1.0, share * kHistogram.height);
    canvas.fill({left + 0.5, kHistogram.bottom() - height, right - left - 1, height}, color);
  }
  canvas.text({kHistogram.x - 6, kHistogram.y + 3}, format_count(largest),
              {.size = 8.5, .color = kMutedInk, .align = Align::End});
  canvas.text({kHistogram.x - 6, kHistogram.bottom()}, "0",
              {.size = 8.5, .color = kMutedInk, .align = Align::End});
  canvas.text({16, kHistogram.y + kHistogram.height / 2}, "Cells",
              {.size = 9, .align = Align::Middle, .degrees = -90});
  const std::array<double, 6> ticks = {0, 0.2, 0.4, 0.6, 0.8, 1};
  draw_x_axis(canvas, kHistogram, x, ticks, "Confidence (largest probability)");
}

void draw_reliability(Figure::Canvas& canvas, const CalibrationBins& bins, const Color& color) {
  const Scale x{0, 1, kPlot.x, kPlot.right()};
  const Scale y{0, 1, kPlot.bottom(), kPlot.y};
  const std::array<double, 6> ticks = {0, 0.2, 0.4, 0.6, 0.8, 1};
  draw_y_axis(canvas, kPlot, y, ticks, "Accuracy");
  canvas.line({kPlot.x, kPlot.bottom()}, {kPlot.right(), kPlot.bottom()},
              {.color = kGridColor, .width = 0.9});
  canvas.line({kPlot.x, kPlot.bottom()}, {kPlot.right(), kPlot.y},
              {.color = kMutedInk, .width = 1, .dashes = {4, 3}});
  std::int64_t largest = 1;
  for (const CalibrationBins::Bin& bin : bins.bins) largest = std::max(largest, bin.n_cells);
  for (const CalibrationBins::Bin& bin : bins.bins) {
    if (bin.n_cells == 0) continue;
    const Point at{x(bin.mean_confidence), y(bin.accuracy)};
    // 95 % interval of Wilson (1927): wide where few cells say little.
    canvas.line({at.x, y(bin.lower)}, {at.x, y(bin.upper)},
                {.color = {color.red, color.green, color.blue, 0.45}, .width = 1.4});
    // By area, and never too small to be seen.
    const double share = static_cast<double>(bin.n_cells) / static_cast<double>(largest);
    canvas.circle(at, std::max(1.8, 6.5 * std::sqrt(share)), color);
  }
  canvas.text({kPlot.x + 8, kPlot.y + 9}, fmt::format("ECE {:.4f}", bins.error),
              {.size = 9.5, .is_bold = true});
  canvas.text({kPlot.x + 8, kPlot.y + 22}, format_count(bins.n_cells) + " cells",
              {.size = 8.5, .color = kMutedInk});
}

}  // namespace

CalibrationBins calibration_bins(DenseView probabilities, std::span<const LabelIndex> truth) {
  constexpr double kZ = 1.959963984540054;  // two-sided 95 %
  SAITHE_ASSERT(static_cast<std::size_t>(probabilities.n_rows) == truth.size());
  CalibrationBins result;
  const auto n_bins = static_cast<double>(result.bins.size());
  std::array<double, 15> confidence_sum{};
  std::array<std::int64_t, 15> n_correct{};
  for (std::int64_t cell = 0; cell < probabilities.n_rows; ++cell) {
    const LabelIndex label = truth[as_size(cell)];
    if (label == kNoLabel) continue;
    const auto row = probabilities.row(cell);
    const double sum = std::accumulate(row.begin(), row.end(), 0.0);
    const auto predicted = as_size(std::max_element(row.begin(), row.end()) - row.begin());
    const double confidence = sum > 0 ? static_cast<double>(row[predicted]) / sum : 0;
    std::size_t bin = 0;
    while (bin + 1 < result.bins.size() && confidence > static_cast<double>(bin + 1) / n_bins)
      ++bin;
    ++result.bins[bin].n_cells;
    ++result.n_cells;
    confidence_sum[bin] += confidence;
    n_correct[bin] += sum > 0 && static_cast<LabelIndex>(predicted) == label ? 1 : 0;
  }
  for (std::size_t i = 0; i < result.bins.size(); ++i) {
    CalibrationBins::Bin& bin = result.bins[i];
    if (bin.n_cells == 0) continue;
    const auto n = static_cast<double>(bin.n_cells);
    bin.mean_confidence = confidence_sum[i] / n;
    bin.accuracy = static_cast<double>(n_correct[i]) / n;
    const double middle = (bin.accuracy + kZ * kZ / (2 * n)) / (1 + kZ * kZ / n);
    const double reach = kZ / (1 + kZ * kZ / n) *
                         std::sqrt(bin.accuracy * (1 - bin.accuracy) / n + kZ * kZ / (4 * n * n));
    bin.lower = std::max(0.0, middle - reach);
    bin.upper = std::min(1.0, middle + reach);
    result.error += std::abs(static_cast<double>(n_correct[i]) - confidence_sum[i]);
  }
  if (result.n_cells > 0) result.error /= static_cast<double>(result.n_cells);
  return result;
}

Figure plot_calibration(DenseView probabilities, std::span<const LabelIndex> truth,
                        const std::string& name, const std::string& title) {
  const CalibrationBins bins = calibration_bins(probabilities, truth);
  const Color color = category_palette(1)[0];
  auto draw = [bins, color, title](Figure::Canvas& canvas) {
    draw_title(canvas, {kPlot.x, 14}, title);
    if (bins.n_cells == 0) {
      draw_nothing(canvas, kPlot, "no cell with a known label");
      return;
    }
    draw_reliability(canvas, bins, color);
    draw_histogram(canvas, bins, color);
  };
  const double title_right = kPlot.x + text_width(title, {.size = 11, .is_bold = true}) + 10;
  return {name,
          std::max(kWidth, title_right),
          kHeight,
          draw,
          title,
          "Cells in 15 bins of confidence: the accuracy of each bin (with its 95 % interval) "
          "against its mean confidence; the area of a dot and the bars below tell the number of "
          "cells. On the dashed line, "
          "confidence says how often the network is right; above it the network is too modest, "
          "below it too sure. ECE is the mean distance from the line, weighted by cells."};
}

}  // namespace saithe
