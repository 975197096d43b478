#pragma once

// Sparse rows on the device, and a minibatch of them as the first layer wants it. Weights and
// moments of that layer lie as (tile of kTileUnits units, gene, unit in tile), and a pass over them
// takes kChunkGenes genes at a time.

#include "saithe/kernels/cuda/thread.h"

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

}  // namespace saithe::kernels::cuda
