#pragma once

// Kernels of softmax and of both losses, in double, a block for each row: the arithmetic of
// kernels/loss.cpp.

#include "saithe/kernels/cuda/thread.h"

namespace saithe::kernels::cuda {

/// Threads of a row of types.
inline constexpr int kTypeThreads = 64;

/// The largest value of a row and the sum of exp(value - largest).
struct SoftmaxSum {
  double largest;
  double sum;
};
template <typename Thread, typename Value>
SAITHE_DEVICE SoftmaxSum softmax_sum(Thread& thread, double* shared, const Value* row,
                                     std::int64_t n_types) {
  double largest = -INFINITY;
  for (std::int64_t t = thread.index(); t < n_types; t += kTypeThreads) {
    const auto value = static_cast<double>(row[t]);
    if (value > largest) largest = value;
  }
  SoftmaxSum result;
  result.largest = block_max(thread, shared, largest);
  double sum = 0;
  for (std::int64_t t = thread.index(); t < n_types; t += kTypeThreads) {
    sum += exp(static_cast<double>(row[t]) - result.largest);
  }
  result.sum = block_sum(thread, shared, sum);
  return result;
}

/// Row-wise softmax.
struct Softmax {
  struct Args {
    std::int64_t n_types;
    const float* logits;
    float* probabilities;
  };
  template <typename Thread>
  SAITHE_DEVICE static void run(const Args& a, Thread& thread) {
    const float* const row = a.logits + thread.block_x() * a.n_types;
    const SoftmaxSum s = softmax_sum(thread, static_cast<double*>(thread.shared()), row, a.n_types);
    for (std::int64_t t = thread.index(); t < a.n_types; t += kTypeThreads) {
      a.probabilities[thread.block_x() * a.n_types + t] =
          static_cast<float>(exp(static_cast<double>(row[t]) - s.largest) / s.sum);
    }
  }
};

/// Loss of each row times its weight / n_rows, whether its largest logit is the label, and the
/// gradient of the former by the logits.
template <typename Value>
struct SoftmaxLoss {
  struct Args {
    std::int64_t n_types;
    double inverse_rows;
    bool is_article;  // the softmax of the softmax
    const Value* logits;
    const std::int32_t* labels;
    const float* weights;   // null: all weigh 1
    double* probabilities;  // (rows, types), overwritten
    double* row_losses;
    std::int32_t* row_correct;
    Value* slopes;  // null: not asked for
  };
  template <typename Thread>
  SAITHE_DEVICE static void run(const Args& a, Thread& thread) {
    double* const shared = static_cast<double*>(thread.shared());
    const std::int64_t row = thread.block_x();
    const Value* const logits = a.logits + row * a.n_types;
    double* const p = a.probabilities + row * a.n_types;
    const std::int32_t label = a.labels[row];
    const double scale =
        (a.weights != nullptr ? static_cast<double>(a.weights[row]) : 1.0) * a.inverse_rows;
    const SoftmaxSum first = softmax_sum(thread, shared, logits, a.n_types);
    const auto at_label = static_cast<double>(logits[label]);
    // A thread reads only what it wrote of p itself; the label's it computes anew.
    double larger = 0;
    for (std::int64_t t = thread.index(); t < a.n_types; t += kTypeThreads) {
      p[t] = exp(static_cast<double>(logits[t]) - first.largest) / first.sum;
      const bool wins = t < label ? logits[t] >= logits[label] : logits[t] > logits[label];
      if (wins) larger += 1;
    }
    const double n_larger = block_sum(thread, shared, larger);
    double loss = first.largest + log(first.sum) - at_label;
    if (a.is_article) {
      const double p_label = exp(at_label - first.largest) / first.sum;
      loss = article_slopes(a, thread, p, label, p_label, scale);
    } else if (a.slopes != nullptr) {
      for (std::int64_t t = thread.index(); t < a.n_types; t += kTypeThreads) {
        const double slope = t == label ? p[t] - 1.0 : p[t];
        a.slopes[row * a.n_types + t] = static_cast<Value>(slope * scale);
      }
    }
    if (thread.index() != 0) return;
    a.row_losses[row] = loss * scale;
    a.row_correct[row] = n_larger == 0 ? 1 : 0;
  }

  /// q = softmax(p); dL/dp = q - one-hot, then through p. Returns the loss.
  template <typename Thread>
  SAITHE_DEVICE static double article_slopes(const Args& a, Thread& thread, const double* p,
                                             std::int32_t label, double p_label, double scale) {
    double* const shared = static_cast<double*>(thread.shared());
    const SoftmaxSum second = softmax_sum(thread, shared, p, a.n_types);
    double inner = 0;
    for (std::int64_t t = thread.index(); t < a.n_types; t += kTypeThreads) {
      inner += slope_of_p(second, p[t], t == label) * p[t];
    }
    inner = block_sum(thread, shared, inner);
    for (std::int64_t t = thread.index(); a.slopes != nullptr && t < a.n_types; t += kTypeThreads) {
      const double slope = p[t] * (slope_of_p(second, p[t], t == label) - inner);
      a.slopes[thread.block_x() * a.n_types + t] = static_cast<Value>(slope * scale);
    }
    return second.largest + log(second.sum) - p_label;
  }
  SAITHE_DEVICE static double slope_of_p(const SoftmaxSum& s, double p, bool is_label) {
    const double q = exp(p - s.largest) / s.sum;
    return is_label ? q - 1.0 : q;
  }
};

/// What SumLosses leaves: Backend::LossResult.
struct LossSum {
  double mean_loss;
  std::int64_t n_correct;
};

/// Sums of the rows' losses and of what was right; one block.
struct SumLosses {
  static constexpr int kThreads = 256;
  struct Args {
    std::int64_t n_rows;
    const double* row_losses;
    const std::int32_t* row_correct;
    LossSum* result;
  };
  template <typename Thread>
  SAITHE_DEVICE static void run(const Args& a, Thread& thread) {
    double* const shared = static_cast<double*>(thread.shared());
    double loss = 0;
    double n_correct = 0;
    for (std::int64_t r = thread.index(); r < a.n_rows; r += kThreads) {
      loss += a.row_losses[r];
      n_correct += a.row_correct[r];
    }
    loss = block_sum(thread, shared, loss);
    n_correct = block_sum(thread, shared, n_correct);
    if (thread.index() != 0) return;
    a.result->mean_loss = loss;
    a.result->n_correct = static_cast<std::int64_t>(n_correct);
  }
};

}  // namespace saithe::kernels::cuda
