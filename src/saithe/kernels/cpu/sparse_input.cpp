#include "saithe/kernels/cpu/sparse_input.h"

#include <algorithm>
#include <numeric>

#include "saithe/core/parallel.h"
#include "saithe/kernels/cpu/cpu_backend.h"
#include "saithe/kernels/cpu/simd.h"

namespace saithe::kernels::cpu {
namespace {

// Cells that prediction passes over a block at once: the tile of their sums stays in the L2 cache.
constexpr std::int64_t kForwardRows = 256;

/// A minibatch by genes.
class CpuSparseMinibatch final : public SparseMinibatch {
 public:
  CpuSparseMinibatch(const CsrView& features, std::span<const CellIndex> rows)
      : n_rows_(static_cast<std::int64_t>(rows.size())), start_(as_size(features.n_cols) + 1) {
    std::size_t n_stored = 0;
    for (const CellIndex r : rows) {
      for (const GeneIndex gene : features.row_columns(r)) ++start_[as_size(gene) + 1];
      n_stored += features.row_size(r);
    }
    checked_cast<std::int32_t>(n_stored, "stored values of a minibatch");
    std::partial_sum(start_.begin(), start_.end(), start_.begin());
    entries_.resize(n_stored);
    std::vector<std::int32_t> write(start_.begin(), start_.end() - 1);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const auto genes = features.row_columns(rows[i]);
      const auto values = features.row_values(rows[i]);
      for (std::size_t k = 0; k < genes.size(); ++k) {
        entries_[as_size(write[as_size(genes[k])]++)] = {static_cast<std::int32_t>(i), values[k]};
      }
    }
  }
  [[nodiscard]] std::int64_t n_rows() const { return n_rows_; }
  [[nodiscard]] GeneMajor view() const {
    return {static_cast<std::int64_t>(start_.size()) - 1, start_.data(), entries_.data()};
  }

 private:
  std::int64_t n_rows_;
  std::vector<std::int32_t> start_;
  std::vector<SparseEntry> entries_;
};

const CpuSparseMinibatch& as_cpu(const SparseMinibatch& minibatch) {
  return static_cast<const CpuSparseMinibatch&>(minibatch);
}

}  // namespace

struct CpuSparseInputLayer::Block {
  std::int64_t first_unit = 0;
  std::int64_t n_units = 0;  // real units
  std::int64_t width = 0;    // with padding, whose weights are and stay zero
  AlignedVector<float> weights;
  AlignedVector<float> first_moment;
  AlignedVector<float> second_moment;
  AlignedVector<float> snapshot;

  /// The columns of this block of a (rows, units) matrix, padded with zeros.
  [[nodiscard]] AlignedVector<float> gather(const float* matrix, std::int64_t n_rows,
                                            std::int64_t stride) const {
    AlignedVector<float> tile(as_size(n_rows * width));
    for (std::int64_t r = 0; r < n_rows; ++r) {
      std::copy_n(matrix + r * stride + first_unit, n_units, tile.data() + r * width);
    }
    return tile;
  }
  /// Writes an array of this block, (rows, width), into its columns of a (rows, units) matrix;
  /// zeros if the array was never made.
  void scatter(const AlignedVector<float>& array, std::int64_t n_rows, std::int64_t stride,
               float* matrix) const {
    for (std::int64_t r = 0; r < n_rows; ++r) {
      float* target = matrix + r * stride + first_unit;
      if (array.empty()) {
        std::fill_n(target, n_units, 0.0F);
      } else {
        std::copy_n(array.data() + r * width, n_units, target);
      }
    }
  }
  /// Sums of the tile's columns, rows in order.
  [[nodiscard]] AlignedVector<float> column_sums(const AlignedVector<float>& tile) const {
    AlignedVector<float> sums(as_size(width));
    for (std::size_t i = 0; i < tile.size(); ++i) sums[i % as_size(width)] += tile[i];
    return sums;
  }
};

CpuSparseInputLayer::CpuSparseInputLayer(std::int64_t n_genes, std::int64_t n_units,
                                         const Context& context)
    : context_(context),
      n_genes_(n_genes),
      n_units_(n_units),
      shift_(as_size(n_genes)),
      bias_(as_size(n_units)),
      bias_first_moment_(as_size(n_units)),
      bias_second_moment_(as_size(n_units)),
      base_(as_size(n_units)) {
  for (std::int64_t unit = 0; unit < n_units; unit += kBlockUnits) {
    Block block;
    block.first_unit = unit;
    block.n_units = std::min(kBlockUnits, n_units - unit);
    block.width = (block.n_units + kUnitPadding - 1) / kUnitPadding * kUnitPadding;
    block.weights.resize(
        as_size(checked_multiply(n_genes, block.width, "weights of the first layer")));
    blocks_.push_back(std::move(block));
  }
}

CpuSparseInputLayer::~CpuSparseInputLayer() = default;

void CpuSparseInputLayer::set_parameters(std::span<const float> weights,
                                         std::span<const float> bias,
                                         std::span<const float> shift) {
  SAITHE_ASSERT(weights.size() == as_size(n_genes_ * n_units_));
  SAITHE_ASSERT(bias.size() == as_size(n_units_) && shift.size() == as_size(n_genes_));
  std::copy(bias.begin(), bias.end(), bias_.begin());
  std::copy(shift.begin(), shift.end(), shift_.begin());
  std::fill(bias_first_moment_.begin(), bias_first_moment_.end(), 0.0F);
  std::fill(bias_second_moment_.begin(), bias_second_moment_.end(), 0.0F);
  parallel_for(context_, static_cast<std::int64_t>(blocks_.size()), 1,
               [&](std::int64_t b, std::int64_t) {
                 Block& block = blocks_[as_size(b)];
                 block.weights = block.gather(weights.data(), n_genes_, n_units_);
                 block.first_moment.clear();  // allocated by the first step: prediction has none
                 block.second_moment.clear();
               });
  refresh_base();
}

void CpuSparseInputLayer::get_parameters(std::span<float> weights, std::span<float> bias) const {
  SAITHE_ASSERT(weights.size() == as_size(n_genes_ * n_units_) && bias.size() == as_size(n_units_));
  std::copy(bias_.begin(), bias_.end(), bias.begin());
  parallel_for(context_, static_cast<std::int64_t>(blocks_.size()), 1,
               [&](std::int64_t b, std::int64_t) {
                 const Block& block = blocks_[as_size(b)];
                 block.scatter(block.weights, n_genes_, n_units_, weights.data());
               });
}

void CpuSparseInputLayer::get_moments(std::span<float> first_weights,
                                      std::span<float> second_weights, std::span<float> first_bias,
                                      std::span<float> second_bias) const {
  const auto n_weights = as_size(n_genes_ * n_units_);
  SAITHE_ASSERT(first_weights.size() == n_weights && second_weights.size() == n_weights);
  SAITHE_ASSERT(first_bias.size() == as_size(n_units_) && second_bias.size() == first_bias.size());
  std::copy(bias_first_moment_.begin(), bias_first_moment_.end(), first_bias.begin());
  std::copy(bias_second_moment_.begin(), bias_second_moment_.end(), second_bias.begin());
  for (const Block& block : blocks_) {
    block.scatter(block.first_moment, n_genes_, n_units_, first_weights.data());
    block.scatter(block.second_moment, n_genes_, n_units_, second_weights.data());
  }
}

void CpuSparseInputLayer::set_moments(std::span<const float> first_weights,
                                      std::span<const float> second_weights,
                                      std::span<const float> first_bias,
                                      std::span<const float> second_bias) {
  const auto n_weights = as_size(n_genes_ * n_units_);
  SAITHE_ASSERT(first_weights.size() == n_weights && second_weights.size() == n_weights);
  SAITHE_ASSERT(first_bias.size() == as_size(n_units_) && second_bias.size() == first_bias.size());
  std::copy(first_bias.begin(), first_bias.end(), bias_first_moment_.begin());
  std::copy(second_bias.begin(), second_bias.end(), bias_second_moment_.begin());
  for (Block& block : blocks_) {
    block.first_moment = block.gather(first_weights.data(), n_genes_, n_units_);
    block.second_moment = block.gather(second_weights.data(), n_genes_, n_units_);
  }
}

void CpuSparseInputLayer::refresh_base() {
  parallel_for(
      context_, static_cast<std::int64_t>(blocks_.size()), 1, [&](std::int64_t b, std::int64_t) {
        const Block& block = blocks_[as_size(b)];
        AlignedVector<double> sums(as_size(block.width));
        shift_dot_weights(n_genes_, block.width, shift_.data(), block.weights.data(), sums.data());
        set_base(block, sums.data());
      });
}

void CpuSparseInputLayer::set_base(const Block& block, const double* shift_dot_weights) {
  for (std::int64_t u = 0; u < block.n_units; ++u) {
    const auto unit = as_size(block.first_unit + u);
    base_[unit] = static_cast<float>(static_cast<double>(bias_[unit]) - shift_dot_weights[u]);
  }
}

void CpuSparseInputLayer::save_snapshot() {
  bias_snapshot_ = bias_;
  parallel_for(context_, static_cast<std::int64_t>(blocks_.size()), 1,
               [&](std::int64_t b, std::int64_t) {
                 Block& block = blocks_[as_size(b)];
                 block.snapshot = block.weights;
               });
}

void CpuSparseInputLayer::restore_snapshot() {
  SAITHE_ASSERT(bias_snapshot_.size() == bias_.size());
  bias_ = bias_snapshot_;
  for (Block& block : blocks_) block.weights = block.snapshot;
  refresh_base();
}

void CpuSparseInputLayer::end_training() {
  std::fill(bias_first_moment_.begin(), bias_first_moment_.end(), 0.0F);
  std::fill(bias_second_moment_.begin(), bias_second_moment_.end(), 0.0F);
  for (Block& block : blocks_) {
    for (auto* array : {&block.first_moment, &block.second_moment, &block.snapshot}) {
      AlignedVector<float>().swap(*array);
    }
  }
}

std::unique_ptr<SparseMinibatch> CpuSparseInputLayer::prepare(
    const SparseRows& features, std::span<const CellIndex> rows) const {
  SAITHE_ASSERT(features.host().n_cols == n_genes_);
  return std::make_unique<CpuSparseMinibatch>(features.host(), rows);
}

void CpuSparseInputLayer::write_tile(const Block& block, const float* tile, std::int64_t n_rows,
                                     float* out) const {
  for (std::int64_t r = 0; r < n_rows; ++r) {
    float* row = out + r * n_units_ + block.first_unit;
    const float* sums = tile + r * block.width;
    const float* base = base_.data() + block.first_unit;
    for (std::int64_t u = 0; u < block.n_units; ++u) row[u] = sums[u] + base[u];
  }
}

void CpuSparseInputLayer::forward(const SparseMinibatch& x, Buffer& out) const {
  const auto& minibatch = as_cpu(x);
  SAITHE_ASSERT(out.size() >= minibatch.n_rows() * n_units_);
  parallel_for(
      context_, static_cast<std::int64_t>(blocks_.size()), 1, [&](std::int64_t b, std::int64_t) {
        const Block& block = blocks_[as_size(b)];
        AlignedVector<float> tile(as_size(minibatch.n_rows() * block.width));
        sparse_forward_block(minibatch.view(), block.weights.data(), block.width, tile.data());
        write_tile(block, tile.data(), minibatch.n_rows(), data_of(out));
      });
}

void CpuSparseInputLayer::forward_rows(const CsrView& features, CellIndex begin, CellIndex end,
                                       Buffer& out) const {
  SAITHE_ASSERT(features.n_cols == n_genes_ && out.size() >= (end - begin) * n_units_);
  parallel_for(context_, end - begin, kForwardRows, [&](std::int64_t first, std::int64_t last) {
    std::vector<CellIndex> rows(as_size(last - first));
    std::iota(rows.begin(), rows.end(), begin + first);
    const CpuSparseMinibatch minibatch(features, rows);
    AlignedVector<float> tile;
    for (const Block& block : blocks_) {
      tile.assign(as_size(minibatch.n_rows() * block.width), 0.0F);
      sparse_forward_block(minibatch.view(), block.weights.data(), block.width, tile.data());
      write_tile(block, tile.data(), minibatch.n_rows(), data_of(out) + first * n_units_);
    }
  });
}

void CpuSparseInputLayer::step(const SparseMinibatch& x, const Buffer& dy, const AdamStep& adam,
                               const SparseMinibatch* next, Buffer* next_out) {
  const auto& minibatch = as_cpu(x);
  const CpuSparseMinibatch* following = next == nullptr ? nullptr : &as_cpu(*next);
  const GeneMajor next_view = following == nullptr ? GeneMajor{} : following->view();
  const std::int64_t n_next = following == nullptr ? 0 : following->n_rows();
  SAITHE_ASSERT(dy.size() >= minibatch.n_rows() * n_units_);
  SAITHE_ASSERT(following == nullptr || next_out->size() >= n_next * n_units_);
  const AdamConstants constants = adam_constants(adam);
  const AdamConstants bias_constants = adam_constants(vector_step(adam));
  parallel_for(
      context_, static_cast<std::int64_t>(blocks_.size()), 1, [&](std::int64_t b, std::int64_t) {
        Block& block = blocks_[as_size(b)];
        block.first_moment.resize(block.weights.size());
        block.second_moment.resize(block.weights.size());
        const AlignedVector<float> dy_tile =
            block.gather(data_of(dy), minibatch.n_rows(), n_units_);
        const AlignedVector<float> dy_sum = block.column_sums(dy_tile);
        AlignedVector<float> next_tile(as_size(n_next * block.width));
        AlignedVector<double> sums(as_size(block.width));
        SparseStepBlock s;
        s.x = minibatch.view();
        s.next = following == nullptr ? nullptr : &next_view;
        s.shift = shift_.data();
        s.dy_tile = dy_tile.data();
        s.dy_sum = dy_sum.data();
        s.weights = block.weights.data();
        s.first_moment = block.first_moment.data();
        s.second_moment = block.second_moment.data();
        s.next_tile = next_tile.data();
        s.shift_dot_weights = sums.data();
        s.width = block.width;
        s.adam = constants;
        sparse_step_block(s);
        adam_update(bias_constants, block.n_units, dy_sum.data(), bias_.data() + block.first_unit,
                    bias_first_moment_.data() + block.first_unit,
                    bias_second_moment_.data() + block.first_unit);
        set_base(block, sums.data());
        if (following != nullptr) write_tile(block, next_tile.data(), n_next, data_of(*next_out));
      });
}

void CpuSparseInputLayer::gradient(const SparseMinibatch& x, const Buffer& dy, std::span<float> dw,
                                   std::span<float> db) const {
  const auto& minibatch = as_cpu(x);
  const GeneMajor genes = minibatch.view();
  for (const Block& block : blocks_) {
    const AlignedVector<float> dy_tile = block.gather(data_of(dy), minibatch.n_rows(), n_units_);
    const AlignedVector<float> dy_sum = block.column_sums(dy_tile);
    std::copy_n(dy_sum.begin(), block.n_units, db.begin() + block.first_unit);
    for (std::int64_t gene = 0; gene < n_genes_; ++gene) {
      float* row = dw.data() + gene * n_units_ + block.first_unit;
      for (std::int64_t u = 0; u < block.n_units; ++u) {
        row[u] = -shift_[as_size(gene)] * dy_sum[as_size(u)];
      }
      for (std::int32_t e = genes.start[gene]; e < genes.start[gene + 1]; ++e) {
        const float* dy_row = dy_tile.data() + genes.entries[e].row * block.width;
        for (std::int64_t u = 0; u < block.n_units; ++u) {
          row[u] += genes.entries[e].value * dy_row[u];
        }
      }
    }
  }
}

}  // namespace saithe::kernels::cpu
