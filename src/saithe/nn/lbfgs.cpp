#include "saithe/nn/lbfgs.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <numeric>

namespace saithe {
namespace {

// A step is taken when the function falls by this share of what the slope promises (Armijo).
constexpr double kSufficientDecrease = 1e-4;
constexpr int kMaxHalvings = 40;

double dot(std::span<const double> a, std::span<const double> b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

double largest_entry(std::span<const double> values) {
  double largest = 0;
  for (const double value : values) largest = std::max(largest, std::abs(value));
  return largest;
}

/// A step of x and the change of the gradient along it.
struct Pair {
  std::vector<double> step;
  std::vector<double> change;
  double inverse_product = 0;
};

/// -H g by the two-loop recursion over the pairs, oldest first.
std::vector<double> search_direction(const std::deque<Pair>& pairs,
                                     std::span<const double> gradient) {
  std::vector<double> direction(gradient.begin(), gradient.end());
  std::vector<double> alphas(pairs.size());
  for (std::size_t i = pairs.size(); i-- > 0;) {
    alphas[i] = pairs[i].inverse_product * dot(pairs[i].step, direction);
    for (std::size_t j = 0; j < direction.size(); ++j) {
      direction[j] -= alphas[i] * pairs[i].change[j];
    }
  }
  if (!pairs.empty()) {
    const Pair& last = pairs.back();
    const double scale = 1.0 / (last.inverse_product * dot(last.change, last.change));
    for (double& value : direction) value *= scale;
  }
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    const double beta = pairs[i].inverse_product * dot(pairs[i].change, direction);
    for (std::size_t j = 0; j < direction.size(); ++j) {
      direction[j] += (alphas[i] - beta) * pairs[i].step[j];
    }
  }
  for (double& value : direction) value = -value;
  return direction;
}

}  // namespace

LbfgsResult minimize_lbfgs(const Objective& objective, std::vector<double>& x,
                           const LbfgsOptions& options, const Context& context) {
  std::vector<double> gradient(x.size());
  std::vector<double> candidate(x.size());
  std::vector<double> candidate_gradient(x.size());
  std::deque<Pair> pairs;
  LbfgsResult result;
  result.value = objective(x, gradient);
  if (!std::isfinite(result.value)) {
    fail(ErrorKind::Numerical, "the loss is {} at the start of the fit", result.value);
  }
  while (true) {
    result.largest_gradient = largest_entry(gradient);
    if (result.largest_gradient <= options.tolerance ||
        result.n_iterations == options.max_iterations) {
      return result;
    }
    context.throw_if_cancelled();
    std::vector<double> direction = search_direction(pairs, gradient);
    double slope = dot(direction, gradient);
    if (slope >= 0) {  // rounding spoiled the pairs: start anew along the gradient
      pairs.clear();
      direction = search_direction(pairs, gradient);
      slope = dot(direction, gradient);
    }
    // Without a pair nothing is known of the curvature: the first step has length 1 at most.
    double length = pairs.empty() ? std::min(1.0, 1.0 / std::sqrt(-slope)) : 1.0;
    double value = 0;
    int n_halvings = 0;
    for (;; ++n_halvings, length *= 0.5) {
      if (n_halvings > kMaxHalvings) return result;  // no further fall can be represented
      for (std::size_t i = 0; i < x.size(); ++i) candidate[i] = x[i] + length * direction[i];
      value = objective(candidate, candidate_gradient);
      if (value <= result.value + kSufficientDecrease * length * slope) break;
    }
    Pair pair{std::vector<double>(x.size()), std::vector<double>(x.size()), 0};
    for (std::size_t i = 0; i < x.size(); ++i) {
      pair.step[i] = candidate[i] - x[i];
      pair.change[i] = candidate_gradient[i] - gradient[i];
    }
    const double product = dot(pair.step, pair.change);
    if (product > 1e-10 * dot(pair.change, pair.change)) {
      pair.inverse_product = 1.0 / product;
      pairs.push_back(std::move(pair));
      if (pairs.size() > as_size(options.memory)) pairs.pop_front();
    }
    x.swap(candidate);
    gradient.swap(candidate_gradient);
    result.value = value;
    ++result.n_iterations;
  }
}

}  // namespace saithe
