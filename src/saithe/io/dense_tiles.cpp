#include "saithe/io/dense_tiles.h"

#include <algorithm>
#include <array>

#include "saithe/core/parallel.h"

namespace saithe::io {
namespace {

// What is fetched before it is inflated together.
constexpr std::int64_t kBytesAtOnce = std::int64_t{1} << 26;
constexpr std::int64_t kTilesAtOnce = 256;
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
    // What was never written takes no bytes of the file, but memory here.
    chunks_.dataset().require_plausible(wanted.n_values(),
                                        std::max(kMostUnwritten, context.max_memory));
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
    const auto read_run = [&](std::int64_t first, std::int64_t n_chunks) {
      context.throw_if_cancelled();
      const StoredChunks fetched = chunks_.dataset().fetch_chunks(first, n_chunks);
      parallel_for(context, n_chunks, 1, [&](std::int64_t i, std::int64_t) {
        place_values(fetched.chunks[as_size(i)], first + i, n_across, wanted, values);
      });
    };
    // Chunks are numbered along the rows of the grid: those of whole rows follow one another.
    const bool are_whole = across == n_across;
    const std::int64_t n_runs = are_whole ? 1 : n / across;
    const std::int64_t n_in_run = are_whole ? n : across;
    const std::int64_t n_at_once =
        std::clamp<std::int64_t>(kBytesAtOnce / chunks_.n_bytes(), 1, kTilesAtOnce);
    for (std::int64_t run = 0; run < n_runs; ++run) {
      const std::int64_t first = (row_chunk + run) * n_across + column_chunk;
      for (std::int64_t i = 0; i < n_in_run; i += n_at_once) {
        read_run(first + i, std::min(n_at_once, n_in_run - i));
      }
    }
  }

 private:
  /// Copies what is wanted of the chunk of that number.
  void place_values(const StoredChunk& stored, std::int64_t number, std::int64_t n_across,
                    const Rectangle& wanted, std::span<float> values) const {
    const std::int64_t rows = chunks_.shape()[0];
    const std::int64_t columns = chunks_.shape()[1];
    const std::int64_t row = number / n_across * rows;
    const std::int64_t column = number % n_across * columns;
    UnpackedChunk unpacked;
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

std::unique_ptr<DenseTiles> open_dense_tiles(Hdf5Dataset dataset) {
  return std::make_unique<Hdf5Tiles>(std::move(dataset));
}

}  // namespace saithe::io
