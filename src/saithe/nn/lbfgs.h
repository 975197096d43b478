#pragma once

// Minimises a smooth function of many variables: limited-memory BFGS (Liu & Nocedal 1989,
// doi:10.1007/BF01589116) with a backtracking line search.

#include <functional>
#include <span>
#include <vector>

#include "saithe/core/context.h"
#include "saithe/core/types.h"

namespace saithe {

/// When to stop.
struct LbfgsOptions {
  int max_iterations = 150;
  double tolerance = 1e-5;  ///< largest absolute entry of the gradient at the end
  int memory = 10;          ///< pairs of steps and gradient changes that are kept
};

/// Returns the value at x and writes the gradient there.
using Objective = std::function<double(std::span<const double> x, std::span<double> gradient)>;

/// How a minimisation ended.
struct LbfgsResult {
  double value = 0;
  double largest_gradient = 0;
  int n_iterations = 0;
};

/// Moves x to a minimum of a convex, differentiable function. Every sum runs in one order: the same
/// bits in every run. Throws Error(Numerical) if the function is not finite at the start, and
/// Error(Cancelled).
LbfgsResult minimize_lbfgs(const Objective& objective, std::vector<double>& x,
                           const LbfgsOptions& options, const Context& context);

}  // namespace saithe
