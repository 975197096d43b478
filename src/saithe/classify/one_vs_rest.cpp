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
constexpr double kShortestStep = 1e-6;
constexpr double kTolerance = 1e-9;  // of the loss, which is a sum over the cells

double mean_of(std::span<const float> logits) {
  double sum = 0;
  for (const float value : logits) sum += static_cast<double>(value);
  return sum / static_cast<double>(logits.size());
}

double sigmoid(double x) {
  return 1 / (1 + std::exp(-x));
}

/// ln(1 + e^x) without overflow.
double softplus(double x) {
  return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x)));
}

/// The fit of one curve: x are the type's logits, y the targets.
class CurveFit {
 public:
  CurveFit(std::vector<double> x, std::vector<double> y) : x_(std::move(x)), y_(std::move(y)) {}

  /// Newton's method, each step halved until the loss falls; from the share of the type on.
  std::pair<double, double> fit() {
    double share = 0;
    for (const double y : y_) share += y / static_cast<double>(y_.size());
    double slope = 0;
    double offset = std::log(share / (1 - share));
    double loss = loss_at(slope, offset);
    for (int step = 0; step < kMaxSteps; ++step) {
      const auto [d_slope, d_offset] = newton_step(slope, offset);
      double length = 1;
      double next = loss_at(slope + d_slope, offset + d_offset);
      while (!(next <= loss) && length > kShortestStep) {
        length /= 2;
        next = loss_at(slope + length * d_slope, offset + length * d_offset);
      }
      if (!(next <= loss)) break;
      slope += length * d_slope;
      offset += length * d_offset;
      const bool is_done = loss - next < kTolerance;
      loss = next;
      if (is_done) break;
    }
    return {slope, offset};
  }

 private:
  [[nodiscard]] double loss_at(double slope, double offset) const {
    double loss = 0.5 * kRidge * slope * slope;
    for (std::size_t i = 0; i < x_.size(); ++i) {
      const double z = slope * x_[i] + offset;
      loss += softplus(z) - y_[i] * z;
    }
    return loss;
  }

  [[nodiscard]] std::pair<double, double> newton_step(double slope, double offset) const {
    double by_slope = -kRidge * slope;
    double by_offset = 0;
    double a = kRidge;
    double b = 0;
    double c = kRidge;
    for (std::size_t i = 0; i < x_.size(); ++i) {
      const double p = sigmoid(slope * x_[i] + offset);
      const double weight = p * (1 - p);
      by_slope += (y_[i] - p) * x_[i];
      by_offset += y_[i] - p;
      a += weight * x_[i] * x_[i];
      b += weight * x_[i];
      c += weight;
    }
    const double determinant = a * c - b * b;  // above 0: a and c hold the ridge
    return {(c * by_slope - b * by_offset) / determinant,
            (a * by_offset - b * by_slope) / determinant};
  }

  std::vector<double> x_;
  std::vector<double> y_;
};

}  // namespace

OneVsRest fit_one_vs_rest(const TypedLogits& cells) {
  const DenseView logits = cells.logits.view();
  const auto is_of = [&](std::int64_t cell, std::int64_t type) {
    const auto& types = cells.types[as_size(cell)];
    return types[0] == type || types[1] == type;
  };
  OneVsRest model;
  std::vector<std::size_t> unseen;
  std::vector<double> means;
  for (std::int64_t cell = 0; cell < logits.n_rows; ++cell)
    means.push_back(mean_of(logits.row(cell)));
  for (std::int64_t type = 0; type < logits.n_cols; ++type) {
    std::vector<double> x;
    std::vector<double> y;
    double n_own = 0;
    for (std::int64_t cell = 0; cell < logits.n_rows; ++cell) n_own += is_of(cell, type) ? 1 : 0;
    // Platt's targets: a little off 0 and 1, as if one more cell of each kind had been seen.
    const double high = (n_own + 1) / (n_own + 2);
    const double low = 1 / (static_cast<double>(logits.n_rows) - n_own + 2);
    for (std::int64_t cell = 0; cell < logits.n_rows; ++cell) {
      x.push_back(static_cast<double>(logits(cell, type)) - means[as_size(cell)]);
      y.push_back(is_of(cell, type) ? high : low);
    }
    if (n_own == 0) {
      unseen.push_back(as_size(type));
      model.slopes.push_back(0);
      model.offsets.push_back(0);
      continue;
    }
    const auto [slope, offset] = CurveFit(std::move(x), std::move(y)).fit();
    model.slopes.push_back(slope);
    model.offsets.push_back(offset);
  }
  const auto n_fitted = static_cast<double>(model.slopes.size() - unseen.size());
  const auto mean_of_fitted = [&](const std::vector<double>& values) {
    return n_fitted > 0 ? std::accumulate(values.begin(), values.end(), 0.0) / n_fitted : 0.0;
  };
  const double slope = mean_of_fitted(model.slopes);
  const double offset = mean_of_fitted(model.offsets);
  for (const std::size_t type : unseen) {
    model.slopes[type] = slope;
    model.offsets[type] = offset;
  }
  return model;
}

std::vector<LabelIndex> types_above(const OneVsRest& model, std::span<const float> logits,
                                    double threshold) {
  SAITHE_ASSERT(model.slopes.size() == logits.size());
  const double mean = mean_of(logits);
  std::vector<std::pair<double, LabelIndex>> found;
  for (std::size_t t = 0; t < logits.size(); ++t) {
    const double p =
        sigmoid(model.slopes[t] * (static_cast<double>(logits[t]) - mean) + model.offsets[t]);
    if (p >= threshold) found.emplace_back(-p, static_cast<LabelIndex>(t));
  }
  std::sort(found.begin(), found.end());
  std::vector<LabelIndex> types;
  for (const auto& [p, type] : found) types.push_back(type);
  return types;
}

}  // namespace saithe
