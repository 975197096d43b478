#include "saithe/classify/one_vs_rest.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

namespace saithe {
namespace {

constexpr int kMaxSteps = 50;
// A weak pull of the slope to 0: where a type is separated perfectly the slope has no maximum.
constexpr double kRidge = 1e-2;
constexpr double kLargestStep = 5;

double mean_of(std::span<const float> logits) {
  double sum = 0;
  for (const float value : logits) sum += static_cast<double>(value);
  return sum / static_cast<double>(logits.size());
}

double sigmoid(double x) {
  return 1 / (1 + std::exp(-x));
}

/// Newton's method for slope and offset; x are the type's logits, y whether cells are of the type.
std::pair<double, double> fit_curve(const std::vector<double>& x, const std::vector<bool>& y) {
  // Platt's targets: a little off 0 and 1, as if one more cell of each kind had been seen.
  const auto n_positive = static_cast<double>(std::count(y.begin(), y.end(), true));
  const double n_negative = static_cast<double>(y.size()) - n_positive;
  const double high = (n_positive + 1) / (n_positive + 2);
  const double low = 1 / (n_negative + 2);
  double slope = 0;
  double offset = std::log((n_positive + 1) / (n_negative + 1));
  for (int step = 0; step < kMaxSteps; ++step) {
    double by_slope = -kRidge * slope;
    double by_offset = 0;
    double a = kRidge;
    double b = 0;
    double c = 1e-9;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double p = sigmoid(slope * x[i] + offset);
      const double error = (y[i] ? high : low) - p;
      const double weight = p * (1 - p);
      by_slope += error * x[i];
      by_offset += error;
      a += weight * x[i] * x[i];
      b += weight * x[i];
      c += weight;
    }
    const double determinant = a * c - b * b;
    if (!(determinant > 0)) break;
    const double d_slope =
        std::clamp((c * by_slope - b * by_offset) / determinant, -kLargestStep, kLargestStep);
    const double d_offset =
        std::clamp((a * by_offset - b * by_slope) / determinant, -kLargestStep, kLargestStep);
    slope += d_slope;
    offset += d_offset;
    if (std::abs(d_slope) + std::abs(d_offset) < 1e-10) break;
  }
  return {slope, offset};
}

}  // namespace

OneVsRest fit_one_vs_rest(DenseView logits, std::span<const LabelIndex> labels,
                          std::span<const CellIndex> cells) {
  OneVsRest model;
  std::vector<double> means;
  for (const CellIndex cell : cells) means.push_back(mean_of(logits.row(cell)));
  for (std::int64_t type = 0; type < logits.n_cols; ++type) {
    std::vector<double> x;
    std::vector<bool> y;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      x.push_back(static_cast<double>(logits(cells[i], type)) - means[i]);
      y.push_back(labels[as_size(cells[i])] == type);
    }
    const auto [slope, offset] = fit_curve(x, y);
    model.slopes.push_back(slope);
    model.offsets.push_back(offset);
  }
  return model;
}

std::vector<LabelIndex> types_above(const OneVsRest& model, std::span<const float> logits,
                                    std::span<const float> probabilities, double threshold) {
  SAITHE_ASSERT(model.slopes.size() == logits.size());
  const double mean = mean_of(logits);
  std::vector<std::pair<double, LabelIndex>> found;
  for (std::size_t t = 0; t < logits.size(); ++t) {
    const double p =
        sigmoid(model.slopes[t] * (static_cast<double>(logits[t]) - mean) + model.offsets[t]);
    if (p >= threshold && probabilities[t] >= kLeastProbability) found.emplace_back(-p, static_cast<LabelIndex>(t));
  }
  std::sort(found.begin(), found.end());
  std::vector<LabelIndex> types;
  for (const auto& [p, type] : found) types.push_back(type);
  return types;
}

}  // namespace saithe
