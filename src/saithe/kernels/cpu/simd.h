#pragma once

// The inner loops, written once in Highway and dispatched to the processor at run time.
//
// Plain declarations: no SIMD type leaves simd.cpp. SAITHE_SIMD=AVX2 (or another name of
// simd_targets()) in the environment forces a target; the kernels' tests run all of them.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace saithe::kernels::cpu {

/// A stored value of a minibatch in gene-major order: the row of its cell, and the value.
struct SparseEntry {
  std::int32_t row = 0;
  float value = 0;
};

/// A minibatch in gene-major order: the entries of gene g are [start[g], start[g + 1]).
struct GeneMajor {
  std::int64_t n_genes = 0;
  const std::int32_t* start = nullptr;
  const SparseEntry* entries = nullptr;
};

/// Width of a full block of hidden units; a block's weights (gene, unit) are contiguous.
inline constexpr std::int64_t kBlockUnits = 64;
/// Blocks are padded to a multiple of this many units.
inline constexpr std::int64_t kUnitPadding = 16;

/// Constants of one Adam step, ready for the inner loop.
struct AdamConstants {
  float beta1 = 0;
  float one_minus_beta1 = 0;
  float beta2 = 0;
  float one_minus_beta2 = 0;
  float step_size = 0;                 ///< learning rate / (1 - beta1^step)
  float inverse_root_correction2 = 0;  ///< 1 / sqrt(1 - beta2^step)
  float epsilon = 0;
  float keep = 1;  ///< 1 - learning rate * weight decay
};

/// out_tile (rows, width) += x W for one block; weights (n_genes, width).
void sparse_forward_block(const GeneMajor& x, const float* weights, std::int64_t width,
                          float* out_tile);

/// One block of the fused step (training_engine in docs/methods.md): gradient, Adam, the sum of
/// shift * updated weight, and the forward product with the next minibatch.
struct SparseStepBlock {
  GeneMajor x;
  const GeneMajor* next = nullptr;  ///< null at the end of an epoch
  const float* shift = nullptr;     ///< (n_genes)
  const float* dy_tile = nullptr;   ///< (rows of x, width)
  const float* dy_sum = nullptr;    ///< (width) column sums of dy_tile
  float* weights = nullptr;         ///< (n_genes, width), likewise the moments
  float* first_moment = nullptr;
  float* second_moment = nullptr;
  float* next_tile = nullptr;           ///< (rows of next, width), zero at the start
  double* shift_dot_weights = nullptr;  ///< (width), overwritten
  std::int64_t width = 0;
  AdamConstants adam;
};
void sparse_step_block(const SparseStepBlock& block);

/// sums (width) = sum over genes of shift * weight, overwritten.
void shift_dot_weights(std::int64_t n_genes, std::int64_t width, const float* shift,
                       const float* weights, double* sums);

/// Adam on n values.
void adam_update(const AdamConstants& adam, std::int64_t n, const float* gradient, float* parameter,
                 float* first_moment, float* second_moment);

/// Squared Euclidean distance of two points, summed in double precision in one order.
double squared_distance(std::span<const float> a, std::span<const float> b);

/// The targets that this processor and build have, best first, and the one in use.
std::vector<std::string> simd_targets();
std::string simd_target();
/// Obeys SAITHE_SIMD, once; every kernel calls it before it is dispatched.
void choose_simd_target();
/// Uses a target by name from now on. Throws Error(InvalidArgument) if it is not there.
void force_simd_target(const std::string& name);

}  // namespace saithe::kernels::cpu
