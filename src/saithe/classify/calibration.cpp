#include "saithe/classify/calibration.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

namespace saithe {
namespace {

// Cells that are all told right ask for ever sharper probabilities; no number of them is enough.
constexpr double kLowest = 0.5;
constexpr double kHighest = 10.0;
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

/// Whether what is fitted on one half of the cells helps the other, and the other way round, by
/// more than chance. `gains_of(fitted, judged)`: the gain in NLL of each judged cell.
template <typename GainsOf>
bool helps_the_other_half(std::span<const CellIndex> cells, const GainsOf& gains_of) {
  if (cells.size() < kFewestCells) return false;
  std::array<std::vector<CellIndex>, 2> halves;
  for (std::size_t i = 0; i < cells.size(); ++i) halves[i % 2].push_back(cells[i]);
  double sum = 0;
  double squares = 0;
  for (const std::size_t half : {std::size_t{0}, std::size_t{1}}) {
    for (const double gain : gains_of(halves[1 - half], halves[half])) {
      sum += gain;
      squares += gain * gain;
    }
  }
  const auto n = static_cast<double>(cells.size());
  const double mean = sum / n;
  const double standard_error = std::sqrt(std::max(squares / n - mean * mean, 0.0) / n);
  return mean > kClearGain * standard_error;
}

/// 1 / temperature, and how strongly types' shares count.
struct PriorFit {
  double sharpness = 1;
  double strength = 0;
};

/// softmax(sharpness x ln p + strength x ln share), whose NLL is convex in the two.
class LogLinear {
 public:
  LogLinear(DenseView probabilities, std::span<const LabelIndex> labels,
            std::span<const double> type_shares)
      : labels_(labels) {
    for (const double share : type_shares) log_share_.push_back(std::log(share));
    const auto n = as_size(probabilities.n_rows * probabilities.n_cols);
    log_p_.reserve(n);
    for (const float p : std::span(probabilities.values, n)) {
      log_p_.push_back(
          std::log(static_cast<double>(std::max(p, std::numeric_limits<float>::min()))));
    }
  }

  [[nodiscard]] double nll(CellIndex cell, const PriorFit& at) const { return terms(cell, at).nll; }

  /// Newton's method inside the bounds.
  [[nodiscard]] PriorFit fit(std::span<const CellIndex> cells, double most) const {
    PriorFit at;
    Terms now = total(cells, at);
    for (int step = 0; step < kNewtonSteps; ++step) {
      const PriorFit direction = newton_step(now, at, most);
      double length = 1;
      PriorFit next = at;
      Terms then = now;
      for (; length > kShortestStep; length /= 2) {
        next.sharpness =
            std::clamp(at.sharpness - length * direction.sharpness, 1 / kHighest, 1 / kLowest);
        next.strength = std::clamp(at.strength - length * direction.strength, 0.0, most);
        then = total(cells, next);
        if (then.nll <= now.nll) break;
      }
      if (length <= kShortestStep) break;
      const bool is_there = std::abs(next.sharpness - at.sharpness) < kNear &&
                            std::abs(next.strength - at.strength) < kNear;
      at = next;
      now = then;
      if (is_there) break;
    }
    return at;
  }

 private:
  static constexpr int kNewtonSteps = 50;
  static constexpr double kShortestStep = 1e-6;
  static constexpr double kNear = 1e-9;

  /// NLL, its gradient and its second derivatives in (sharpness, strength).
  struct Terms {
    double nll = 0;
    double by_sharpness = 0;
    double by_strength = 0;
    double sharpness_twice = 0;
    double both = 0;
    double strength_twice = 0;
  };

  [[nodiscard]] Terms terms(CellIndex cell, const PriorFit& at) const {
    const std::size_t n_types = log_share_.size();
    const auto log_p = std::span(log_p_).subspan(as_size(cell) * n_types, n_types);
    double highest = -std::numeric_limits<double>::infinity();
    for (std::size_t t = 0; t < n_types; ++t) {
      highest = std::max(highest, at.sharpness * log_p[t] + at.strength * log_share_[t]);
    }
    double sum = 0;
    double p_mean = 0;
    double share_mean = 0;
    double p_square = 0;
    double product = 0;
    double share_square = 0;
    for (std::size_t t = 0; t < n_types; ++t) {
      const double p = log_p[t];
      const double share = log_share_[t];
      const double weight = std::exp(at.sharpness * p + at.strength * share - highest);
      sum += weight;
      p_mean += weight * p;
      share_mean += weight * share;
      p_square += weight * p * p;
      product += weight * p * share;
      share_square += weight * share * share;
    }
    p_mean /= sum;
    share_mean /= sum;
    const auto own = as_size(labels_[as_size(cell)]);
    Terms result;
    result.nll =
        std::log(sum) + highest - at.sharpness * log_p[own] - at.strength * log_share_[own];
    result.by_sharpness = p_mean - log_p[own];
    result.by_strength = share_mean - log_share_[own];
    result.sharpness_twice = p_square / sum - p_mean * p_mean;
    result.both = product / sum - p_mean * share_mean;
    result.strength_twice = share_square / sum - share_mean * share_mean;
    return result;
  }

  [[nodiscard]] Terms total(std::span<const CellIndex> cells, const PriorFit& at) const {
    Terms sum;
    for (const CellIndex cell : cells) {
      const Terms one = terms(cell, at);
      sum.nll += one.nll;
      sum.by_sharpness += one.by_sharpness;
      sum.by_strength += one.by_strength;
      sum.sharpness_twice += one.sharpness_twice;
      sum.both += one.both;
      sum.strength_twice += one.strength_twice;
    }
    return sum;
  }

  /// What to go back by; a bound that is pushed against stays.
  static PriorFit newton_step(const Terms& now, const PriorFit& at, double most) {
    const auto is_held = [](double value, double low, double high, double slope) {
      return (value <= low && slope > 0) || (value >= high && slope < 0);
    };
    const bool holds_sharpness = is_held(at.sharpness, 1 / kHighest, 1 / kLowest, now.by_sharpness);
    const bool holds_strength = is_held(at.strength, 0, most, now.by_strength);
    const double a = now.sharpness_twice + kRidge;
    const double c = now.strength_twice + kRidge;
    if (holds_sharpness) return {0, holds_strength ? 0 : now.by_strength / c};
    if (holds_strength) return {now.by_sharpness / a, 0};
    const double determinant = a * c - now.both * now.both;
    return {(c * now.by_sharpness - now.both * now.by_strength) / determinant,
            (a * now.by_strength - now.both * now.by_sharpness) / determinant};
  }
  static constexpr double kRidge = 1e-9;

  std::vector<double> log_p_;  // of all rows and types, looked at in every step
  std::span<const LabelIndex> labels_;
  std::vector<double> log_share_;
};

Calibration with_offsets(const PriorFit& fit, std::span<const double> type_shares) {
  Calibration calibration{1 / fit.sharpness, {}};
  for (const double share : type_shares) {
    calibration.type_offsets.push_back(fit.strength * std::log(share));
  }
  return calibration;
}

/// The types that some of `cells` have, in order.
std::vector<LabelIndex> types_of(std::span<const LabelIndex> labels,
                                 std::span<const CellIndex> cells, std::int64_t n_types) {
  std::vector<bool> is_seen(as_size(n_types));
  for (const CellIndex cell : cells) is_seen[as_size(labels[as_size(cell)])] = true;
  std::vector<LabelIndex> seen;
  for (LabelIndex type = 0; type < n_types; ++type) {
    if (is_seen[as_size(type)]) seen.push_back(type);
  }
  return seen;
}

/// What would be known if there were no other types.
struct OfSomeTypes {
  DenseMatrix probabilities;       ///< (cells, types), rows sum to 1
  std::vector<LabelIndex> labels;  ///< 0 where the cell is of none of them
  std::vector<double> type_shares;
};

OfSomeTypes select_types(DenseView probabilities, std::span<const LabelIndex> labels,
                         std::span<const double> type_shares, std::span<const LabelIndex> types) {
  OfSomeTypes some{DenseMatrix(probabilities.n_rows, std::ssize(types)), {}, {}};
  for (std::int64_t r = 0; r < probabilities.n_rows; ++r) {
    const auto all = probabilities.row(r);
    const auto row = some.probabilities.row(r);
    double sum = 0;
    for (const LabelIndex type : types) sum += static_cast<double>(all[as_size(type)]);
    for (std::size_t t = 0; t < types.size() && sum > 0; ++t) {
      row[t] = static_cast<float>(static_cast<double>(all[as_size(types[t])]) / sum);
    }
  }
  for (const LabelIndex label : labels) {
    const auto place = std::ranges::lower_bound(types, label);
    const bool is_one = place != types.end() && *place == label;
    some.labels.push_back(is_one ? static_cast<LabelIndex>(place - types.begin()) : 0);
  }
  for (const LabelIndex type : types) some.type_shares.push_back(type_shares[as_size(type)]);
  return some;
}

}  // namespace

void apply_calibration(DenseMatrix& probabilities, const Calibration& calibration) {
  const auto& [temperature, offsets] = calibration;
  if (temperature == 1 && offsets.empty()) return;
  std::vector<double> factors(as_size(probabilities.n_cols()), 1);
  SAITHE_ASSERT(offsets.empty() || offsets.size() == factors.size());
  for (std::size_t t = 0; t < offsets.size(); ++t) factors[t] = std::exp(offsets[t]);
  std::vector<double> powers(factors.size());
  for (std::int64_t r = 0; r < probabilities.n_rows(); ++r) {
    const auto row = probabilities.row(r);
    double sum = 0;
    for (std::size_t t = 0; t < row.size(); ++t) {
      powers[t] = factors[t] * std::pow(static_cast<double>(row[t]), 1 / temperature);
      sum += powers[t];
    }
    if (sum <= 0) continue;
    for (std::size_t t = 0; t < row.size(); ++t) row[t] = static_cast<float>(powers[t] / sum);
  }
}

std::string describe(const Calibration& calibration) {
  std::string text = fmt::format("temperature {:.3f}", calibration.temperature);
  const auto& offsets = calibration.type_offsets;
  if (offsets.empty()) return text;
  const auto [low, high] = std::minmax_element(offsets.begin(), offsets.end());
  return text + fmt::format(", odds of the rarest type x {:.3f}", std::exp(*low - *high));
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
  const bool helps = helps_the_other_half(cells, [&](const auto& fitted, const auto& judged) {
    const double temperature = fit_temperature(probabilities, labels, fitted);
    std::vector<double> gains;
    for (const CellIndex cell : judged) {
      const auto row = probabilities.row(cell);
      const LabelIndex label = labels[as_size(cell)];
      gains.push_back(cell_nll(row, label, 1) - cell_nll(row, label, temperature));
    }
    return gains;
  });
  return helps ? fit_temperature(probabilities, labels, cells) : 1;
}

Calibration fit_calibration(DenseView probabilities, std::span<const LabelIndex> labels,
                            std::span<const CellIndex> cells, std::span<const double> type_shares,
                            double most) {
  return with_offsets(LogLinear(probabilities, labels, type_shares).fit(cells, most), type_shares);
}

Calibration choose_calibration(DenseView probabilities, std::span<const LabelIndex> labels,
                               std::span<const CellIndex> cells,
                               std::span<const double> type_shares, double most) {
  const std::vector<LabelIndex> seen = types_of(labels, cells, probabilities.n_cols);
  if (std::ssize(seen) < probabilities.n_cols) {
    if (seen.size() < 2) return {};
    const OfSomeTypes some = select_types(probabilities, labels, type_shares, seen);
    const Calibration found =
        choose_calibration(some.probabilities.view(), some.labels, cells, some.type_shares, most);
    if (found.type_offsets.empty()) return found;
    // Others were weighed by the same power.
    const auto rarest = static_cast<std::size_t>(std::ranges::min_element(some.type_shares) -
                                                 some.type_shares.begin());
    const double strength = found.type_offsets[rarest] / std::log(some.type_shares[rarest]);
    return with_offsets({1 / found.temperature, strength}, type_shares);
  }
  const Calibration plain{choose_temperature(probabilities, labels, cells), {}};
  if (most <= 0) return plain;
  const LogLinear model(probabilities, labels, type_shares);
  const bool helps = helps_the_other_half(cells, [&](const auto& fitted, const auto& judged) {
    const PriorFit fit = model.fit(fitted, most);
    const double sharpness =
        plain.temperature == 1 ? 1 : 1 / fit_temperature(probabilities, labels, fitted);
    std::vector<double> gains;
    for (const CellIndex cell : judged) {
      gains.push_back(model.nll(cell, {sharpness, 0}) - model.nll(cell, fit));
    }
    return gains;
  });
  return helps ? fit_calibration(probabilities, labels, cells, type_shares, most) : plain;
}

}  // namespace saithe
