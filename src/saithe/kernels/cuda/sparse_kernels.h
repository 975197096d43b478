#pragma once

// Kernels of the first layer (docs/gpu.md). Weights and moments lie as (tile of 32 units, gene,
// unit in tile): a warp reads the weights of a gene and a tile as one line, and a pass over a chunk
// of genes is contiguous. Every sum over genes is taken in chunks of kChunkGenes, and these are
// added in their order, so that a row has the same bits from each of the kernels.

#include "saithe/kernels/cuda/dense_kernels.h"

namespace saithe::kernels::cuda {

inline constexpr int kTileUnits = kWarp;
inline constexpr int kChunkGenes = 256;
/// Of a block that passes over a chunk.
inline constexpr int kChunkThreads = 256;
inline constexpr int kChunkWarps = kChunkThreads / kWarp;
/// A thread has kLaneUnits units of a tile, and a warp therefore kWarpItems genes, or rows, at a
/// time: few wide reads keep more of them on their way than many narrow ones.
inline constexpr int kLaneUnits = 4;
inline constexpr int kItemLanes = kTileUnits / kLaneUnits;
inline constexpr int kWarpItems = kWarp / kItemLanes;
inline constexpr int kBlockItems = kWarpItems * kChunkWarps;

/// What a thread has of a tile's row.
struct alignas(kLaneUnits * sizeof(float)) LaneUnits {
  float of[kLaneUnits];
};
SAITHE_DEVICE inline LaneUnits* lane_units(float* place) {
  return reinterpret_cast<LaneUnits*>(place);
}
SAITHE_DEVICE inline const LaneUnits* lane_units(const float* place) {
  return reinterpret_cast<const LaneUnits*>(place);
}
/// The first of a thread's units, and its gene or row among the block's.
template <typename Thread>
SAITHE_DEVICE int first_lane_unit(const Thread& thread) {
  return thread.index() % kItemLanes * kLaneUnits;
}
template <typename Thread>
SAITHE_DEVICE int item_of(const Thread& thread) {
  return thread.index() / kItemLanes;
}

/// Rows of a minibatch that are taken through the gradient together.
inline constexpr int kGroupRows = 64;

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

/// A stored value of a minibatch, and where its other factor lies, in bytes: kTileUnits floats
/// times the row in its group, or times the gene in its chunk.
struct alignas(8) MinibatchEntry {  // read at once
  std::int32_t place;
  float value;
};
inline constexpr std::int32_t kBytesOfTileRow = kTileUnits * sizeof(float);

/// A minibatch as SparseStep wants it. The entries of each group of kGroupRows rows and each chunk
/// of genes lie together, once gene by gene (of each the rows in their order), once row by row.
struct DeviceMinibatch {
  std::int64_t n_rows;
  std::int64_t n_groups;
  std::int64_t n_chunks;
  std::int32_t* gene_starts;  // (n_groups, n_chunks, kChunkGenes + 1): where each begins
  MinibatchEntry* by_gene;
  std::int32_t* row_starts;  // (n_groups, n_chunks, kGroupRows + 1)
  MinibatchEntry* by_row;

  [[nodiscard]] SAITHE_DEVICE std::int32_t* gene_starts_of(std::int64_t group,
                                                           std::int64_t chunk) const {
    return gene_starts + (group * n_chunks + chunk) * (kChunkGenes + 1);
  }
  [[nodiscard]] SAITHE_DEVICE std::int32_t* row_starts_of(std::int64_t group,
                                                          std::int64_t chunk) const {
    return row_starts + (group * n_chunks + chunk) * (kGroupRows + 1);
  }
};

/// Where each row enters each chunk of genes; a block for each row.
struct FindSegments {
  static constexpr int kThreads = 128;
  struct Args {
    DeviceRows rows;
    std::int64_t n_chunks;
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
      const std::int64_t chunk = a.rows.columns[i] / kChunkGenes;
      const std::int64_t before = i == begin ? -1 : a.rows.columns[i - 1] / kChunkGenes;
      for (std::int64_t k = before + 1; k <= chunk; ++k) segments[k] = i;
      if (i + 1 == end) {
        for (std::int64_t k = chunk + 1; k <= a.n_chunks; ++k) segments[k] = end;
      }
    }
    if (begin == end && thread.index() == 0) {
      for (std::int64_t k = 0; k <= a.n_chunks; ++k) segments[k] = end;
    }
  }
};

/// Turns rows into a DeviceMinibatch, after FindSegments. Block (group, chunk), a thread for each
/// gene of the chunk: a bit for each gene and row tells where an entry goes.
struct SortMinibatch {
  static constexpr int kThreads = kChunkGenes;
  static constexpr int kWords = kGroupRows / 32;  // of bits of a gene
  struct Shared {
    double sums[kThreads];
    std::int32_t starts[kThreads];
    std::int32_t row_starts[kGroupRows];
    std::uint32_t bits[kWords][kThreads];
  };
  struct Args {
    DeviceRows rows;  // begin and end as FindSegments left them
    const std::int64_t* segments;
    DeviceMinibatch out;
  };
  template <typename Thread>
  SAITHE_DEVICE static void run(const Args& a, Thread& thread) {
    auto& shared = *static_cast<Shared*>(thread.shared());
    const int gene = thread.index();
    const std::int64_t chunk = thread.block_y();
    const std::int64_t first = thread.block_x() * kGroupRows;
    const std::int64_t last = first + kGroupRows < a.out.n_rows ? first + kGroupRows : a.out.n_rows;
    // In front lie the entries of earlier groups, and this group's of earlier chunks.
    double n_before = 0;
    for (std::int64_t row = gene; row < last; row += kThreads) {
      const std::int64_t* const segments = a.segments + row * (a.out.n_chunks + 1);
      n_before += static_cast<double>(segments[row < first ? a.out.n_chunks : chunk] - segments[0]);
    }
    n_before = block_sum(thread, shared.sums, n_before);
    const auto base = static_cast<std::int32_t>(n_before);
    for (int word = 0; word < kWords; ++word) shared.bits[word][gene] = 0;
    if (gene < kGroupRows) {
      const std::int64_t row = first + gene;
      const std::int64_t* const segment = a.segments + row * (a.out.n_chunks + 1) + chunk;
      shared.row_starts[gene] = row < last ? static_cast<std::int32_t>(segment[1] - segment[0]) : 0;
    }
    thread.sync();
    for_each_entry(a, thread, first, last,
                   [&](std::int32_t row, std::int32_t g, std::int64_t /*i*/, float /*value*/) {
                     thread.atomic_or(&shared.bits[row / 32][g], bit(row));
                   });
    thread.sync();
    std::int32_t n_entries = 0;
    for (int word = 0; word < kWords; ++word) n_entries += count_bits(shared.bits[word][gene]);
    std::int32_t* const gene_starts = a.out.gene_starts_of(thread.block_x(), chunk);
    const std::int32_t start = base + running_sum(thread, shared.starts, n_entries) - n_entries;
    shared.starts[gene] = start;
    gene_starts[gene] = start;
    if (gene + 1 == kThreads) gene_starts[kThreads] = start + n_entries;
    std::int32_t row_start = base;
    if (gene <= kGroupRows) {
      for (int row = 0; row < gene; ++row) row_start += shared.row_starts[row];
      a.out.row_starts_of(thread.block_x(), chunk)[gene] = row_start;
    }
    thread.sync();
    if (gene < kGroupRows) shared.row_starts[gene] = row_start;
    thread.sync();
    for_each_entry(a, thread, first, last,
                   [&](std::int32_t row, std::int32_t g, std::int64_t i, float value) {
                     std::int32_t place = shared.starts[g];
                     for (int word = 0; word < row / 32; ++word)
                       place += count_bits(shared.bits[word][g]);
                     place += count_bits(shared.bits[row / 32][g] & (bit(row) - 1));
                     a.out.by_gene[place] = {row * kBytesOfTileRow, value};
                     a.out.by_row[shared.row_starts[row] + static_cast<std::int32_t>(i)] = {
                         g * kBytesOfTileRow, value};
                   });
  }

 private:
  SAITHE_DEVICE static std::uint32_t bit(std::int32_t row) {
    return std::uint32_t{1} << static_cast<unsigned>(row % 32);
  }
  /// The sum of what this thread and those before it bring. `shared` is free afterwards.
  template <typename Thread>
  SAITHE_DEVICE static std::int32_t running_sum(Thread& thread, std::int32_t* shared,
                                                std::int32_t value) {
    const int i = thread.index();
    shared[i] = value;
    for (int step = 1; step < kThreads; step *= 2) {
      thread.sync();
      const std::int32_t left = i >= step ? shared[i - step] : 0;
      thread.sync();
      shared[i] += left;
    }
    const std::int32_t sum = shared[i];
    thread.sync();
    return sum;
  }
  /// Calls visit(row in group, gene in chunk, number among the row's in the chunk, value) for the
  /// entries of the block: a warp for each row.
  template <typename Thread, typename Visit>
  SAITHE_DEVICE static void for_each_entry(const Args& a, const Thread& thread, std::int64_t first,
                                           std::int64_t last, Visit visit) {
    const std::int64_t chunk = thread.block_y();
    for (std::int64_t row = first + thread.index() / kWarp; row < last; row += kThreads / kWarp) {
      const std::int64_t* const segment = a.segments + row * (a.out.n_chunks + 1) + chunk;
      for (std::int64_t i = segment[0] + thread.index() % kWarp; i < segment[1]; i += kWarp) {
        visit(static_cast<std::int32_t>(row - first),
              static_cast<std::int32_t>(a.rows.columns[i] - chunk * kChunkGenes), i - segment[0],
              a.rows.values[i]);
      }
    }
  }
};

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

/// base (n_units) = bias - the sum over genes of shift * weight, and out (n_rows, n_units) = base +
/// the sums that SparseStep left of the chunks of genes, in their order. Block (tile, 8 rows).
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
    const std::int64_t unit = thread.block_x() * kTileUnits + lane;
    const std::int64_t row = thread.block_y() * kRows + warp;
    double shift_sum = 0;
    SAITHE_UNROLL_16
    for (std::int64_t k = warp; k < a.n_chunks; k += kRows) {
      shift_sum += a.shift_sums[k * padded + unit];
    }
    shared[thread.index()] = shift_sum;
    float sum = 0;
    SAITHE_UNROLL_16
    for (std::int64_t k = 0; k < (row < a.n_rows ? a.n_chunks : 0); ++k) {
      sum += a.next_sums[((k * a.n_tiles + thread.block_x()) * a.n_rows + row) * kTileUnits + lane];
    }
    thread.sync();
    if (unit >= a.n_units) return;
    shift_sum = 0;
    for (int other = 0; other < kRows; ++other) shift_sum += shared[other * kTileUnits + lane];
    const auto base = static_cast<float>(static_cast<double>(a.bias[unit]) - shift_sum);
    if (thread.block_y() == 0 && warp == 0) a.base[unit] = base;
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
