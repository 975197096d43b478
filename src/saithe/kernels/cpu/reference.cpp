#include "saithe/kernels/cpu/reference.h"

#include <algorithm>
#include <cmath>

#include "saithe/core/random.h"

namespace saithe::kernels::reference {

std::vector<double> linear_forward(std::int64_t n_rows, std::span<const double> x,
                                   std::int64_t n_in, std::span<const double> w,
                                   std::span<const double> b, std::int64_t n_out) {
  std::vector<double> y(as_size(n_rows * n_out));
  for (std::int64_t r = 0; r < n_rows; ++r) {
    for (std::int64_t o = 0; o < n_out; ++o) {
      double sum = b[as_size(o)];
      for (std::int64_t i = 0; i < n_in; ++i) {
        sum += x[as_size(r * n_in + i)] * w[as_size(o * n_in + i)];
      }
      y[as_size(r * n_out + o)] = sum;
    }
  }
  return y;
}

LinearGradient linear_backward(std::int64_t n_rows, std::span<const double> x, std::int64_t n_in,
                               std::span<const double> w, std::span<const double> dy,
                               std::int64_t n_out) {
  LinearGradient gradient;
  gradient.dw.resize(as_size(n_out * n_in));
  gradient.db.resize(as_size(n_out));
  gradient.dx.resize(as_size(n_rows * n_in));
  for (std::int64_t r = 0; r < n_rows; ++r) {
    for (std::int64_t o = 0; o < n_out; ++o) {
      const double d = dy[as_size(r * n_out + o)];
      gradient.db[as_size(o)] += d;
      for (std::int64_t i = 0; i < n_in; ++i) {
        gradient.dw[as_size(o * n_in + i)] += d * x[as_size(r * n_in + i)];
        gradient.dx[as_size(r * n_in + i)] += d * w[as_size(o * n_in + i)];
      }
    }
  }
  return gradient;
}

std::vector<double> relu_dropout_forward(std::int64_t n_rows, std::int64_t n_units,
                                         const Dropout& dropout, std::span<const double> y) {
  const Random random(dropout.seed, dropout.stream);
  std::vector<double> result(as_size(n_rows * n_units));
  for (std::size_t i = 0; i < result.size(); ++i) {
    const bool is_kept =
        dropout.rate <= 0 || random.uniform_float(i) >= static_cast<float>(dropout.rate);
    result[i] = is_kept ? std::max(y[i], 0.0) / (1.0 - dropout.rate) : 0.0;
  }
  return result;
}

std::vector<double> relu_dropout_backward(double rate, std::span<const double> y,
                                          std::span<const double> dy) {
  std::vector<double> result(dy.size());
  for (std::size_t i = 0; i < dy.size(); ++i) result[i] = y[i] > 0 ? dy[i] / (1.0 - rate) : 0.0;
  return result;
}

namespace {

/// (y - mean) / sd of one row, and 1 / sd.
std::pair<std::vector<double>, double> normalized_row(std::span<const double> row) {
  const auto n = static_cast<double>(row.size());
  double mean = 0;
  for (const double value : row) mean += value / n;
  double variance = 0;
  for (const double value : row) variance += (value - mean) * (value - mean) / n;
  const double inverse_sd = 1.0 / std::sqrt(variance + kNormEpsilon);
  std::vector<double> normalized;
  for (const double value : row) normalized.push_back((value - mean) * inverse_sd);
  return {normalized, inverse_sd};
}

}  // namespace

std::vector<double> layer_norm_forward(std::int64_t n_rows, std::span<const double> gain,
                                       std::span<const double> bias, std::span<const double> y) {
  std::vector<double> result;
  for (std::int64_t r = 0; r < n_rows; ++r) {
    const auto row = normalized_row(y.subspan(as_size(r) * gain.size(), gain.size())).first;
    for (std::size_t u = 0; u < row.size(); ++u) result.push_back(gain[u] * row[u] + bias[u]);
  }
  return result;
}

NormGradient layer_norm_backward(std::int64_t n_rows, std::span<const double> gain,
                                 std::span<const double> y, std::span<const double> dy) {
  const std::size_t n_units = gain.size();
  NormGradient result;
  result.dgain.resize(n_units);
  result.dbias.resize(n_units);
  for (std::size_t r = 0; r < as_size(n_rows); ++r) {
    const auto [row, inverse_sd] = normalized_row(y.subspan(r * n_units, n_units));
    for (std::size_t u = 0; u < n_units; ++u) {
      result.dgain[u] += dy[r * n_units + u] * row[u];
      result.dbias[u] += dy[r * n_units + u];
    }
    // d normalized_v / d y_u = (1[u == v] - 1/n - normalized_u normalized_v / n) / sd
    for (std::size_t u = 0; u < n_units; ++u) {
      double sum = 0;
      for (std::size_t v = 0; v < n_units; ++v) {
        const double by =
            (u == v ? 1.0 : 0.0) - (1.0 + row[u] * row[v]) / static_cast<double>(n_units);
        sum += gain[v] * dy[r * n_units + v] * by;
      }
      result.dy.push_back(sum * inverse_sd);
    }
  }
  return result;
}

std::vector<double> softmax(std::int64_t n_rows, std::int64_t n_types,
                            std::span<const double> logits) {
  std::vector<double> result(as_size(n_rows * n_types));
  for (std::int64_t r = 0; r < n_rows; ++r) {
    const auto row = logits.subspan(as_size(r * n_types), as_size(n_types));
    const double largest = *std::max_element(row.begin(), row.end());
    double sum = 0;
    for (const double value : row) sum += std::exp(value - largest);
    for (std::size_t t = 0; t < row.size(); ++t) {
      result[as_size(r * n_types) + t] = std::exp(row[t] - largest) / sum;
    }
  }
  return result;
}

double softmax_cross_entropy(std::int64_t n_rows, std::int64_t n_types, Loss loss,
                             std::span<const double> logits, std::span<const LabelIndex> labels,
                             std::span<const double> weights, std::vector<double>* dlogits) {
  const std::vector<double> p = softmax(n_rows, n_types, logits);
  const std::vector<double> q =
      loss == Loss::Article ? softmax(n_rows, n_types, p) : std::vector<double>();
  const std::vector<double>& last = loss == Loss::Article ? q : p;
  double total = 0;
  if (dlogits != nullptr) dlogits->assign(p.size(), 0.0);
  for (std::int64_t r = 0; r < n_rows; ++r) {
    const std::size_t row = as_size(r * n_types);
    const std::size_t label = as_size(labels[as_size(r)]);
    const double weight = weights.empty() ? 1.0 : weights[as_size(r)];
    total -= weight * std::log(last[row + label]);
    if (dlogits == nullptr) continue;
    for (std::size_t t = 0; t < as_size(n_types); ++t) {
      double d = last[row + t] - (t == label ? 1.0 : 0.0);
      if (loss == Loss::Article) {
        // dL/dlogit_t = sum_s dL/dp_s p_s (1[s == t] - p_t)
        d = 0;
        for (std::size_t s = 0; s < as_size(n_types); ++s) {
          const double by_p = q[row + s] - (s == label ? 1.0 : 0.0);
          d += by_p * p[row + s] * ((s == t ? 1.0 : 0.0) - p[row + t]);
        }
      }
      (*dlogits)[row + t] = weight * d / static_cast<double>(n_rows);
    }
  }
  return total / static_cast<double>(n_rows);
}

void adam_step(const AdamStep& adam, std::span<const double> gradient, std::span<double> parameter,
               std::span<double> first_moment, std::span<double> second_moment) {
  const double correction1 = 1.0 - std::pow(adam.beta1, static_cast<double>(adam.step));
  const double correction2 = 1.0 - std::pow(adam.beta2, static_cast<double>(adam.step));
  for (std::size_t i = 0; i < gradient.size(); ++i) {
    first_moment[i] = adam.beta1 * first_moment[i] + (1.0 - adam.beta1) * gradient[i];
    second_moment[i] =
        adam.beta2 * second_moment[i] + (1.0 - adam.beta2) * gradient[i] * gradient[i];
    const double denominator = std::sqrt(second_moment[i]) / std::sqrt(correction2) + adam.epsilon;
    parameter[i] = parameter[i] * (1.0 - adam.learning_rate * adam.weight_decay) -
                   adam.learning_rate / correction1 * first_moment[i] / denominator;
  }
}

std::vector<double> centred_rows(const CsrView& features, std::span<const CellIndex> rows,
                                 std::span<const float> shift) {
  std::vector<double> dense(rows.size() * as_size(features.n_cols));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    double* row = dense.data() + i * as_size(features.n_cols);
    for (std::size_t g = 0; g < shift.size(); ++g) row[g] = -static_cast<double>(shift[g]);
    const auto genes = features.row_columns(rows[i]);
    const auto values = features.row_values(rows[i]);
    for (std::size_t k = 0; k < genes.size(); ++k) {
      row[genes[k]] += static_cast<double>(values[k]);
    }
  }
  return dense;
}

}  // namespace saithe::kernels::reference
