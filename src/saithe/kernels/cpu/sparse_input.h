#pragma once

// The first layer on the CPU (docs/methods.md): weights and both moments in blocks of 64 units,
// (block, gene, unit in block), so that a block stays in cache while a minibatch passes over it.
// Threads own blocks: no atomics, no sums across threads.

#include <memory>

#include "saithe/core/aligned_vector.h"
#include "saithe/core/context.h"
#include "saithe/kernels/backend.h"

namespace saithe::kernels::cpu {

class CpuSparseInputLayer final : public SparseInputLayer {
 public:
  CpuSparseInputLayer(std::int64_t n_genes, std::int64_t n_units, const Context& context);
  ~CpuSparseInputLayer() override;

  void set_parameters(std::span<const float> weights, std::span<const float> bias,
                      std::span<const float> shift) override;
  void get_parameters(std::span<float> weights, std::span<float> bias) const override;
  void get_moments(std::span<float> first_weights, std::span<float> second_weights,
                   std::span<float> first_bias, std::span<float> second_bias) const override;
  void set_moments(std::span<const float> first_weights, std::span<const float> second_weights,
                   std::span<const float> first_bias, std::span<const float> second_bias) override;
  std::unique_ptr<SparseMinibatch> prepare(const SparseRows& features,
                                           std::span<const CellIndex> rows) const override;
  void forward(const SparseMinibatch& x, Buffer& out) const override;
  void forward_rows(const CsrView& features, CellIndex begin, CellIndex end,
                    Buffer& out) const override;
  void step(const SparseMinibatch& x, const Buffer& dy, const AdamStep& adam,
            const SparseMinibatch* next, Buffer* next_out) override;
  void save_snapshot() override;
  void restore_snapshot() override;
  void end_training() override;
  void gradient(const SparseMinibatch& x, const Buffer& dy, std::span<float> dw,
                std::span<float> db) const override;

 private:
  struct Block;
  void write_tile(const Block& block, const float* tile, std::int64_t n_rows, float* out) const;
  void refresh_base();
  void set_base(const Block& block, const double* shift_dot_weights);

  Context context_;
  std::int64_t n_genes_;
  std::int64_t n_units_;
  std::vector<Block> blocks_;
  AlignedVector<float> shift_;
  AlignedVector<float> bias_;
  AlignedVector<float> bias_first_moment_;
  AlignedVector<float> bias_second_moment_;
  AlignedVector<float> bias_snapshot_;
  std::vector<float> base_;  // per unit: bias less what centring subtracts from every cell
};

}  // namespace saithe::kernels::cpu
