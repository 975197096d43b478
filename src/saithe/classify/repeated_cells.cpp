#include "saithe/classify/repeated_cells.h"

#include <algorithm>
#include <bit>

#include "saithe/core/parallel.h"

namespace saithe {
namespace {

constexpr std::size_t kFewestGenes = 50;
constexpr std::int64_t kChunkCells = 256;

/// The finalizer of SplitMix64 (Steele et al. 2014, doi:10.1145/2714064.2660195).
std::uint64_t mix(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9U;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBU;
  return x ^ (x >> 31);
}

std::uint64_t hash_row(std::span<const GeneIndex> genes, std::span<const float> values) {
  std::uint64_t hash = genes.size();
  for (std::size_t i = 0; i < genes.size(); ++i) {
    const auto gene = static_cast<std::uint64_t>(genes[i]);
    hash = mix(hash ^ (gene << 32 | std::bit_cast<std::uint32_t>(values[i])));
  }
  return hash;
}

}  // namespace

void RepeatedCells::add(const CsrView& block, std::span<const CellIndex> rows, CellIndex first_cell,
                        const Context& context) {
  const std::size_t start = seen_.size();
  seen_.resize(start + rows.size());
  parallel_for(context, std::ssize(rows), kChunkCells, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const CellIndex row = rows[as_size(i)];
      const auto genes = block.row_columns(row);
      if (genes.size() < kFewestGenes) continue;
      seen_[start + as_size(i)] = {hash_row(genes, block.row_values(row)), first_cell + row};
    }
  });
  const auto added = seen_.begin() + static_cast<std::ptrdiff_t>(start);
  const auto is_passed_over = [](const Seen& seen) { return seen.cell < 0; };
  seen_.erase(std::remove_if(added, seen_.end(), is_passed_over), seen_.end());
}

RepeatedCells::Found RepeatedCells::find() {
  std::ranges::sort(seen_, [](const Seen& a, const Seen& b) {
    return a.hash != b.hash ? a.hash < b.hash : a.cell < b.cell;
  });
  Found found;
  for (std::size_t i = 1, first = 0; i < seen_.size(); ++i) {
    if (seen_[i].hash != seen_[first].hash) {
      first = i;
      continue;
    }
    ++found.n_cells;
    if (found.cell < 0 || seen_[i].cell < found.cell) {
      found.cell = seen_[i].cell;
      found.earlier = seen_[first].cell;
    }
  }
  return found;
}

}  // namespace saithe
