#include "saithe/classify/calibration.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

namespace saithe {
namespace {

constexpr double kLowest = 0.2;
constexpr double kHighest = 5.0;
// Golden-section steps: the interval of ln T shrinks to 1e-6.
constexpr int kSteps = 32;
// With fewer cells a temperature is noise.
constexpr std::size_t kFewestCells = 50;

// Gains of less than this many standard errors are chance.
constexpr double kClearGain = 2;

/// -ln of the probability of `label` at a temperature.
double cell_nll(std::span<const float> probabilities, LabelIndex label, double temperature) {
  double sum = 0;
  for (const float p : probabilities) sum += std::pow(static_cast<double>(p), 1 / temperature);
  const double own = std::pow(static_cast<double>(probabilities[as_size(label)]), 1 / temperature);
  return -std::log(std::max(own / sum, std::numeric_limits<double>::epsilon()));
}

}  // namespace

void apply_temperature(DenseMatrix& probabilities, double temperature) {
  if (temperature == 1) return;
  std::vector<double> powers(as_size(probabilities.n_cols()));
  for (std::int64_t r = 0; r < probabilities.n_rows(); ++r) {
    const auto row = probabilities.row(r);
    double sum = 0;
    for (std::size_t t = 0; t < row.size(); ++t) {
      powers[t] = std::pow(static_cast<double>(row[t]), 1 / temperature);
      sum += powers[t];
    }
    if (sum <= 0) continue;
    for (std::size_t t = 0; t < row.size(); ++t) row[t] = static_cast<float>(powers[t] / sum);
  }
}

double nll_at_temperature(DenseView probabilities, std::span<const LabelIndex> labels,
                          std::span<const CellIndex> cells, double temperature) {
  double total = 0;
  for (const CellIndex cell : cells) {
    total += cell_nll(probabilities.row(cell), labels[as_size(cell)], temperature);
  }
  return cells.empty() ? 0 : total / static_cast<double>(cells.size());
}

double fit_temperature(DenseView probabilities, std::span<const LabelIndex> labels,
                       std::span<const CellIndex> cells) {
  // The NLL has one minimum in ln T: golden section.
  const double ratio = (std::sqrt(5.0) - 1) / 2;
  double low = std::log(kLowest);
  double high = std::log(kHighest);
  const auto nll = [&](double log_t) {
    return nll_at_temperature(probabilities, labels, cells, std::exp(log_t));
  };
  double a = high - ratio * (high - low);
  double b = low + ratio * (high - low);
  double at_a = nll(a);
  double at_b = nll(b);
  for (int i = 0; i < kSteps; ++i) {
    if (at_a <= at_b) {
      high = b;
      b = a;
      at_b = at_a;
      a = high - ratio * (high - low);
      at_a = nll(a);
    } else {
      low = a;
      a = b;
      at_a = at_b;
      b = low + ratio * (high - low);
      at_b = nll(b);
    }
  }
  return std::exp((low + high) / 2);
}

double choose_temperature(DenseView probabilities, std::span<const LabelIndex> labels,
                          std::span<const CellIndex> cells) {
  if (cells.size() < kFewestCells) return 1;
  std::array<std::vector<CellIndex>, 2> halves;
  for (std::size_t i = 0; i < cells.size(); ++i) halves[i % 2].push_back(cells[i]);
  double sum = 0;
  double squares = 0;
  for (const std::size_t half : {std::size_t{0}, std::size_t{1}}) {
    const double temperature = fit_temperature(probabilities, labels, halves[1 - half]);
    for (const CellIndex cell : halves[half]) {
      const auto row = probabilities.row(cell);
      const LabelIndex label = labels[as_size(cell)];
      const double gain = cell_nll(row, label, 1) - cell_nll(row, label, temperature);
      sum += gain;
      squares += gain * gain;
    }
  }
  const auto n = static_cast<double>(cells.size());
  const double mean = sum / n;
  const double standard_error = std::sqrt(std::max(squares / n - mean * mean, 0.0) / n);
  return mean > kClearGain * standard_error ? fit_temperature(probabilities, labels, cells) : 1;
}

}  // namespace saithe
