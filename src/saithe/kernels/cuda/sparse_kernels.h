#pragma once

// Kernels of the first layer but its step (docs/gpu.md). Every sum over genes is taken in chunks of
// kChunkGenes, and these are added in their order, so that a row has the same bits from each.

#include "saithe/kernels/cuda/dense_kernels.h"
#include "saithe/kernels/cuda/minibatch_kernels.h"

namespace saithe::kernels::cuda {

/// out (rows, n_units) = base + x W; a warp for kWarpItems rows of a tile.
struct SparseForward {
  static constexpr int kTiles = 8;  // of a block
  static constexpr int kThreads = kTiles * kWarp;
  struct Args {
    std::int64_t n_rows;
    DeviceRows rows;
    DeviceWeights layer;
    const float* weights;
    const float* base;
    float* out;
  };
  template <typename Thread>
  SAITHE_DEVICE static void run(const Args& a, Thread& thread) {
    const std::int64_t row = thread.block_x() * kWarpItems + thread.index() % kWarp / kItemLanes;
    const std::int64_t tile = thread.block_y() * kTiles + thread.index() / kWarp;
    if (row >= a.n_rows || tile * kTileUnits >= a.layer.n_units) return;
    const int first_unit = first_lane_unit(thread);
    const float* const weights = a.weights + a.layer.at(tile, 0, first_unit);
    const std::int64_t end = a.rows.end[row] - a.rows.origin;
    LaneUnits total{};
    LaneUnits sum{};
    std::int32_t chunk = 0;
    const auto add = [&](std::int32_t gene, float value, const LaneUnits& weight) {
      const bool is_next = gene / kChunkGenes != chunk;
      chunk = gene / kChunkGenes;
      SAITHE_UNROLL
      for (int u = 0; u < kLaneUnits; ++u) {
        if (is_next) {
          total.of[u] += sum.of[u];
          sum.of[u] = 0;
        }
        sum.of[u] = multiply_add(value, weight.of[u], sum.of[u]);
      }
    };
    const auto weight_of = [&](std::int32_t gene) {
      return *lane_units(weights + static_cast<std::int64_t>(gene) * kTileUnits);
    };
    std::int64_t i = a.rows.begin[row] - a.rows.origin;
    constexpr int kAtOnce = 4;  // on their way
    for (; i + kAtOnce <= end; i += kAtOnce) {
      std::int32_t genes[kAtOnce];
      float values[kAtOnce];
      LaneUnits at[kAtOnce];
      SAITHE_UNROLL
      for (int k = 0; k < kAtOnce; ++k) {
        genes[k] = a.rows.columns[i + k];
        values[k] = a.rows.values[i + k];
        at[k] = weight_of(genes[k]);
      }
      SAITHE_UNROLL
      for (int k = 0; k < kAtOnce; ++k) add(genes[k], values[k], at[k]);
    }
    for (; i < end; ++i) add(a.rows.columns[i], a.rows.values[i], weight_of(a.rows.columns[i]));
    SAITHE_UNROLL
    for (int u = 0; u < kLaneUnits; ++u) {
      const std::int64_t unit = tile * kTileUnits + first_unit + u;
      if (unit < a.layer.n_units) {
        a.out[row * a.layer.n_units + unit] = total.of[u] + sum.of[u] + a.base[unit];
      }
    }
  }
};

/// The sums of the columns of dy (n_rows, n_units), rows in their order as on the CPU, and Adam of
/// the bias by them; a block for each 32 units.
struct BiasStep {
  static constexpr int kRowsAtOnce = 128;
  static constexpr int kThreads = 256;
  static constexpr int kShared = kRowsAtOnce * kTileUnits;  // floats
  struct Args {
    std::int64_t n_rows;
    std::int64_t n_units;
    const float* dy;
    float* sums;
    AdamConstants adam;
    float* bias;  // null: the sums alone
    float* first_moment;
    float* second_moment;
  };
  template <typename Thread>
  SAITHE_DEVICE static void run(const Args& a, Thread& thread) {
    float* const rows = static_cast<float*>(thread.shared());
    const int lane = thread.index() % kTileUnits;
    const std::int64_t unit = thread.block_x() * kTileUnits + lane;
    const bool is_unit = unit < a.n_units;
    float sum = 0;
    for (std::int64_t first = 0; first < a.n_rows; first += kRowsAtOnce) {
      SAITHE_UNROLL
      for (int k = 0; k < kRowsAtOnce / (kThreads / kTileUnits); ++k) {
        const int row = thread.index() / kTileUnits + k * (kThreads / kTileUnits);
        const bool is_inside = is_unit && first + row < a.n_rows;
        rows[row * kTileUnits + lane] = is_inside ? a.dy[(first + row) * a.n_units + unit] : 0.0F;
      }
      thread.sync();
      if (thread.index() < kTileUnits) {
        SAITHE_UNROLL_16
        for (int row = 0; row < kRowsAtOnce; ++row) sum += rows[row * kTileUnits + lane];
      }
      thread.sync();
    }
    if (thread.index() >= kTileUnits || !is_unit) return;
    a.sums[unit] = sum;
    if (a.bias == nullptr) return;
    a.bias[unit] =
        adam_update(a.adam, sum, a.bias[unit], a.first_moment[unit], a.second_moment[unit]);
  }
};

/// base (n_units) = bias - the sum over genes of shift * weight, and out (n_rows, n_units) = base +
/// the sums that SparseStep left of the chunks of genes, in their order. Block (8 rows, tile).
struct FinishForward {
  static constexpr int kThreads = 256;
  static constexpr int kRows = kThreads / kTileUnits;  // of a block
  struct Args {
    std::int64_t n_rows;  // 0: the base alone
    std::int64_t n_units;
    std::int64_t n_chunks;
    std::int64_t n_tiles;
    const double* shift_sums;
    const float* bias;
    float* base;
    const float* next_sums;
    float* out;
  };
  template <typename Thread>
  SAITHE_DEVICE static void run(const Args& a, Thread& thread) {
    double* const shared = static_cast<double*>(thread.shared());  // (kThreads)
    const std::int64_t padded = a.n_tiles * kTileUnits;
    const int lane = thread.index() % kTileUnits;
    const int warp = thread.index() / kTileUnits;
    const std::int64_t unit = thread.block_y() * kTileUnits + lane;
    const std::int64_t row = thread.block_x() * kRows + warp;
    double shift_sum = 0;
    SAITHE_UNROLL_16
    for (std::int64_t k = warp; k < a.n_chunks; k += kRows) {
      shift_sum += a.shift_sums[k * padded + unit];
    }
    shared[thread.index()] = shift_sum;
    float sum = 0;
    SAITHE_UNROLL_16
    for (std::int64_t k = 0; k < (row < a.n_rows ? a.n_chunks : 0); ++k) {
      sum += a.next_sums[((k * a.n_tiles + thread.block_y()) * a.n_rows + row) * kTileUnits + lane];
    }
    thread.sync();
    if (unit >= a.n_units) return;
    shift_sum = 0;
    for (int other = 0; other < kRows; ++other) shift_sum += shared[other * kTileUnits + lane];
    const auto base = static_cast<float>(static_cast<double>(a.bias[unit]) - shift_sum);
    if (thread.block_x() == 0 && warp == 0) a.base[unit] = base;
    if (row < a.n_rows) a.out[row * a.n_units + unit] = sum + base;
  }
};

/// dw (n_genes, n_units), for tests: what SparseStep gives to Adam.
struct SparseGradient {
  struct Args {
    DeviceWeights layer;
    DeviceMinibatch x;
    const float* dy;
    const float* dy_sum;
    float* dw;
  };
  template <typename Thread>
  SAITHE_DEVICE static void run(const Args& a, Thread& thread) {
    const std::int64_t at = grid_index(thread);
    if (at >= a.layer.n_genes * a.layer.n_units) return;
    const std::int64_t gene = at / a.layer.n_units;
    const std::int64_t unit = at % a.layer.n_units;
    float gradient = -(a.layer.shift[gene] * a.dy_sum[unit]);
    for (std::int64_t group = 0; group < a.x.n_groups; ++group) {
      const std::int32_t* const starts =
          a.x.gene_starts_of(group, gene / kChunkGenes) + gene % kChunkGenes;
      for (std::int32_t i = starts[0]; i < starts[1]; ++i) {
        const MinibatchEntry entry = a.x.by_gene[i];
        const std::int64_t row = group * kGroupRows + entry.place / kBytesOfTileRow;
        gradient = multiply_add(entry.value, a.dy[row * a.layer.n_units + unit], gradient);
      }
    }
    a.dw[at] = gradient;
  }
};

/// Rows (n_genes, n_units) to tiles, with zeros for the units that pad the last tile, and back.
struct PackTiles {
  struct Args {
    DeviceWeights layer;
    std::int64_t n_tiles;
    bool unpacks;
    float* rows;
    float* tiles;
  };
  template <typename Thread>
  SAITHE_DEVICE static void run(const Args& a, Thread& thread) {
    const std::int64_t i = grid_index(thread);
    if (i >= a.n_tiles * a.layer.n_genes * kTileUnits) return;
    const std::int64_t gene = i / kTileUnits % a.layer.n_genes;
    const std::int64_t unit = i / kTileUnits / a.layer.n_genes * kTileUnits + i % kTileUnits;
    const bool is_unit = unit < a.layer.n_units;
    if (a.unpacks) {
      if (is_unit) a.rows[gene * a.layer.n_units + unit] = a.tiles[i];
    } else {
      a.tiles[i] = is_unit ? a.rows[gene * a.layer.n_units + unit] : 0.0F;
    }
  }
};

}  // namespace saithe::kernels::cuda
