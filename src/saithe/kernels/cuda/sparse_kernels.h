#pragma once

// Kernels of the first layer (docs/gpu.md). Weights and moments lie as (tile of 32 units, gene,
// unit in tile): a warp reads the weights of a gene and a tile as one line, and a pass over a chunk
// of genes is contiguous. Every sum over genes is taken in chunks of kChunkGenes, and these are
// added in their order, so that a row has the same bits from each of the kernels.

#include "saithe/kernels/cuda/dense_kernels.h"

namespace saithe::kernels::cuda {

inline constexpr int kTileUnits = kWarp;
inline constexpr int kChunkGenes = 256;
/// Of a block that passes over a chunk. Warp w has the genes w, w + kChunkWarps, ...: what its warps
/// ask for at a time lies together, as memory likes it.
inline constexpr int kChunkThreads = 256;
inline constexpr int kChunkWarps = kChunkThreads / kTileUnits;
inline constexpr int kWarpGenes = kChunkGenes / kChunkWarps;

/// The place of a gene of a chunk where the genes of each warp lie together.
SAITHE_DEVICE inline std::int32_t place_of_gene(std::int32_t gene) {
  return gene % kChunkWarps * kWarpGenes + gene / kChunkWarps;
}
/// How many genes of a chunk of n_genes a warp has.
SAITHE_DEVICE inline int n_genes_of_warp(std::int64_t n_genes, int warp) {
  const std::int64_t n = (n_genes - warp + kChunkWarps - 1) / kChunkWarps;
  return n < 0 ? 0 : (n < kWarpGenes ? static_cast<int>(n) : kWarpGenes);
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

/// A stored value of a minibatch, and where its other factor lies, in bytes: kTileUnits floats times
/// the row in its group, or times the gene in its chunk.
struct alignas(8) MinibatchEntry {  // read at once
  std::int32_t place;
  float value;
};
inline constexpr std::int32_t kBytesOfTileRow = kTileUnits * sizeof(float);

/// A minibatch as SparseStep wants it. The entries of each group of kGroupRows rows and each chunk
/// of genes lie together, once gene by gene in the order of place_of_gene() (of each the rows in
/// their order), once row by row.
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
/// place of a gene: a bit for each gene and row tells where an entry goes.
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
    const std::int64_t last =
        first + kGroupRows < a.out.n_rows ? first + kGroupRows : a.out.n_rows;
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
      shared.row_starts[gene] =
          row < last ? static_cast<std::int32_t>(segment[1] - segment[0]) : 0;
    }
    thread.sync();
    for_each_entry(a, thread, first, last,
                   [&](std::int32_t row, std::int32_t g, std::int64_t /*i*/, float /*value*/) {
                     thread.atomic_or(&shared.bits[row / 32][place_of_gene(g)], bit(row));
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
    for_each_entry(
        a, thread, first, last,
        [&](std::int32_t row, std::int32_t g, std::int64_t i, float value) {
          const std::int32_t at = place_of_gene(g);
          std::int32_t place = shared.starts[at];
          for (int word = 0; word < row / 32; ++word) place += count_bits(shared.bits[word][at]);
          place += count_bits(shared.bits[row / 32][at] & (bit(row) - 1));
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
    constexpr int kAtOnce = 8;  // on their way
    float total = 0;
    float sum = 0;
    std::int32_t chunk = 0;
    const auto add = [&](std::int32_t gene, float value, float weight) {
      if (gene / kChunkGenes != chunk) {
        total += sum;
        sum = 0;
        chunk = gene / kChunkGenes;
      }
      sum = multiply_add(value, weight, sum);
    };
    const auto weight_of = [&](std::int32_t gene) {
      return weights[static_cast<std::int64_t>(gene) * kTileUnits];
    };
    std::int64_t i = a.rows.begin[row] - a.rows.origin;
    for (; i + kAtOnce <= end; i += kAtOnce) {
      std::int32_t genes[kAtOnce];
      float values[kAtOnce];
      float at[kAtOnce];
      SAITHE_UNROLL
      for (int k = 0; k < kAtOnce; ++k) {
        genes[k] = a.rows.columns[i + k];
        values[k] = a.rows.values[i + k];
        at[k] = weight_of(genes[k]);
      }
      SAITHE_UNROLL
      for (int k = 0; k < kAtOnce; ++k) add(genes[k], values[k], at[k]);
    }
    for (; i < end; ++i) {
      const std::int32_t gene = a.rows.columns[i];
      add(gene, a.rows.values[i], weight_of(gene));
    }
    total += sum;
    if (unit < a.layer.n_units) a.out[row * a.layer.n_units + unit] = total + a.base[unit];
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

/// The entries of a warp, read once and in their order: kWarp of them lie in shared memory, and each
/// lane has one of the next kWarp on its way.
template <typename Thread>
class EntryStream {
 public:
  SAITHE_DEVICE EntryStream(Thread& thread, const MinibatchEntry* entries, std::int32_t begin,
                            std::int32_t end, MinibatchEntry* shared)
      : thread_(thread),
        lane_(thread.index() % kWarp),
        asked_(entries + begin + lane_),
        n_left_(end - begin - lane_),
        staged_(shared),
        next_(kWarp) {
    ask();
  }
  /// sum + the products of the next n entries with what lies at their places from `factors` on.
  SAITHE_DEVICE float add(float sum, std::int32_t n, const float* factors) {
    SAITHE_NO_UNROLL
    while (n > 0) {
      if (next_ == kWarp) stage();
      const int stop = next_ + n < kWarp ? next_ + n : kWarp;
      n -= stop - next_;
      SAITHE_NO_UNROLL
      for (; next_ + 4 <= stop; next_ += 4) sum = add_next<4>(sum, factors);
      if (next_ + 2 <= stop) {
        sum = add_next<2>(sum, factors);
        next_ += 2;
      }
      if (next_ < stop) {
        sum = add_next<1>(sum, factors);
        ++next_;
      }
    }
    return sum;
  }

 private:
  template <std::size_t kN>
  SAITHE_DEVICE float add_next(float sum, const float* factors) const {
    const MinibatchEntry* const next = staged_ + next_;
    MinibatchEntry entries[kN];
    float at[kN];
    SAITHE_UNROLL
    for (std::size_t k = 0; k < kN; ++k) entries[k] = next[k];
    SAITHE_UNROLL
    for (std::size_t k = 0; k < kN; ++k) {
      const auto* const bytes = reinterpret_cast<const char*>(factors);
      at[k] = *reinterpret_cast<const float*>(bytes + entries[k].place);
    }
    SAITHE_UNROLL
    for (std::size_t k = 0; k < kN; ++k) sum = multiply_add(entries[k].value, at[k], sum);
    return sum;
  }
  SAITHE_DEVICE void ask() {
    if (n_left_ > 0) ahead_ = *asked_;
    asked_ += kWarp;
    n_left_ -= kWarp;
  }
  SAITHE_DEVICE void stage() {
    thread_.sync_warp();  // all have read what lies there
    staged_[lane_] = ahead_;
    thread_.sync_warp();
    next_ = 0;
    ask();
  }

  Thread& thread_;
  int lane_;
  const MinibatchEntry* asked_;  // the lane's next, if any of n_left_ is left
  std::int32_t n_left_;
  MinibatchEntry* staged_;  // (kWarp)
  int next_;                // of these
  MinibatchEntry ahead_{};
};

/// Adds up what the warps of a block have of shift * weight, for FinishForward. All threads call
/// it.
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
  static constexpr int kBlocksPerProcessor = 4;
  static constexpr int kThreads = kChunkThreads;
  // Weights of a thread that are on their way.
  static constexpr int kAhead = 4;
  static_assert(kWarpGenes % kAhead == 0);
  static constexpr int kWarpRows = kGroupRows / kChunkWarps;
  struct Shared {
    float weights[kChunkGenes * kTileUnits];  // gradients up to the last group of rows
    float dy[kGroupRows * kTileUnits];
    float shift[kChunkGenes];
    float sums[kChunkThreads];
    MinibatchEntry entries[kChunkWarps][kWarp];
    std::int32_t starts[kChunkGenes + 1];
  };
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
    DeviceMinibatch next;  // no groups: there is none
    float* next_sums;      // (n_chunks, n_tiles, rows of next, kTileUnits)
  };

  template <typename Thread>
  SAITHE_DEVICE static void run(const Args& a, Thread& thread) {
    auto& shared = *static_cast<Shared*>(thread.shared());
    const std::int64_t tile = tile_of(thread);
    const std::int64_t chunk = chunk_of(thread);
    const int lane = thread.index() % kTileUnits;
    const int warp = thread.index() / kTileUnits;
    const std::int64_t unit = tile * kTileUnits + lane;
    const float dy_sum = unit < a.layer.n_units ? a.dy_sum[unit] : 0.0F;
    const AdamConstants adam = a.adam;
    const std::int64_t n_left = a.layer.n_genes - chunk * kChunkGenes;
    const int n_genes = n_left < kChunkGenes ? static_cast<int>(n_left) : kChunkGenes;
    const int n_own = n_genes_of_warp(n_genes, warp);
    // Of the warp's gene j, j * kNextGene, or j * kChunkWarps, behind these.
    constexpr int kNextGene = kChunkWarps * kTileUnits;
    const std::int64_t at = a.layer.at(tile, chunk * kChunkGenes + warp, lane);
    float* weights = a.weights + at;
    float* first_moments = a.first_moment + at;
    float* second_moments = a.second_moment + at;
    float* own = shared.weights + warp * kTileUnits + lane;
    const float* shift = shared.shift + warp;
    const std::int32_t* starts = shared.starts + warp * kWarpGenes;
    if (thread.index() < n_genes) {
      shared.shift[thread.index()] = a.layer.shift[chunk * kChunkGenes + thread.index()];
    }

    // The last group's rows are added where Adam wants them; those of others before.
    const auto stream_of = [&](std::int64_t group) {
      load_group(a, thread, group, shared);
      return EntryStream<Thread>(thread, a.x.by_gene, starts[0], starts[kWarpGenes],
                                 shared.entries[warp]);
    };
    const std::int64_t last_group = a.x.n_groups - 1;
    SAITHE_NO_UNROLL
    for (std::int64_t group = 0; group < last_group; ++group) {
      auto entries = stream_of(group);
      SAITHE_NO_UNROLL
      for (int j = 0; j < n_own; ++j) {
        float& gradient = own[j * kNextGene];
        gradient = entries.add(group == 0 ? -(shift[j * kChunkWarps] * dy_sum) : gradient,
                               starts[j + 1] - starts[j], shared.dy + lane);
      }
    }
    Weight ahead[kAhead];
    SAITHE_UNROLL
    for (int k = 0; k < kAhead; ++k) {
      if (k < n_own) {
        ahead[k] = {weights[k * kNextGene], first_moments[k * kNextGene],
                    second_moments[k * kNextGene]};
      }
    }
    auto entries = stream_of(last_group);
    const bool has_gradients = last_group > 0;
    float shift_sum = 0;
    SAITHE_NO_UNROLL
    for (int j = 0; j < n_own; j += kAhead) {
      SAITHE_UNROLL
      for (int k = 0; k < kAhead; ++k) {
        if (j + k >= n_own) continue;
        Weight weight = ahead[k];
        if (j + k + kAhead < n_own) {  // on its way meanwhile
          constexpr int kThere = kAhead * kNextGene;
          ahead[k] = {weights[k * kNextGene + kThere], first_moments[k * kNextGene + kThere],
                      second_moments[k * kNextGene + kThere]};
        }
        const float own_shift = shift[k * kChunkWarps];
        const float gradient =
            entries.add(has_gradients ? own[k * kNextGene] : -(own_shift * dy_sum),
                        starts[k + 1] - starts[k], shared.dy + lane);
        const float updated = adam_update(adam, gradient, weight.value, weight.first_moment,
                                          weight.second_moment);
        weights[k * kNextGene] = updated;
        first_moments[k * kNextGene] = weight.first_moment;
        second_moments[k * kNextGene] = weight.second_moment;
        own[k * kNextGene] = updated;
        shift_sum = multiply_add(own_shift, updated, shift_sum);
      }
      weights += kAhead * kNextGene;
      first_moments += kAhead * kNextGene;
      second_moments += kAhead * kNextGene;
      own += kAhead * kNextGene;
      shift += kAhead * kChunkWarps;
      starts += kAhead;
    }
    const std::int64_t padded = a.n_tiles * kTileUnits;
    store_shift_sum(thread, shared.sums, shift_sum,
                    a.shift_sums + chunk * padded + tile * kTileUnits);
    multiply_next(a, thread, shared);
  }

 private:
  template <typename Thread>
  SAITHE_DEVICE static std::int64_t tile_of(const Thread& thread) {
    return thread.block_x();
  }
  template <typename Thread>
  SAITHE_DEVICE static std::int64_t chunk_of(const Thread& thread) {
    return thread.block_y();
  }
  struct Weight {
    float value;
    float first_moment;
    float second_moment;
  };
  /// Takes the rows of a group, and where the entries of the block's genes begin, into shared
  /// memory.
  template <typename Thread>
  SAITHE_DEVICE static void load_group(const Args& a, Thread& thread, std::int64_t group,
                                       Shared& shared) {
    if (group > 0) thread.sync();  // all are done with the group before
    const std::int64_t unit = tile_of(thread) * kTileUnits + thread.index() % kTileUnits;
    SAITHE_UNROLL
    for (int k = 0; k < kWarpRows; ++k) {
      const int row = thread.index() / kTileUnits + k * kChunkWarps;
      const std::int64_t r = group * kGroupRows + row;
      shared.dy[row * kTileUnits + thread.index() % kTileUnits] =
          r < a.x.n_rows && unit < a.layer.n_units ? a.dy[r * a.layer.n_units + unit] : 0.0F;
    }
    const std::int32_t* const starts = a.x.gene_starts_of(group, chunk_of(thread));
    shared.starts[thread.index()] = starts[thread.index()];
    if (thread.index() == 0) shared.starts[kChunkGenes] = starts[kChunkGenes];
    thread.sync();
  }
  /// The products of the rows of the next minibatch with the updated weights: a warp takes
  /// neighbouring rows of a group.
  template <typename Thread>
  SAITHE_DEVICE static void multiply_next(const Args& a, Thread& thread, Shared& shared) {
    const std::int64_t chunk = chunk_of(thread);
    const int lane = thread.index() % kTileUnits;
    const int first = thread.index() / kTileUnits * kWarpRows;
    float* const sums =
        a.next_sums + (chunk * a.n_tiles + tile_of(thread)) * a.next.n_rows * kTileUnits + lane;
    SAITHE_NO_UNROLL
    for (std::int64_t group = 0; group < a.next.n_groups; ++group) {
      thread.sync();  // the weights are there; all are done with the group before
      const std::int32_t* const starts = a.next.row_starts_of(group, chunk);
      if (thread.index() <= kGroupRows) shared.starts[thread.index()] = starts[thread.index()];
      thread.sync();
      EntryStream<Thread> entries(thread, a.next.by_row, shared.starts[first],
                                  shared.starts[first + kWarpRows],
                                  shared.entries[thread.index() / kTileUnits]);
      SAITHE_NO_UNROLL
      for (int row = first; row < first + kWarpRows; ++row) {
        const std::int64_t r = group * kGroupRows + row;
        if (r >= a.next.n_rows) break;
        sums[r * kTileUnits] =
            entries.add(0.0F, shared.starts[row + 1] - shared.starts[row], shared.weights + lane);
      }
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
    const int n_own = n_genes_of_warp(a.layer.n_genes - chunk * kChunkGenes, warp);
    for (int j = 0; j < n_own; ++j) {
      const std::int64_t gene = chunk * kChunkGenes + j * kChunkWarps + warp;
      shift_sum =
          multiply_add(a.layer.shift[gene], a.weights[a.layer.at(tile, gene, lane)], shift_sum);
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
          a.x.gene_starts_of(group, gene / kChunkGenes) +
          place_of_gene(static_cast<std::int32_t>(gene % kChunkGenes));
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
