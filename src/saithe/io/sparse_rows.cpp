#include "saithe/io/sparse_rows.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "saithe/core/error.h"
#include "saithe/core/parallel.h"

namespace saithe::io {
namespace {

constexpr std::size_t kGroup = 64;
constexpr std::size_t kWord = sizeof(std::uint64_t);

/// Bit i is set where values[i] is not 0. Comparing into bytes and packing their lowest bits are
/// loops that the compiler makes vectors of.
std::uint64_t bits_of_entries(std::span<const float, kGroup> values) {
  // Brings the lowest bits of 8 bytes together in the highest byte, the first byte's lowest.
  static constexpr std::uint64_t kGather = 0x0102040810204080;
  static_assert(std::endian::native == std::endian::little);
  std::array<unsigned char, kGroup> is_entry;
  for (std::size_t i = 0; i < kGroup; ++i) is_entry[i] = values[i] != 0.0F ? 1 : 0;
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < kGroup; i += kWord) {
    std::uint64_t word;
    std::memcpy(&word, is_entry.data() + i, kWord);
    bits |= (word * kGather >> 56U) << i;
  }
  return bits;
}

}  // namespace

void SparseStretches::add(std::span<const float> dense, std::int64_t first_column) {
  std::size_t n = ends_.empty() ? 0 : ends_.back();
  if (columns_.size() < n + dense.size()) {
    columns_.resize(std::max(2 * n, n + dense.size()));
    values_.resize(columns_.size());
  }
  const auto take = [&](std::size_t column) {
    columns_[n] = static_cast<GeneIndex>(first_column + static_cast<std::int64_t>(column));
    values_[n] = dense[column];
    ++n;
  };
  const auto take_group = [&](std::size_t column, std::span<const float, kGroup> values) {
    std::uint64_t bits = bits_of_entries(values);
    for (; bits != 0; bits &= bits - 1) take(column + as_size(std::countr_zero(bits)));
  };
  std::size_t column = 0;
  for (; column + kGroup <= dense.size(); column += kGroup) {
    take_group(column, dense.subspan(column).first<kGroup>());
  }
  if (column < dense.size()) {  // tiles are narrow: what is left of each row is a good part of it
    std::array<float, kGroup> last{};
    std::ranges::copy(dense.subspan(column), last.begin());
    take_group(column, last);
  }
  ends_.push_back(n);
}

CsrMatrix join_tiles(std::span<const SparseStretches> tiles, std::int64_t n_across,
                     std::int64_t n_columns, const Context& context) {
  SAITHE_ASSERT(n_across > 0 && tiles.size() % as_size(n_across) == 0);
  const std::size_t n_bands = tiles.size() / as_size(n_across);
  const auto band = [&](std::size_t i) {
    return tiles.subspan(i * as_size(n_across), as_size(n_across));
  };
  CsrMatrix rows;
  rows.n_cols = static_cast<GeneIndex>(n_columns);
  std::vector<std::size_t> first_rows;  // of each band
  for (std::size_t i = 0; i < n_bands; ++i) {
    first_rows.push_back(as_size(rows.n_rows));
    const std::size_t n_rows = band(i).front().n_stretches();
    for (std::size_t row = 0; row < n_rows; ++row) {
      RowPointer end = rows.row_start.back();
      for (const SparseStretches& tile : band(i)) end += std::ssize(tile.columns(row));
      rows.row_start.push_back(end);
    }
    rows.n_rows += static_cast<CellIndex>(n_rows);
  }
  rows.columns.resize(as_size(rows.row_start.back()));
  rows.values.resize(rows.columns.size());
  parallel_for(context, static_cast<std::int64_t>(n_bands), 1, [&](std::int64_t i, std::int64_t) {
    const auto own = band(as_size(i));
    auto at = rows.row_start[first_rows[as_size(i)]];
    for (std::size_t row = 0; row < own.front().n_stretches(); ++row) {
      for (const SparseStretches& tile : own) {
        std::ranges::copy(tile.columns(row), rows.columns.begin() + at);
        std::ranges::copy(tile.values(row), rows.values.begin() + at);
        at += std::ssize(tile.columns(row));
      }
    }
  });
  return rows;
}

}  // namespace saithe::io
