#include "saithe/io/dense_tiles.h"

#include <algorithm>
#include <array>

#include "saithe/core/parallel.h"
#include "saithe/io/sparse_rows.h"

namespace saithe::io {
namespace {

// What is fetched before it is inflated together.
constexpr std::int64_t kBytesAtOnce = std::int64_t{1} << 26;
constexpr std::int64_t kTilesAtOnce = 256;
// Of many, so many are unpacked by one thread in the same memory.
constexpr std::int64_t kManyTiles = 32;
constexpr std::int64_t kTilesOfTask = 4;
constexpr std::int64_t kRowsOfTask = 16;
// Values that are dense in memory at once, as float32, unless a single tile has more.
constexpr std::int64_t kDenseValues = std::int64_t{1} << 24;
constexpr std::int64_t kFloatBytes = sizeof(float);
constexpr std::int64_t kMostUnwritten = std::int64_t{1} << 28;

/// A size of a chunk, which may be larger than the matrix, and that may be 0.
std::int64_t clamped(std::int64_t size, std::int64_t whole) {
  return std::clamp<std::int64_t>(size, 1, std::max<std::int64_t>(1, whole));
}

class Hdf5Tiles final : public DenseTiles {
 public:
  explicit Hdf5Tiles(Hdf5Dataset dataset) : chunks_(std::move(dataset)) {
    const auto& shape = chunks_.dataset().shape();
    if (shape.size() != 2) {
      fail(ErrorKind::BadFormat, "{}: has {} axes; expected two", where(), shape.size());
    }
  }

  const std::string& where() const override { return chunks_.dataset().where(); }
  std::int64_t n_rows() const override { return chunks_.dataset().shape()[0]; }
  std::int64_t n_columns() const override { return chunks_.dataset().shape()[1]; }
  std::int64_t tile_rows() const override {
    return chunks_.is_chunked() ? clamped(chunks_.shape()[0], n_rows()) : 1;
  }
  std::int64_t tile_columns() const override { return clamped(chunks_.shape()[1], n_columns()); }

  std::int64_t tile_bytes() const override {
    return chunks_.is_chunked() ? chunks_.unpacking_bytes() + chunks_.n_values() * kFloatBytes : 0;
  }

  void read(const Rectangle& wanted, std::span<float> values,
            const Context& context) const override {
    SAITHE_ASSERT(values.size() == as_size(wanted.n_values()));
    if (values.empty()) return;
    require_room_for_chunk(where(), chunks_.n_values(), tile_bytes(), context);
    require_written(wanted.n_values(), context);
    if (chunks_.is_one_piece() && wanted.n_columns == n_columns()) {
      return chunks_.read(wanted.first_row * n_columns(), values, context);
    }
    if (!chunks_.are_own()) return read_through_hdf5(wanted, values);
    const std::int64_t rows = chunks_.shape()[0];
    const std::int64_t columns = chunks_.shape()[1];
    const std::int64_t row_chunk = wanted.first_row / rows;
    const std::int64_t column_chunk = wanted.first_column / columns;
    const std::int64_t across =
        (wanted.first_column + wanted.n_columns - 1) / columns - column_chunk + 1;
    const std::int64_t n = across * ((wanted.first_row + wanted.n_rows - 1) / rows - row_chunk + 1);
    const std::int64_t n_across = (n_columns() - 1) / columns + 1;  // of the whole matrix
    // Chunks are numbered along the rows of the grid: those of whole rows follow one another.
    const bool are_whole = across == n_across;
    const std::int64_t n_runs = are_whole ? 1 : n / across;
    const std::int64_t n_in_run = are_whole ? n : across;
    const std::int64_t n_each = n_at_once();
    for (std::int64_t run = 0; run < n_runs; ++run) {
      const std::int64_t first = (row_chunk + run) * n_across + column_chunk;
      for (std::int64_t i = 0; i < n_in_run; i += n_each) {
        for_each_chunk(
            first + i, std::min(n_each, n_in_run - i), context,
            [&](const StoredChunk& stored, std::int64_t number, UnpackedChunk& unpacked) {
              place_values(stored, number, n_across, wanted, unpacked, values);
            });
      }
    }
  }

  /// Each tile goes from its bytes to sparse rows on its own, so that nothing large is dense.
  CsrMatrix read_rows(std::int64_t begin, std::int64_t end, const Context& context) const override {
    if (!chunks_.is_chunked() || !chunks_.are_own() || begin == end || n_columns() == 0) {
      return DenseTiles::read_rows(begin, end, context);
    }
    require_room_for_chunk(where(), chunks_.n_values(), tile_bytes(), context);
    require_written((end - begin) * n_columns(), context);
    const std::int64_t rows = chunks_.shape()[0];
    const std::int64_t n_across = (n_columns() - 1) / chunks_.shape()[1] + 1;
    const std::int64_t first = begin / rows * n_across;
    std::vector<SparseStretches> tiles(as_size(((end - 1) / rows + 1) * n_across - first));
    const std::int64_t n_tiles = std::ssize(tiles);
    const std::int64_t n_each = n_at_once();
    for (std::int64_t next = 0; next < n_tiles; next += n_each) {
      for_each_chunk(first + next, std::min(n_each, n_tiles - next), context,
                     [&](const StoredChunk& stored, std::int64_t number, UnpackedChunk& unpacked) {
                       const std::int64_t row = number / n_across * rows;
                       take_entries(stored, number, number % n_across * chunks_.shape()[1],
                                    std::max(row, begin) - row, std::min(row + rows, end) - row,
                                    unpacked, tiles[as_size(number - first)]);
                     });
    }
    return join_tiles(tiles, n_across, n_columns(), context);
  }

 private:
  [[nodiscard]] std::int64_t n_at_once() const {
    return std::clamp<std::int64_t>(kBytesAtOnce / chunks_.n_bytes(), 1, kTilesAtOnce);
  }

  /// What was never written takes no bytes of the file, but memory here.
  void require_written(std::int64_t n_values, const Context& context) const {
    chunks_.dataset().require_plausible(n_values, std::max(kMostUnwritten, context.max_memory));
  }

  /// take(chunk, its number, memory for it) for n chunks from the first, on all threads.
  template <typename Take>
  void for_each_chunk(std::int64_t first, std::int64_t n, const Context& context,
                      const Take& take) const {
    context.throw_if_cancelled();
    const StoredChunks fetched = chunks_.dataset().fetch_chunks(first, n);
    const std::int64_t n_of_task = n < kManyTiles ? 1 : kTilesOfTask;
    parallel_for(context, n, n_of_task, [&](std::int64_t begin, std::int64_t end) {
      UnpackedChunk unpacked;
      for (std::int64_t i = begin; i < end; ++i) {
        take(fetched.chunks[as_size(i)], first + i, unpacked);
      }
    });
  }

  /// The entries of rows [from, to) of the chunk of that number, whose columns begin at `column`.
  void take_entries(const StoredChunk& stored, std::int64_t number, std::int64_t column,
                    std::int64_t from, std::int64_t to, UnpackedChunk& unpacked,
                    SparseStretches& entries) const {
    const std::int64_t width = chunks_.shape()[1];
    const auto n = as_size(std::min(width, n_columns() - column));
    std::vector<float> converted;
    if (stored.is_stored) {
      chunks_.unpack(stored, number, unpacked);
    } else {
      converted.resize(n);
      chunks_.fill(std::span<float>(converted));
    }
    for (std::int64_t row = from; row < to; ++row) {
      entries.add(stored.is_stored ? chunks_.values(unpacked.bytes, row * width, n, converted)
                                   : std::span<const float>(converted),
                  column);
    }
  }

  /// Copies what is wanted of the chunk of that number; `unpacked` is memory for it.
  void place_values(const StoredChunk& stored, std::int64_t number, std::int64_t n_across,
                    const Rectangle& wanted, UnpackedChunk& unpacked,
                    std::span<float> values) const {
    const std::int64_t rows = chunks_.shape()[0];
    const std::int64_t columns = chunks_.shape()[1];
    const std::int64_t row = number / n_across * rows;
    const std::int64_t column = number % n_across * columns;
    if (stored.is_stored) chunks_.unpack(stored, number, unpacked);
    const std::int64_t from = std::max(column, wanted.first_column);
    const std::int64_t to = std::min(column + columns, wanted.first_column + wanted.n_columns);
    const std::int64_t rows_end = std::min(row + rows, wanted.first_row + wanted.n_rows);
    for (std::int64_t r = std::max(row, wanted.first_row); r < rows_end; ++r) {
      const std::int64_t at =
          (r - wanted.first_row) * wanted.n_columns + from - wanted.first_column;
      const auto out = values.subspan(as_size(at), as_size(to - from));
      if (stored.is_stored) {
        chunks_.convert(unpacked.bytes, (r - row) * columns + from - column, out);
      } else {
        chunks_.fill(out);
      }
    }
  }

  void read_through_hdf5(const Rectangle& wanted, std::span<float> values) const {
    const Hdf5Dataset& dataset = chunks_.dataset();
    const std::array<std::int64_t, 2> start = {wanted.first_row, wanted.first_column};
    const std::array<std::int64_t, 2> count = {wanted.n_rows, wanted.n_columns};
    dataset.read_block(start, count, values);
  }

  Hdf5Chunks chunks_;
};

}  // namespace

std::int64_t DenseTiles::columns_at_once(std::int64_t n_rows) const {
  const std::int64_t width = tile_columns();
  const std::int64_t n_tiles = kDenseValues / std::max<std::int64_t>(1, n_rows * width);
  return width * std::max<std::int64_t>(1, n_tiles);
}

CsrMatrix DenseTiles::read_rows(std::int64_t begin, std::int64_t end,
                                const Context& context) const {
  const std::int64_t n_rows = end - begin;
  const std::int64_t step = columns_at_once(n_rows);
  const std::int64_t n_across = std::max<std::int64_t>(1, (n_columns() + step - 1) / step);
  std::vector<SparseStretches> tiles(as_size((n_rows + kRowsOfTask - 1) / kRowsOfTask * n_across));
  std::vector<float> values;
  for (std::int64_t across = 0; across < n_across; ++across) {
    const std::int64_t column = across * step;
    const std::int64_t n = std::min(step, n_columns() - column);
    values.resize(as_size(n_rows * n));
    read({begin, n_rows, column, n}, values, context);
    parallel_for(context, n_rows, kRowsOfTask, [&](std::int64_t from, std::int64_t to) {
      SparseStretches& tile = tiles[as_size(from / kRowsOfTask * n_across + across)];
      for (std::int64_t row = from; row < to; ++row) {
        tile.add(std::span(values).subspan(as_size(row * n), as_size(n)), column);
      }
    });
  }
  return join_tiles(tiles, n_across, n_columns(), context);
}

SlabOfCells next_slab(CellIndex begin, CellIndex end, CellIndex last_end, CellIndex tile_cells,
                      CellIndex slab_cells, CellIndex n_cells) {
  const CellIndex first = begin / tile_cells * tile_cells;
  const CellIndex n_asked = (end - first + tile_cells - 1) / tile_cells * tile_cells;
  const CellIndex n = first == last_end ? slab_cells : std::min(n_asked, slab_cells);
  return {first, std::min(n_cells, first + n)};
}

std::unique_ptr<DenseTiles> open_dense_tiles(Hdf5Dataset dataset) {
  return std::make_unique<Hdf5Tiles>(std::move(dataset));
}

}  // namespace saithe::io
