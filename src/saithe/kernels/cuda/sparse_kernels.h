#pragma once

// Kernels of the first layer (docs/gpu.md). Weights and moments lie as (tile of 32 units, gene,
// unit in tile): a warp reads the weights of a gene and a tile as one line, and a pass over a chunk
// of genes is contiguous. Every sum over genes is taken in chunks of kChunkGenes, and these are
// added in their order, so that a row has the same bits from each of the kernels.

#include "saithe/kernels/cuda/dense_kernels.h"

namespace saithe::kernels::cuda {

inline constexpr int kTileUnits = 32;
inline constexpr int kChunkGenes = 256;
/// Of a block that passes over a chunk: a warp for every 32 genes.
inline constexpr int kChunkThreads = 256;
inline constexpr int kChunkWarps = kChunkThreads / kTileUnits;
inline constexpr int kWarpGenes = kChunkGenes / kChunkWarps;

/// Where the rows of a set of cells begin and end among stored values, on the device.
struct DeviceRows {
  const std::int64_t* begin;
  const std::int64_t* end;
  std::int64_t origin;  // what stands at index 0 of columns and values
  const std::int32_t* columns;
  const float* values;
};

/// The weights of the first layer, on the device.
struct DeviceWeights {
  std::int64_t n_genes;
  std::int64_t n_units;
  const float* shift;  // (n_genes)

  [[nodiscard]] SAITHE_DEVICE std::int64_t at(std::int64_t tile, std::int64_t gene,
                                              int lane) const {
    return (tile * n_genes + gene) * kTileUnits + lane;
  }
};

/// A minibatch as the gradient wants it. Row c expresses gene g where bit c of the gene's words is
/// set, with values[g * n_rows + c]; values that no bit tells of are undefined.
struct DeviceMinibatch {
  std::int64_t n_rows;
  std::int64_t n_words;  // 32-bit words of bits of each gene
  std::uint32_t* bits;
  float* values;
};

/// Turns rows into a DeviceMinibatch and finds where each row enters each chunk of genes; a block
/// for each row. The bits are zero before.
struct ScatterMinibatch {
  static constexpr int kThreads = 128;
  struct Args {
    DeviceRows rows;
    std::int64_t n_chunks;
    DeviceMinibatch out;
    std::int64_t* segments;  // (rows, n_chunks + 1): positions, less the origin
    std::int64_t* begin;     // copies of the rows' own
    std::int64_t* end;
  };
  template <typename Thread>
  SAITHE_DEVICE static void run(const Args& a, Thread& thread) {
    const std::int64_t row = thread.block_x();
    const std::int64_t begin = a.rows.begin[row] - a.rows.origin;
    const std::int64_t end = a.rows.end[row] - a.rows.origin;
    std::int64_t* const segments = a.segments + row * (a.n_chunks + 1);
    if (thread.index() == 0) {
      a.begin[row] = a.rows.begin[row];
      a.end[row] = a.rows.end[row];
    }
    for (std::int64_t i = begin + thread.index(); i < end; i += kThreads) {
      const std::int64_t gene = a.rows.columns[i];
      a.out.values[gene * a.out.n_rows + row] = a.rows.values[i];
      thread.atomic_or(a.out.bits + gene * a.out.n_words + row / 32,
                       std::uint32_t{1} << static_cast<unsigned>(row % 32));
      const std::int64_t before = i == begin ? -1 : a.rows.columns[i - 1] / kChunkGenes;
      for (std::int64_t k = before + 1; k <= gene / kChunkGenes; ++k) segments[k] = i;
      if (i + 1 == end) {
        for (std::int64_t k = gene / kChunkGenes + 1; k <= a.n_chunks; ++k) segments[k] = end;
      }
    }
    if (begin == end && thread.index() == 0) {
      for (std::int64_t k = 0; k <= a.n_chunks; ++k) segments[k] = end;
    }
  }
};

/// out (rows, n_units) = base + x W; a warp for each row and tile.
struct SparseForward {
  static constexpr int kTiles = 8;  // of a block
  static constexpr int kThreads = kTiles * kTileUnits;
  struct Args {
    DeviceRows rows;
    DeviceWeights layer;
    const float* weights;
    const float* base;
    float* out;
  };
  template <typename Thread>
  SAITHE_DEVICE static void run(const Args& a, Thread& thread) {
    const std::int64_t row = thread.block_x();
    const std::int64_t tile = thread.block_y() * kTiles + thread.index() / kTileUnits;
    const int lane = thread.index() % kTileUnits;
    const std::int64_t unit = tile * kTileUnits + lane;
    if (tile * kTileUnits >= a.layer.n_units) return;
    const std::int64_t end = a.rows.end[row] - a.rows.origin;
    const float* const weights = a.weights + a.layer.at(tile, 0, lane);
    float total = 0;
    float sum = 0;
    std::int32_t chunk = 0;
    for (std::int64_t i = a.rows.begin[row] - a.rows.origin; i < end; ++i) {
      const std::int32_t gene = a.rows.columns[i];
      if (gene / kChunkGenes != chunk) {
        total += sum;
        sum = 0;
        chunk = gene / kChunkGenes;
      }
      sum = multiply_add(a.rows.values[i], weights[static_cast<std::int64_t>(gene) * kTileUnits],
                         sum);
    }
    total += sum;
    if (unit < a.layer.n_units) a.out[row * a.layer.n_units + unit] = total + a.base[unit];
  }
};

/// The gradient of one weight: the rank-one term of the shift, then the rows that express the gene,
/// in their order, as on the CPU.
SAITHE_DEVICE inline float weight_gradient(const DeviceMinibatch& x, const float* dy,
                                           std::int64_t n_units, std::int64_t gene,
                                           std::int64_t unit, float shift, float dy_sum) {
  float gradient = -(shift * dy_sum);
  const std::uint32_t* const words = x.bits + gene * x.n_words;
  for (std::int64_t word = 0; word < x.n_words; ++word) {
    for (std::uint32_t bits = words[word]; bits != 0; bits &= bits - 1) {
      const std::int64_t row = word * 32 + lowest_bit(bits);
      gradient = multiply_add(x.values[gene * x.n_rows + row], dy[row * n_units + unit], gradient);
    }
  }
  return gradient;
}

/// Adds up what the warps of a block have of shift * weight, for SparseBase. All threads call it.
template <typename Thread>
SAITHE_DEVICE void store_shift_sum(Thread& thread, float* shared, float sum, double* out) {
  shared[thread.index()] = sum;
  thread.sync();
  if (thread.index() >= kTileUnits) return;
  double total = 0;
  for (int warp = 0; warp < kChunkWarps; ++warp) {
    total += static_cast<double>(shared[warp * kTileUnits + thread.index()]);
  }
  out[thread.index()] = total;
}

/// One pass over weights and moments: gradient, Adam, and the products of the updated weights with
/// the next minibatch and with the shift, each for one chunk of genes. Block (tile, chunk).
struct SparseStep {
  static constexpr int kShared = (kChunkGenes + kChunkWarps) * kTileUnits;  // floats
  struct Args {
    DeviceWeights layer;
    DeviceMinibatch x;
    const float* dy;      // (rows of x, n_units)
    const float* dy_sum;  // (n_units)
    AdamConstants adam;
    float* weights;
    float* first_moment;
    float* second_moment;
    double* shift_sums;  // (n_chunks, padded units)
    std::int64_t n_tiles;
    std::int64_t n_chunks;
    std::int64_t n_next;  // 0: there is no next minibatch
    DeviceRows next;
    const std::int64_t* next_segments;  // of ScatterMinibatch
    float* next_sums;                   // (n_chunks, n_next, padded units)
  };
  struct Weight {
    float value;
    float first_moment;
    float second_moment;
  };
  SAITHE_DEVICE static Weight load(const Args& a, std::int64_t tile, std::int64_t gene, int lane) {
    const std::int64_t at = a.layer.at(tile, gene, lane);
    return {a.weights[at], a.first_moment[at], a.second_moment[at]};
  }
  template <typename Thread>
  SAITHE_DEVICE static void run(const Args& a, Thread& thread) {
    float* const updated = static_cast<float*>(thread.shared());  // (kChunkGenes, kTileUnits)
    const std::int64_t tile = thread.block_x();
    const std::int64_t chunk = thread.block_y();
    const int warp = thread.index() / kTileUnits;
    const int lane = thread.index() % kTileUnits;
    const std::int64_t unit = tile * kTileUnits + lane;
    const bool is_unit = unit < a.layer.n_units;
    const float dy_sum = is_unit ? a.dy_sum[unit] : 0.0F;
    const std::int64_t first = chunk * kChunkGenes + warp * kWarpGenes;
    const std::int64_t end =
        first + kWarpGenes < a.layer.n_genes ? first + kWarpGenes : a.layer.n_genes;
    float shift_sum = 0;
    Weight ahead{};
    if (first < end) ahead = load(a, tile, first, lane);
    for (std::int64_t gene = first; gene < end; ++gene) {
      Weight own = ahead;
      if (gene + 1 < end) ahead = load(a, tile, gene + 1, lane);  // on its way meanwhile
      const float shift = a.layer.shift[gene];
      const float gradient =
          is_unit ? weight_gradient(a.x, a.dy, a.layer.n_units, gene, unit, shift, dy_sum) : 0.0F;
      own.value = adam_update(a.adam, gradient, own.value, own.first_moment, own.second_moment);
      const std::int64_t at = a.layer.at(tile, gene, lane);
      a.first_moment[at] = own.first_moment;
      a.second_moment[at] = own.second_moment;
      a.weights[at] = own.value;
      updated[(gene - chunk * kChunkGenes) * kTileUnits + lane] = own.value;
      shift_sum = multiply_add(shift, own.value, shift_sum);
    }
    const std::int64_t padded = a.n_tiles * kTileUnits;
    store_shift_sum(thread, updated + kChunkGenes * kTileUnits, shift_sum,
                    a.shift_sums + chunk * padded + tile * kTileUnits);
    for (std::int64_t row = warp; row < a.n_next; row += kChunkWarps) {
      const std::int64_t* const segment = a.next_segments + row * (a.n_chunks + 1) + chunk;
      float sum = 0;
      for (std::int64_t i = segment[0]; i < segment[1]; ++i) {
        const std::int64_t j = a.next.columns[i] - chunk * kChunkGenes;
        sum = multiply_add(a.next.values[i], updated[j * kTileUnits + lane], sum);
      }
      a.next_sums[(chunk * a.n_next + row) * padded + unit] = sum;
    }
  }
};

/// The sums of shift * weight that SparseStep leaves, in its order, without a step.
struct ShiftSums {
  static constexpr int kShared = kChunkThreads;  // floats
  struct Args {
    DeviceWeights layer;
    const float* weights;
    double* shift_sums;
    std::int64_t n_tiles;
  };
  template <typename Thread>
  SAITHE_DEVICE static void run(const Args& a, Thread& thread) {
    const std::int64_t tile = thread.block_x();
    const std::int64_t chunk = thread.block_y();
    const int warp = thread.index() / kTileUnits;
    const int lane = thread.index() % kTileUnits;
    float shift_sum = 0;
    for (int j = warp * kWarpGenes; j < (warp + 1) * kWarpGenes; ++j) {
      const std::int64_t gene = chunk * kChunkGenes + j;
      if (gene >= a.layer.n_genes) break;
      shift_sum =
          multiply_add(a.layer.shift[gene], a.weights[a.layer.at(tile, gene, lane)], shift_sum);
    }
    store_shift_sum(thread, static_cast<float*>(thread.shared()), shift_sum,
                    a.shift_sums + (chunk * a.n_tiles + tile) * kTileUnits);
  }
};

/// base (n_units) = bias - the sum over genes of shift * weight.
struct SparseBase {
  struct Args {
    std::int64_t n_units;
    std::int64_t n_chunks;
    std::int64_t n_tiles;
    const double* shift_sums;
    const float* bias;
    float* base;
  };
  template <typename Thread>
  SAITHE_DEVICE static void run(const Args& a, Thread& thread) {
    const std::int64_t unit = grid_index(thread);
    if (unit >= a.n_units) return;
    double sum = 0;
    for (std::int64_t k = 0; k < a.n_chunks; ++k) {
      sum += a.shift_sums[k * a.n_tiles * kTileUnits + unit];
    }
    a.base[unit] = static_cast<float>(static_cast<double>(a.bias[unit]) - sum);
  }
};

/// dw (n_genes, n_units), for tests.
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
    const std::int64_t i = grid_index(thread);
    if (i >= a.layer.n_genes * a.layer.n_units) return;
    const std::int64_t gene = i / a.layer.n_units;
    const std::int64_t unit = i % a.layer.n_units;
    a.dw[i] = weight_gradient(a.x, a.dy, a.layer.n_units, gene, unit, a.layer.shift[gene],
                              a.dy_sum[unit]);
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
