#pragma once

// The training step of the first layer (docs/gpu.md): one pass over its weights and moments.

#include "saithe/kernels/cuda/dense_kernels.h"
#include "saithe/kernels/cuda/minibatch_kernels.h"

namespace saithe::kernels::cuda {

/// Adds the products of the entries [begin, end), in their order, with what lies at their places
/// from `factors` on.
SAITHE_DEVICE inline void add_products(LaneUnits& sum, const MinibatchEntry* entries,
                                       std::int32_t begin, std::int32_t end, const float* factors) {
  constexpr int kAtOnce = 2;
  const auto factor = [&](const MinibatchEntry& entry) {
    const auto* const bytes = reinterpret_cast<const char*>(factors);
    return *reinterpret_cast<const LaneUnits*>(bytes + entry.place);
  };
  std::int32_t i = begin;
  SAITHE_NO_UNROLL
  for (; i + kAtOnce <= end; i += kAtOnce) {
    const MinibatchEntry first = entries[i];
    const MinibatchEntry second = entries[i + 1];
    const LaneUnits first_factor = factor(first);
    const LaneUnits second_factor = factor(second);
    SAITHE_UNROLL
    for (int u = 0; u < kLaneUnits; ++u) {
      sum.of[u] = multiply_add(first.value, first_factor.of[u], sum.of[u]);
      sum.of[u] = multiply_add(second.value, second_factor.of[u], sum.of[u]);
    }
  }
  if (i == end) return;
  const MinibatchEntry last = entries[i];
  const LaneUnits last_factor = factor(last);
  SAITHE_UNROLL
  for (int u = 0; u < kLaneUnits; ++u) {
    sum.of[u] = multiply_add(last.value, last_factor.of[u], sum.of[u]);
  }
}

/// Adds up what the threads of a block have of shift * weight, for FinishForward. All threads call
/// it; `shared` has room for kBlockItems * kTileUnits.
template <typename Thread>
SAITHE_DEVICE void store_shift_sum(Thread& thread, float* shared, const LaneUnits& sum,
                                   double* out) {
  *lane_units(shared + item_of(thread) * kTileUnits + first_lane_unit(thread)) = sum;
  thread.sync();
  if (thread.index() >= kTileUnits) return;
  double total = 0;
  for (int item = 0; item < kBlockItems; ++item) {
    total += static_cast<double>(shared[item * kTileUnits + thread.index()]);
  }
  out[thread.index()] = total;
}

struct SparseStepArgs {
  DeviceWeights layer;
  DeviceMinibatch x;
  const float* dy;      // (rows of x, n_units)
  const float* dy_sum;  // (n_units); with one group of rows a block finds its own
  AdamConstants adam;
  float* weights;
  float* first_moment;
  float* second_moment;
  double* shift_sums;  // (n_chunks, padded units)
  std::int64_t n_tiles;
  DeviceMinibatch next;  // no groups: there is none
  float* next_sums;      // (n_chunks, n_tiles, rows of next, kTileUnits)
};

/// One pass over weights and moments: gradient, Adam, and the products of the updated weights with
/// the next minibatch and with the shift, each for one chunk of genes. Block (tile, chunk).
///
/// kBlocks blocks share a multiprocessor.
template <int kBlocks>
struct SparseStep {
  static constexpr int kBlocksPerProcessor = kBlocks;
  static constexpr int kThreads = kChunkThreads;
  using Args = SparseStepArgs;
  struct Shared {
    float weights[kChunkGenes * kTileUnits];  // gradients up to the last group of rows
    float dy[kGroupRows * kTileUnits];        // sums of shift * weight in the end
    float dy_sum[kTileUnits];
    float shift[kChunkGenes];
    std::int32_t starts[kChunkGenes + 1];
  };
  template <typename Thread>
  SAITHE_DEVICE static void run(const Args& a, Thread& thread) {
    auto& shared = *static_cast<Shared*>(thread.shared());
    const std::int64_t tile = thread.block_x();
    const std::int64_t chunk = thread.block_y();
    const int first_unit = first_lane_unit(thread);
    const AdamConstants adam = a.adam;
    const std::int64_t n_left = a.layer.n_genes - chunk * kChunkGenes;
    const int n_genes = n_left < kChunkGenes ? static_cast<int>(n_left) : kChunkGenes;
    if (thread.index() < n_genes) {
      shared.shift[thread.index()] = a.layer.shift[chunk * kChunkGenes + thread.index()];
    }
    // The thread's genes are gene, gene + kBlockItems, ...
    const int gene = item_of(thread);
    const std::int64_t at = a.layer.at(tile, chunk * kChunkGenes + gene, first_unit);
    float* weights = on_device(a.weights + at);
    float* first_moments = on_device(a.first_moment + at);
    float* second_moments = on_device(a.second_moment + at);
    const MinibatchEntry* const entries = on_device(a.x.by_gene);
    const float* const dy = shared.dy + first_unit;
    const std::int64_t last_group = a.x.n_groups - 1;
    if (last_group > 0 && thread.index() < kTileUnits) {  // read after the first load_group()
      const std::int64_t unit = tile * kTileUnits + thread.index();
      shared.dy_sum[thread.index()] = unit < a.layer.n_units ? a.dy_sum[unit] : 0.0F;
    }
    const LaneUnits& dy_sum = *lane_units(shared.dy_sum + first_unit);

    // The last group's rows are added where Adam wants them; those of others before.
    SAITHE_NO_UNROLL
    for (std::int64_t group = 0; group < last_group; ++group) {
      load_group(a, thread, group, shared);
      SAITHE_NO_UNROLL
      for (int j = gene; j < n_genes; j += kBlockItems) {
        LaneUnits& stored = *lane_units(shared.weights + j * kTileUnits + first_unit);
        LaneUnits gradient = group == 0 ? of_shift(shared.shift[j], dy_sum) : stored;
        add_products(gradient, entries, shared.starts[j], shared.starts[j + 1], dy);
        stored = gradient;
      }
    }
    Weights ahead{};
    if (gene < n_genes) ahead = load(weights, first_moments, second_moments);
    load_group(a, thread, last_group, shared);
    if (last_group == 0) add_rows(thread, shared);
    LaneUnits shift_sum{};
    SAITHE_NO_UNROLL
    for (int j = gene; j < n_genes; j += kBlockItems) {
      constexpr int kNext = kBlockItems * kTileUnits;
      Weights own = ahead;
      if (j + kBlockItems < n_genes) {  // on its way meanwhile
        ahead = load(weights + kNext, first_moments + kNext, second_moments + kNext);
      }
      LaneUnits& stored = *lane_units(shared.weights + j * kTileUnits + first_unit);
      LaneUnits gradient = last_group == 0 ? of_shift(shared.shift[j], dy_sum) : stored;
      add_products(gradient, entries, shared.starts[j], shared.starts[j + 1], dy);
      SAITHE_UNROLL
      for (int u = 0; u < kLaneUnits; ++u) {
        own.value.of[u] = adam_update(adam, gradient.of[u], own.value.of[u], own.first_moment.of[u],
                                      own.second_moment.of[u]);
        shift_sum.of[u] = multiply_add(shared.shift[j], own.value.of[u], shift_sum.of[u]);
      }
      *lane_units(weights) = own.value;
      *lane_units(first_moments) = own.first_moment;
      *lane_units(second_moments) = own.second_moment;
      stored = own.value;
      weights += kNext;
      first_moments += kNext;
      second_moments += kNext;
    }
    thread.sync();  // nothing wants dy any more, and all weights are there
    store_shift_sum(thread, shared.dy, shift_sum,
                    a.shift_sums + (chunk * a.n_tiles + tile) * kTileUnits);
    multiply_next(a, thread, shared);
  }

 private:
  struct Weights {
    LaneUnits value;
    LaneUnits first_moment;
    LaneUnits second_moment;
  };
  SAITHE_DEVICE static Weights load(const float* weights, const float* first_moments,
                                    const float* second_moments) {
    return {*lane_units(weights), *lane_units(first_moments), *lane_units(second_moments)};
  }
  /// The rank-one term of the gradient that the shift of all rows makes.
  SAITHE_DEVICE static LaneUnits of_shift(float shift, const LaneUnits& dy_sum) {
    LaneUnits gradient;
    SAITHE_UNROLL
    for (int u = 0; u < kLaneUnits; ++u) gradient.of[u] = -(shift * dy_sum.of[u]);
    return gradient;
  }
  /// Takes the rows of a group, and where the entries of the block's genes begin, into shared
  /// memory.
  template <typename Thread>
  SAITHE_DEVICE static void load_group(const Args& a, Thread& thread, std::int64_t group,
                                       Shared& shared) {
    if (group > 0) thread.sync();  // all are done with the group before
    const int lane = thread.index() % kTileUnits;
    const std::int64_t unit = thread.block_x() * kTileUnits + lane;
    SAITHE_UNROLL
    for (int k = 0; k < kGroupRows / kChunkWarps; ++k) {
      const int row = thread.index() / kTileUnits + k * kChunkWarps;
      const std::int64_t r = group * kGroupRows + row;
      shared.dy[row * kTileUnits + lane] =
          r < a.x.n_rows && unit < a.layer.n_units ? a.dy[r * a.layer.n_units + unit] : 0.0F;
    }
    const std::int32_t* const starts = a.x.gene_starts_of(group, thread.block_y());
    shared.starts[thread.index()] = starts[thread.index()];
    if (thread.index() == 0) shared.starts[kChunkGenes] = starts[kChunkGenes];
    thread.sync();
  }
  /// The sums of dy over the rows of the only group, as BiasStep has them.
  template <typename Thread>
  SAITHE_DEVICE static void add_rows(Thread& thread, Shared& shared) {
    if (thread.index() < kTileUnits) {
      float sum = 0;
      SAITHE_UNROLL_16
      for (int row = 0; row < kGroupRows; ++row)
        sum += shared.dy[row * kTileUnits + thread.index()];
      shared.dy_sum[thread.index()] = sum;
    }
    thread.sync();
  }
  /// The products of the rows of the next minibatch with the updated weights.
  template <typename Thread>
  SAITHE_DEVICE static void multiply_next(const Args& a, Thread& thread, Shared& shared) {
    const std::int64_t chunk = thread.block_y();
    const int first_unit = first_lane_unit(thread);
    const std::int64_t n_rows = a.next.n_rows;
    const MinibatchEntry* const entries = on_device(a.next.by_row);
    float* const sums =
        a.next_sums + (chunk * a.n_tiles + thread.block_x()) * n_rows * kTileUnits + first_unit;
    SAITHE_NO_UNROLL
    for (std::int64_t group = 0; group < a.next.n_groups; ++group) {
      const std::int32_t* const starts = a.next.row_starts_of(group, chunk);
      SAITHE_NO_UNROLL
      for (int row = item_of(thread); row < kGroupRows; row += kBlockItems) {
        const std::int64_t r = group * kGroupRows + row;
        if (r >= n_rows) break;
        LaneUnits sum{};
        add_products(sum, entries, starts[row], starts[row + 1], shared.weights + first_unit);
        *lane_units(sums + r * kTileUnits) = sum;
      }
    }
  }
};

/// With one group of rows memory is the limit: more registers for what is on its way.
using SparseStepOfFewRows = SparseStep<3>;
/// With several the arithmetic is: more warps.
using SparseStepOfManyRows = SparseStep<4>;

/// The sums of shift * weight that SparseStep leaves, in its order, without a step.
struct ShiftSums {
  static constexpr int kShared = kBlockItems * kTileUnits;  // floats
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
    const std::int64_t end =
        (chunk + 1) * kChunkGenes < a.layer.n_genes ? (chunk + 1) * kChunkGenes : a.layer.n_genes;
    LaneUnits shift_sum{};
    for (std::int64_t gene = chunk * kChunkGenes + item_of(thread); gene < end;
         gene += kBlockItems) {
      const LaneUnits weights =
          *lane_units(a.weights + a.layer.at(tile, gene, first_lane_unit(thread)));
      SAITHE_UNROLL
      for (int u = 0; u < kLaneUnits; ++u) {
        shift_sum.of[u] = multiply_add(a.layer.shift[gene], weights.of[u], shift_sum.of[u]);
      }
    }
    store_shift_sum(thread, static_cast<float*>(thread.shared()), shift_sum,
                    a.shift_sums + (chunk * a.n_tiles + tile) * kTileUnits);
  }
};

}  // namespace saithe::kernels::cuda
