#include "saithe/kernels/cpu/cpu_backend.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "saithe/core/parallel.h"
#include "saithe/core/random.h"
#include "saithe/kernels/cpu/gemm.h"
#include "saithe/kernels/cpu/logistic_loss.h"
#include "saithe/kernels/cpu/simd.h"
#include "saithe/kernels/cpu/sparse_input.h"

namespace saithe::kernels::cpu {

float* data_of(Buffer& buffer) {
  return static_cast<CpuBuffer&>(buffer).data();
}
const float* data_of(const Buffer& buffer) {
  return static_cast<const CpuBuffer&>(buffer).data();
}

AdamConstants adam_constants(const AdamStep& adam) {
  const double correction1 = 1.0 - std::pow(adam.beta1, static_cast<double>(adam.step));
  const double correction2 = 1.0 - std::pow(adam.beta2, static_cast<double>(adam.step));
  AdamConstants constants;
  constants.beta1 = static_cast<float>(adam.beta1);
  constants.one_minus_beta1 = static_cast<float>(1.0 - adam.beta1);
  constants.beta2 = static_cast<float>(adam.beta2);
  constants.one_minus_beta2 = static_cast<float>(1.0 - adam.beta2);
  constants.step_size = static_cast<float>(adam.learning_rate / correction1);
  constants.inverse_root_correction2 = static_cast<float>(1.0 / std::sqrt(correction2));
  constants.epsilon = static_cast<float>(adam.epsilon);
  constants.keep = static_cast<float>(1.0 - adam.learning_rate * adam.weight_decay);
  return constants;
}

namespace {

// Chunks are large enough that handing one to a thread costs little beside it.
constexpr std::int64_t kChunkRows = 16;
constexpr std::int64_t kChunkValues = 1 << 15;

/// Mean of a row and 1 / sqrt(variance + kNormEpsilon), in double.
struct RowMoments {
  double mean = 0;
  double inverse_sd = 0;
};

RowMoments row_moments(const float* row, std::int64_t n_units) {
  const auto n = static_cast<double>(n_units);
  double sum = 0;
  for (std::int64_t u = 0; u < n_units; ++u) sum += static_cast<double>(row[u]);
  RowMoments moments;
  moments.mean = sum / n;
  double squares = 0;
  for (std::int64_t u = 0; u < n_units; ++u) {
    const double distance = static_cast<double>(row[u]) - moments.mean;
    squares += distance * distance;
  }
  moments.inverse_sd = 1.0 / std::sqrt(squares / n + kNormEpsilon);
  return moments;
}

class CpuBackend final : public Backend {
 public:
  explicit CpuBackend(const Context& context) : context_(context) {}

  std::string name() const override { return "cpu"; }
  std::string hardware() const override { return simd_target(); }

  std::unique_ptr<Buffer> allocate(std::int64_t size) override {
    return std::make_unique<CpuBuffer>(size);
  }
  void upload(std::span<const float> source, Buffer& target) override {
    SAITHE_ASSERT(static_cast<std::int64_t>(source.size()) <= target.size());
    std::copy(source.begin(), source.end(), data_of(target));
  }
  void download(const Buffer& source, std::span<float> target) override {
    SAITHE_ASSERT(static_cast<std::int64_t>(target.size()) <= source.size());
    std::copy_n(data_of(source), target.size(), target.begin());
  }

  std::unique_ptr<SparseInputLayer> make_sparse_input(std::int64_t n_genes,
                                                      std::int64_t n_units) override {
    return std::make_unique<CpuSparseInputLayer>(n_genes, n_units, context_);
  }

  std::unique_ptr<LogisticLoss> make_logistic_loss(const LogisticProblem& problem,
                                                   const Context& context) override {
    return cpu::make_logistic_loss(problem, context);
  }

  void linear_forward(std::int64_t n_rows, const Buffer& x, std::int64_t n_in, const Buffer& w,
                      const Buffer& b, std::int64_t n_out, Buffer& y,
                      std::optional<Dropout> relu) override {
    SAITHE_ASSERT(x.size() >= n_rows * n_in && w.size() >= n_out * n_in);
    SAITHE_ASSERT(b.size() >= n_out && y.size() >= n_rows * n_out);
    multiply_by_transposed(n_rows, n_in, n_out, data_of(x), data_of(w), data_of(y), context_);
    const float* bias = data_of(b);
    parallel_for(context_, n_rows, kChunkValues / std::max<std::int64_t>(n_out, 1) + 1,
                 [&](std::int64_t begin, std::int64_t end) {
                   for (std::int64_t r = begin; r < end; ++r) {
                     float* row = data_of(y) + r * n_out;
                     for (std::int64_t o = 0; o < n_out; ++o) row[o] += bias[o];
                   }
                 });
    if (relu) relu_dropout_forward(n_rows, n_out, *relu, y);
  }

  void linear_backward(std::int64_t n_rows, const Buffer& x, std::int64_t n_in, const Buffer& w,
                       const Buffer& dy, std::int64_t n_out, Buffer& dw, Buffer& db, Buffer* dx,
                       std::optional<double> relu_rate) override {
    SAITHE_ASSERT(x.size() >= n_rows * n_in && dy.size() >= n_rows * n_out);
    SAITHE_ASSERT(dw.size() >= n_out * n_in && db.size() >= n_out);
    multiply_transposed(n_rows, n_in, n_out, data_of(dy), data_of(x), data_of(dw), context_);
    float* bias_gradient = data_of(db);
    std::fill_n(bias_gradient, n_out, 0.0F);
    for (std::int64_t r = 0; r < n_rows; ++r) {
      const float* row = data_of(dy) + r * n_out;
      for (std::int64_t o = 0; o < n_out; ++o) bias_gradient[o] += row[o];
    }
    if (dx == nullptr) return;
    SAITHE_ASSERT(dx->size() >= n_rows * n_in);
    multiply(n_rows, n_in, n_out, data_of(dy), data_of(w), data_of(*dx), context_);
    if (relu_rate) relu_dropout_backward(n_rows, n_in, *relu_rate, x, *dx);
  }

  void relu_dropout_forward(std::int64_t n_rows, std::int64_t n_units, const Dropout& dropout,
                            Buffer& y) override {
    SAITHE_ASSERT(y.size() >= n_rows * n_units);
    const Random random(dropout.seed, dropout.stream);
    const auto rate = static_cast<float>(dropout.rate);
    const float scale = 1.0F / (1.0F - rate);
    parallel_for(context_, n_rows, kChunkRows, [&](std::int64_t begin, std::int64_t end) {
      float* values = data_of(y);
      for (std::int64_t i = begin * n_units; i < end * n_units; ++i) {
        values[i] = std::max(values[i], 0.0F);
      }
      if (dropout.rate <= 0) return;
      for (std::int64_t i = begin * n_units; i < end * n_units; ++i) {
        const bool is_kept = random.uniform_float(static_cast<std::uint64_t>(i)) >= rate;
        values[i] = is_kept ? values[i] * scale : 0.0F;
      }
    });
  }

  void relu_dropout_backward(std::int64_t n_rows, std::int64_t n_units, double rate,
                             const Buffer& y, Buffer& dy) override {
    SAITHE_ASSERT(y.size() >= n_rows * n_units && dy.size() >= n_rows * n_units);
    const float scale = 1.0F / (1.0F - static_cast<float>(rate));
    parallel_for(context_, n_rows, kChunkRows, [&](std::int64_t begin, std::int64_t end) {
      const float* outputs = data_of(y);
      float* gradient = data_of(dy);
      for (std::int64_t i = begin * n_units; i < end * n_units; ++i) {
        gradient[i] = outputs[i] > 0.0F ? gradient[i] * scale : 0.0F;
      }
    });
  }

  void layer_norm_forward(std::int64_t n_rows, std::int64_t n_units, const Buffer& gain,
                          const Buffer& bias, Buffer& y, Buffer& normalized,
                          Buffer& inverse_sd) override {
    SAITHE_ASSERT(y.size() >= n_rows * n_units && normalized.size() >= n_rows * n_units);
    SAITHE_ASSERT(gain.size() >= n_units && bias.size() >= n_units && inverse_sd.size() >= n_rows);
    const float* g = data_of(gain);
    const float* b = data_of(bias);
    parallel_for(context_, n_rows, kChunkRows, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t r = begin; r < end; ++r) {
        float* row = data_of(y) + r * n_units;
        float* unit_row = data_of(normalized) + r * n_units;
        const RowMoments moments = row_moments(row, n_units);
        data_of(inverse_sd)[r] = static_cast<float>(moments.inverse_sd);
        for (std::int64_t u = 0; u < n_units; ++u) {
          unit_row[u] =
              static_cast<float>((static_cast<double>(row[u]) - moments.mean) * moments.inverse_sd);
          row[u] = g[u] * unit_row[u] + b[u];
        }
      }
    });
  }

  void layer_norm_backward(std::int64_t n_rows, std::int64_t n_units, const Buffer& gain,
                           const Buffer& normalized, const Buffer& inverse_sd, Buffer& dy,
                           Buffer& dgain, Buffer& dbias) override {
    SAITHE_ASSERT(dy.size() >= n_rows * n_units && normalized.size() >= n_rows * n_units);
    SAITHE_ASSERT(dgain.size() >= n_units && dbias.size() >= n_units);
    const float* g = data_of(gain);
    std::fill_n(data_of(dgain), n_units, 0.0F);
    std::fill_n(data_of(dbias), n_units, 0.0F);
    for (std::int64_t r = 0; r < n_rows; ++r) {
      const float* row = data_of(dy) + r * n_units;
      const float* unit_row = data_of(normalized) + r * n_units;
      for (std::int64_t u = 0; u < n_units; ++u) {
        data_of(dgain)[u] += row[u] * unit_row[u];
        data_of(dbias)[u] += row[u];
      }
    }
    parallel_for(context_, n_rows, kChunkRows, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t r = begin; r < end; ++r) {
        float* row = data_of(dy) + r * n_units;
        const float* unit_row = data_of(normalized) + r * n_units;
        double sum = 0;
        double product = 0;
        for (std::int64_t u = 0; u < n_units; ++u) {
          const auto by_unit = static_cast<double>(g[u] * row[u]);
          sum += by_unit;
          product += by_unit * static_cast<double>(unit_row[u]);
        }
        const auto n = static_cast<double>(n_units);
        const auto mean = static_cast<float>(sum / n);
        const auto slope = static_cast<float>(product / n);
        const float scale = data_of(inverse_sd)[r];
        for (std::int64_t u = 0; u < n_units; ++u) {
          row[u] = scale * (g[u] * row[u] - mean - unit_row[u] * slope);
        }
      }
    });
  }

  void softmax(std::int64_t n_rows, std::int64_t n_types, const Buffer& logits,
               Buffer& probabilities) override {
    SAITHE_ASSERT(logits.size() >= n_rows * n_types && probabilities.size() >= n_rows * n_types);
    std::vector<double> row(as_size(n_types));
    for (std::int64_t r = 0; r < n_rows; ++r) {
      std::copy_n(data_of(logits) + r * n_types, n_types, row.begin());
      softmax_of(row, row);
      std::transform(row.begin(), row.end(), data_of(probabilities) + r * n_types,
                     [](double value) { return static_cast<float>(value); });
    }
  }

  void softmax_cross_entropy(std::int64_t n_rows, std::int64_t n_types, Loss loss,
                             const Buffer& logits, std::span<const LabelIndex> labels,
                             std::span<const float> weights, Buffer* dlogits) override {
    SAITHE_ASSERT(logits.size() >= n_rows * n_types && labels.size() == as_size(n_rows));
    SAITHE_ASSERT(weights.empty() || weights.size() == labels.size());
    LossResult result;
    std::vector<double> row(as_size(n_types));
    std::vector<double> probabilities(row.size());
    std::vector<double> gradient(row.size());
    for (std::int64_t r = 0; r < n_rows; ++r) {
      const double weight = weights.empty() ? 1.0 : static_cast<double>(weights[as_size(r)]);
      const double scale = weight / static_cast<double>(n_rows);
      const LabelIndex label = labels[as_size(r)];
      SAITHE_ASSERT(label >= 0 && label < n_types);
      std::copy_n(data_of(logits) + r * n_types, n_types, row.begin());
      result.mean_loss += cell_loss(loss, row, as_size(label), probabilities, gradient) * scale;
      if (std::max_element(row.begin(), row.end()) - row.begin() == label) ++result.n_correct;
      if (dlogits == nullptr) continue;
      std::transform(gradient.begin(), gradient.end(), data_of(*dlogits) + r * n_types,
                     [&](double value) { return static_cast<float>(value * scale); });
    }
    losses_.push_back(result);
  }

  std::vector<LossResult> take_losses() override { return std::exchange(losses_, {}); }

  void adam_step(std::span<const AdamParameter> parameters) override {
    for (const AdamParameter& p : parameters) {
      SAITHE_ASSERT(p.gradient->size() == p.parameter->size());
      const AdamConstants constants = adam_constants(p.adam);
      parallel_for(
          context_, p.parameter->size(), kChunkValues, [&](std::int64_t i, std::int64_t end) {
            adam_update(constants, end - i, data_of(*p.gradient) + i, data_of(*p.parameter) + i,
                        data_of(*p.first_moment) + i, data_of(*p.second_moment) + i);
          });
    }
  }

 private:
  Context context_;
  std::vector<LossResult> losses_;
};

}  // namespace

std::unique_ptr<Backend> make_cpu_backend(const Context& context) {
  return std::make_unique<CpuBackend>(context);
}

}  // namespace saithe::kernels::cpu
