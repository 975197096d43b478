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
    const Hdf5Id creation(H5Dget_create_plist(chunks_.dataset().id()));
    is_chunked_ = H5Pget_layout(creation.get()) == H5D_CHUNKED;
  }

  const std::string& where() const override { return chunks_.dataset().where(); }
  std::int64_t n_rows() const override { return chunks_.dataset().shape()[0]; }
  std::int64_t n_columns() const override { return chunks_.dataset().shape()[1]; }
  std::int64_t tile_rows() const override {
    return is_chunked_ ? clamped(chunks_.shape()[0], n_rows()) : 1;
  }
  std::int64_t tile_columns() const override { return clamped(chunks_.shape()[1], n_columns()); }

  std::int64_t tile_bytes() const override {
    return is_chunked_ ? chunks_.unpacking_bytes() + chunks_.n_values() * kFloatBytes : 0;
  }

  void read(const Rectangle& wanted, std::span<float> values,
            const Context& context) const override {
    SAITHE_ASSERT(values.size() == as_size(wanted.n_values()));
    if (values.empty()) return;
    initialise_hdf5();  // this thread may not have opened the file
    require_room_for_chunk(where(), chunks_.n_values(), tile_bytes(), context);
    if (!chunks_.are_own()) return read_through_hdf5(wanted, values);
    const std::int64_t rows = chunks_.shape()[0];
    const std::int64_t columns = chunks_.shape()[1];
    const std::int64_t row_chunk = wanted.first_row / rows;
    const std::int64_t column_chunk = wanted.first_column / columns;
    const std::int64_t across =
        (wanted.first_column + wanted.n_columns - 1) / columns - column_chunk + 1;
    const std::int64_t n = across * ((wanted.first_row + wanted.n_rows - 1) / rows - row_chunk + 1);
    const std::int64_t n_at_once =
        std::clamp<std::int64_t>(kBytesAtOnce / chunks_.n_bytes(), 1, kTilesAtOnce);
    std::vector<RawChunk> raw;
    for (std::int64_t first = 0; first < n; first += n_at_once) {
      context.throw_if_cancelled();
      raw.clear();
      for (std::int64_t i = first; i < std::min(first + n_at_once, n); ++i) {
        const std::array<std::int64_t, 2> place = {row_chunk + i / across,
                                                   column_chunk + i % across};
        raw.push_back(chunks_.fetch(place));
      }
      parallel_for(context, std::ssize(raw), 1, [&](std::int64_t i, std::int64_t) {
        const std::int64_t number = first + i;
        place_values(raw[as_size(i)], (row_chunk + number / across) * rows,
                     (column_chunk + number % across) * columns, wanted, values);
      });
    }
  }

 private:
  /// Copies what is wanted of a chunk whose first value is at (row, column).
  void place_values(RawChunk& raw, std::int64_t row, std::int64_t column, const Rectangle& wanted,
                    std::span<float> values) const {
    const std::int64_t rows = chunks_.shape()[0];
    const std::int64_t columns = chunks_.shape()[1];
    if (raw.is_stored) chunks_.unpack(raw);
    const std::int64_t from = std::max(column, wanted.first_column);
    const std::int64_t to = std::min(column + columns, wanted.first_column + wanted.n_columns);
    const std::int64_t rows_end = std::min(row + rows, wanted.first_row + wanted.n_rows);
    for (std::int64_t r = std::max(row, wanted.first_row); r < rows_end; ++r) {
      const std::int64_t at =
          (r - wanted.first_row) * wanted.n_columns + from - wanted.first_column;
      const auto out = values.subspan(as_size(at), as_size(to - from));
      if (raw.is_stored) {
        chunks_.convert(raw.bytes, (r - row) * columns + from - column, out);
      } else {
        chunks_.fill(out);
      }
    }
    raw.bytes = {};
  }

  void read_through_hdf5(const Rectangle& wanted, std::span<float> values) const {
    const Hdf5Dataset& dataset = chunks_.dataset();
    dataset.require_plausible(wanted.n_values());
    const std::array<hsize_t, 2> start = {static_cast<hsize_t>(wanted.first_row),
                                          static_cast<hsize_t>(wanted.first_column)};
    const std::array<hsize_t, 2> count = {static_cast<hsize_t>(wanted.n_rows),
                                          static_cast<hsize_t>(wanted.n_columns)};
    const Hdf5Id file_space(H5Dget_space(dataset.id()));
    H5Sselect_hyperslab(file_space.get(), H5S_SELECT_SET, start.data(), nullptr, count.data(),
                        nullptr);
    const Hdf5Id memory_space(H5Screate_simple(2, count.data(), nullptr));
    if (H5Dread(dataset.id(), H5T_NATIVE_FLOAT, memory_space.get(), file_space.get(), H5P_DEFAULT,
                values.data()) < 0) {
      fail(ErrorKind::BadFormat,
           "{}: cannot be read: the file is damaged or cut off. Copy it again.", where());
    }
  }

  Hdf5Chunks chunks_;
  bool is_chunked_ = false;
};

}  // namespace

std::unique_ptr<DenseTiles> open_dense_tiles(Hdf5Dataset dataset) {
  return std::make_unique<Hdf5Tiles>(std::move(dataset));
}

}  // namespace saithe::io
