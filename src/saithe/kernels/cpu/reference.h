#pragma once

// Every operation as a plain loop in double precision: the readable version that each backend is
// tested against. Slow on purpose.

#include <cstdint>
#include <span>
#include <vector>

#include "saithe/kernels/backend.h"

namespace saithe::kernels::reference {

/// y (B, O) = b + x (B, I) w (O, I)^T.
std::vector<double> linear_forward(std::int64_t n_rows, std::span<const double> x,
                                   std::int64_t n_in, std::span<const double> w,
                                   std::span<const double> b, std::int64_t n_out);

/// dw, db and dx of linear_forward.
struct LinearGradient {
  std::vector<double> dw;
  std::vector<double> db;
  std::vector<double> dx;
};
LinearGradient linear_backward(std::int64_t n_rows, std::span<const double> x, std::int64_t n_in,
                               std::span<const double> w, std::span<const double> dy,
                               std::int64_t n_out);

/// max(y, 0) and dropout as kernels::Dropout states it.
std::vector<double> relu_dropout_forward(std::int64_t n_rows, std::int64_t n_units,
                                         const Dropout& dropout, std::span<const double> y);
std::vector<double> relu_dropout_backward(double rate, std::span<const double> y,
                                          std::span<const double> dy);

/// Layer normalisation of the rows of y.
std::vector<double> layer_norm_forward(std::int64_t n_rows, std::span<const double> gain,
                                       std::span<const double> bias, std::span<const double> y);

/// Its way back from dy: by the input, the gain and the bias.
struct NormGradient {
  std::vector<double> dy;
  std::vector<double> dgain;
  std::vector<double> dbias;
};
NormGradient layer_norm_backward(std::int64_t n_rows, std::span<const double> gain,
                                 std::span<const double> y, std::span<const double> dy);

/// Row-wise softmax.
std::vector<double> softmax(std::int64_t n_rows, std::int64_t n_types,
                            std::span<const double> logits);

/// Mean of weight x loss over the rows; `weights` may be empty, `dlogits` null.
double softmax_cross_entropy(std::int64_t n_rows, std::int64_t n_types, Loss loss,
                             std::span<const double> logits, std::span<const LabelIndex> labels,
                             std::span<const double> weights, std::vector<double>* dlogits);

/// One Adam step in place.
void adam_step(const AdamStep& adam, std::span<const double> gradient, std::span<double> parameter,
               std::span<double> first_moment, std::span<double> second_moment);

/// Rows of (x - shift), dense: (rows, G).
std::vector<double> centred_rows(const CsrView& features, std::span<const CellIndex> rows,
                                 std::span<const float> shift);

}  // namespace saithe::kernels::reference
