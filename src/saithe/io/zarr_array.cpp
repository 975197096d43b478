#include "saithe/io/zarr_array.h"

#include <algorithm>

#include "saithe/core/error.h"
#include "saithe/core/parallel.h"
#include "saithe/core/types.h"
#include "saithe/io/chunk_cache.h"
#include "saithe/io/text_memory.h"
#include "saithe/io/zarr_shards.h"
#include "saithe/io/zarr_values.h"

namespace saithe::io {

namespace {

using Kind = ZarrType::Kind;

// A chunk is unpacked as a whole; what AnnData writes has at most some hundred megabytes.
constexpr std::int64_t kMaxChunkBytes = std::int64_t{1} << 31;
// A chunk from this size on is unpacked alone where memory is short, and kept until another is
// asked for.
constexpr std::int64_t kLargeChunkBytes = std::int64_t{1} << 23;
// What is kept of an array's chunks, beside the one that was used last.
constexpr std::int64_t kMostKeptBytes = std::int64_t{1} << 21;
// Names of cells and genes are no zeros: they are packed to less than a thousandth nowhere.
constexpr std::int64_t kMaxNameRatio = 1024;
constexpr std::int64_t kSmall = 65536;
constexpr std::int64_t kLeastTextBytes = 4;  // its length

std::int64_t product(const std::vector<std::int64_t>& sizes) {
  std::int64_t n = 1;
  for (const std::int64_t size : sizes) n *= size;  // require_sound() has seen that it fits
  return n;
}

}  // namespace

struct ZarrArray::Cache {
  std::mutex mutex;
  ZarrShards shards;
  BasicChunkCache<std::string> chunks;
  std::optional<std::int64_t> first_unstored;  // of the chunks of zeros that were read
};

ZarrArray::ZarrArray(ZarrNode node)
    : node_(std::move(node)), layout_(node_.layout()), cache_(std::make_shared<Cache>()) {
  if (layout_.type.bytes * chunk_values() > kMaxChunkBytes) {
    fail(ErrorKind::BadFormat,
         "{}: its chunks have {} values of {} bytes; at most {} bytes are read at once", where(),
         chunk_values(), layout_.type.bytes, kMaxChunkBytes);
  }
}

bool ZarrArray::is_text() const {
  const Kind kind = layout_.type.kind;
  return kind == Kind::VlenText || kind == Kind::FixedText || kind == Kind::WideText;
}

bool ZarrArray::is_number() const {
  const Kind kind = layout_.type.kind;
  return kind == Kind::Signed || kind == Kind::Unsigned || kind == Kind::Float ||
         kind == Kind::Boolean;
}

std::int64_t ZarrArray::size() const {
  if (layout_.shape.size() != 1) {
    fail(ErrorKind::BadFormat, "{}: has {} dimensions; expected 1", where(), layout_.shape.size());
  }
  return layout_.shape.front();
}

std::int64_t ZarrArray::chunk_values() const {
  return product(layout_.chunk);
}

std::string ZarrArray::chunk_key(const Place& place) const {
  std::string key = layout_.key_prefix;
  for (const std::int64_t at : place) {
    if (!key.empty()) key += layout_.key_separator;
    key += std::to_string(at);
  }
  if (key.empty()) key = "0";
  return node_.key(key);
}

std::string ZarrArray::chunk_where(const Place& place) const {
  std::string text;
  for (const std::int64_t at : place) text += (text.empty() ? "" : ".") + std::to_string(at);
  return where() + ": chunk " + text;
}

std::optional<std::string> ZarrArray::packed_chunk(const Place& place) const {
  if (layout_.is_sharded) return packed_in_shard(place);
  const std::string key = chunk_key(place);
  const auto n = node_.store().size(key);
  if (!n) return std::nullopt;
  return node_.store().read(key, 0, *n);
}

std::optional<std::string> ZarrArray::packed_in_shard(const Place& place) const {
  Place shard = place;
  std::int64_t entry = 0;
  for (std::size_t i = 0; i < place.size(); ++i) {
    const std::int64_t n_inside = layout_.shard[i] / layout_.chunk[i];
    shard[i] = place[i] / n_inside;
    entry = entry * n_inside + place[i] % n_inside;
  }
  return cache_->shards.read(node_, chunk_key(shard), entry, chunk_where(place));
}

/// The unpacked bytes of a chunk; none if it is not stored: then its values are the fill value.
ZarrArray::Bytes ZarrArray::chunk(const Place& place) const {
  auto packed = packed_chunk(place);
  if (!packed) return nullptr;
  const std::int64_t n_bytes =
      layout_.type.kind == Kind::VlenText ? -1 : chunk_values() * layout_.type.bytes;
  return std::make_shared<const std::string>(
      unpack_zarr(std::move(*packed), layout_.steps, n_bytes, chunk_where(place)));
}

/// A chunk of a 1-dimensional array that was kept, or null.
ZarrArray::Bytes ZarrArray::kept_chunk(std::int64_t number) const {
  const std::lock_guard lock(cache_->mutex);
  auto bytes = cache_->chunks.find("", number);
  // The memory of a large one makes room for the next.
  if (!bytes && is_large()) cache_->chunks.give_up_all();
  return bytes;
}

/// A chunk of a 1-dimensional array of which only a part is used now. It is kept: the rest is
/// probably asked for next. Some writers make one chunk of a whole array.
ZarrArray::Bytes ZarrArray::chunk_for_part(const Place& place) const {
  auto bytes = kept_chunk(place.front());
  if (bytes) return bytes;
  bytes = chunk(place);
  if (!bytes) return nullptr;
  const std::lock_guard lock(cache_->mutex);
  cache_->chunks.keep("", place.front(), bytes, std::max(kMostKeptBytes, std::ssize(*bytes)));
  return bytes;
}

bool ZarrArray::is_large() const {
  return unpacking_bytes() >= kLargeChunkBytes;
}

std::int64_t ZarrArray::unpacking_bytes() const {
  // Packed, unpacked, and what lies between two steps.
  return layout_.type.bytes * chunk_values() * (layout_.steps.empty() ? 1 : 2);
}

/// Calls body(i) for n chunks: on all threads, unless so many would pass context.max_memory.
template <typename Body>
void ZarrArray::for_each_place(std::int64_t n, const Context& context, const Body& body) const {
  if (n == 0) return;
  const std::int64_t bytes = unpacking_bytes();
  require_room_for_chunk(where(), chunk_values(), bytes, context);
  const auto run = [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      context.throw_if_cancelled();
      body(i);
    }
  };
  if (is_large() && bytes * context.n_threads() > context.max_memory / 2) {
    run(0, n);
  } else {
    parallel_for(context, n, 1, run);
  }
}

/// Calls body(place, first, last) on all threads for each chunk of a 1-dimensional array, with the
/// wanted values [first, last) that lie in it.
template <typename Body>
void ZarrArray::for_each_chunk(std::int64_t begin, std::int64_t end, const Context& context,
                               const Body& body) const {
  const std::int64_t n = layout_.chunk.front();
  for_each_place(n_chunks_of(begin, end - begin), context, [&](std::int64_t i) {
    const std::int64_t c = begin / n + i;
    body(Place{c}, std::max(begin, c * n), std::min(end, (c + 1) * n));
  });
}

void ZarrArray::require_numbers() const {
  if (is_number()) return;
  fail(ErrorKind::BadFormat, "{}: holds values of type {}; expected numbers", where(),
       layout_.type.name);
}

/// How many chunks hold values [begin, begin + n).
std::int64_t ZarrArray::n_chunks_of(std::int64_t begin, std::int64_t n) const {
  SAITHE_ASSERT(0 <= begin && n >= 0 && begin + n <= size());
  const std::int64_t each = layout_.chunk.front();
  return n == 0 ? 0 : (begin + n - 1) / each - begin / each + 1;
}

/// What the i-th of these chunks holds of the values from `begin` on.
template <typename Value>
void ZarrArray::read_chunk_of(std::int64_t i, std::int64_t begin, std::span<Value> values,
                              const Context& context) const {
  context.throw_if_cancelled();
  const std::int64_t each = layout_.chunk.front();
  const std::int64_t number = begin / each + i;
  const std::int64_t first = std::max(begin, number * each);
  const std::int64_t last = std::min(begin + std::ssize(values), (number + 1) * each);
  read_part({number}, first, values.subspan(as_size(first - begin), as_size(last - first)));
}

template <typename Value>
void ZarrArray::read_any(std::int64_t begin, std::span<Value> values,
                         const Context& context) const {
  require_numbers();
  for_each_place(n_chunks_of(begin, std::ssize(values)), context,
                 [&](std::int64_t i) { read_chunk_of(i, begin, values, context); });
}

/// Values from `first` on, all of which lie in the chunk `place`.
template <typename Value>
void ZarrArray::read_part(const Place& place, std::int64_t first, std::span<Value> values) const {
  const std::int64_t chunk_begin = place.front() * layout_.chunk.front();
  const bool is_all = std::ssize(values) == std::min(chunk_values(), size() - chunk_begin);
  Bytes bytes = is_all ? kept_chunk(place.front()) : chunk_for_part(place);
  if (is_all && !bytes) {
    if (std::ssize(values) == chunk_values() && are_stored_as<Value>(layout_.type)) {
      return read_in_place(place, values);
    }
    bytes = chunk(place);
  }
  if (!bytes) return fill(place, values);
  const auto width = static_cast<std::size_t>(layout_.type.bytes);
  const auto rest = std::string_view(*bytes).substr(as_size(first - chunk_begin) * width);
  if (!convert_values(rest, width, layout_.type, values)) {
    fail(ErrorKind::BadFormat, "{}: has a value that does not fit {} bits, or a fraction",
         chunk_where(place), 8 * sizeof(Value));
  }
}

/// Of a chunk that is not stored.
template <typename Value>
void ZarrArray::fill(const Place& place, std::span<Value> values) const {
  std::fill(values.begin(), values.end(), static_cast<Value>(layout_.fill_value));
  if (layout_.fill_value != 0) return;
  const std::lock_guard lock(cache_->mutex);
  auto& first = cache_->first_unstored;
  first = std::min(first.value_or(place.front()), place.front());
}

std::optional<std::string> ZarrArray::unstored_zeros() const {
  const std::lock_guard lock(cache_->mutex);
  if (!cache_->first_unstored) return std::nullopt;
  return chunk_where({*cache_->first_unstored});
}

/// All of a chunk whose values need no conversion.
template <typename Value>
void ZarrArray::read_in_place(const Place& place, std::span<Value> values) const {
  auto packed = packed_chunk(place);
  if (!packed) return fill(place, values);
  unpack_zarr_into({reinterpret_cast<char*>(values.data()), values.size_bytes()},
                   std::move(*packed), layout_.steps, chunk_where(place));
}

void ZarrArray::read(std::int64_t begin, std::span<float> values, const Context& context) const {
  read_any(begin, values, context);
}
void ZarrArray::read(std::int64_t begin, std::span<double> values, const Context& context) const {
  read_any(begin, values, context);
}
void ZarrArray::read(std::int64_t begin, std::span<std::int32_t> values,
                     const Context& context) const {
  read_any(begin, values, context);
}
void ZarrArray::read(std::int64_t begin, std::span<std::int64_t> values,
                     const Context& context) const {
  read_any(begin, values, context);
}
void ZarrArray::read(std::int64_t begin, std::span<std::uint64_t> values,
                     const Context& context) const {
  read_any(begin, values, context);
}

void read_entries(std::int64_t begin, const ZarrArray& columns,
                  std::span<std::int32_t> into_columns, const ZarrArray& values,
                  std::span<float> into_values, const Context& context) {
  if (columns.is_large() || values.is_large()) {  // fewer at once where memory is short
    columns.read(begin, into_columns, context);
    values.read(begin, into_values, context);
    return;
  }
  for (const ZarrArray* array : {&columns, &values}) {
    array->require_numbers();
    require_room_for_chunk(array->where(), array->chunk_values(), array->unpacking_bytes(),
                           context);
  }
  const std::int64_t n = columns.n_chunks_of(begin, std::ssize(into_columns));
  const std::int64_t n_all = n + values.n_chunks_of(begin, std::ssize(into_values));
  parallel_for(context, n_all, 1, [&](std::int64_t i, std::int64_t) {
    if (i < n) return columns.read_chunk_of(i, begin, into_columns, context);
    values.read_chunk_of(i - n, begin, into_values, context);
  });
}

void ZarrArray::read_rectangle(const Rectangle& wanted, std::span<float> values,
                               const Context& context) const {
  SAITHE_ASSERT(layout_.shape.size() == 2 && values.size() == as_size(wanted.n_values()));
  require_numbers();
  if (values.empty()) return;
  const std::int64_t rows = layout_.chunk[0];
  const std::int64_t columns = layout_.chunk[1];
  const std::int64_t row_chunk = wanted.first_row / rows;
  const std::int64_t column_chunk = wanted.first_column / columns;
  const std::int64_t across =
      (wanted.first_column + wanted.n_columns - 1) / columns - column_chunk + 1;
  const std::int64_t n = across * ((wanted.first_row + wanted.n_rows - 1) / rows - row_chunk + 1);
  for_each_place(n, context, [&](std::int64_t c) {
    const Place place{row_chunk + c / across, column_chunk + c % across};
    place_values(chunk(place), place, wanted, values);
  });
}

/// Copies what is wanted of a chunk, or its fill value where it is not stored.
void ZarrArray::place_values(const Bytes& bytes, const Place& place, const Rectangle& wanted,
                             std::span<float> values) const {
  const std::int64_t rows = layout_.chunk[0];
  const std::int64_t columns = layout_.chunk[1];
  const auto width = static_cast<std::size_t>(layout_.type.bytes);
  const std::int64_t from = std::max(place[1] * columns, wanted.first_column);
  const std::int64_t to =
      std::min((place[1] + 1) * columns, wanted.first_column + wanted.n_columns);
  const std::int64_t rows_end = std::min((place[0] + 1) * rows, wanted.first_row + wanted.n_rows);
  for (std::int64_t row = std::max(place[0] * rows, wanted.first_row); row < rows_end; ++row) {
    const std::int64_t at =
        (row - wanted.first_row) * wanted.n_columns + from - wanted.first_column;
    const std::span<float> out = values.subspan(as_size(at), as_size(to - from));
    if (!bytes) {
      std::fill(out.begin(), out.end(), static_cast<float>(layout_.fill_value));
      continue;
    }
    const std::int64_t row_inside = row - place[0] * rows;
    const std::int64_t column_inside = from - place[1] * columns;
    const std::int64_t start = layout_.is_column_major ? row_inside + column_inside * rows
                                                       : row_inside * columns + column_inside;
    const std::size_t stride = layout_.is_column_major ? as_size(rows) * width : width;
    convert_values(std::string_view(*bytes).substr(as_size(start) * width), stride, layout_.type,
                   out);
  }
}

/// The length, before memory is taken for it.
std::int64_t ZarrArray::checked_length(std::int64_t n_expected) const {
  const std::int64_t n = size();
  if (n_expected >= 0 && n != n_expected) {
    fail(ErrorKind::BadFormat, "{}: has {} entries for {} rows", where(), n, n_expected);
  }
  if (n_expected >= 0 || n == 0) return n;
  std::int64_t n_stored = 0;
  for (std::int64_t c = 0; c <= (n - 1) / layout_.chunk.front(); ++c) {
    const auto packed = packed_chunk({c});
    if (!packed) {
      fail(ErrorKind::BadFormat, "{}: is not stored; the store is damaged", chunk_where({c}));
    }
    n_stored += static_cast<std::int64_t>(packed->size());
  }
  const std::int64_t bytes_each =
      layout_.type.kind == Kind::VlenText ? kLeastTextBytes : layout_.type.bytes;
  if (n > (n_stored * kMaxNameRatio + kSmall) / bytes_each) {
    fail(ErrorKind::BadFormat, "{}: {} stored bytes cannot stand for {} entries; it is damaged",
         where(), n_stored, n);
  }
  return n;
}

std::vector<double> ZarrArray::read_numbers(std::int64_t n_expected, const Context& context) const {
  std::vector<double> values(as_size(checked_length(n_expected)));
  read(0, std::span<double>(values), context);
  return values;
}

std::vector<std::int64_t> ZarrArray::read_integers(std::int64_t n_expected,
                                                   const Context& context) const {
  std::vector<std::int64_t> values(as_size(checked_length(n_expected)));
  read(0, std::span<std::int64_t>(values), context);
  return values;
}

std::vector<std::uint64_t> ZarrArray::read_unsigned(std::int64_t n_expected,
                                                    const Context& context) const {
  std::vector<std::uint64_t> values(as_size(checked_length(n_expected)));
  read(0, std::span<std::uint64_t>(values), context);
  return values;
}

void ZarrArray::require_text() const {
  if (is_text()) return;
  fail(ErrorKind::BadFormat, "{}: holds values of type {}; expected texts", where(),
       layout_.type.name);
}

std::vector<std::string> ZarrArray::read_texts(std::int64_t n_expected,
                                               const Context& context) const {
  require_text();
  return read_texts(0, checked_length(n_expected), context);
}

std::vector<std::string> ZarrArray::read_texts(std::int64_t begin, std::int64_t end,
                                               const Context& context) const {
  require_text();
  if (layout_.type.kind != Kind::VlenText) {
    return read_fixed_texts({"", 0, layout_.type}, begin, end, context);
  }
  std::vector<std::string> texts(as_size(end - begin));
  TextMemory memory(where(), end - begin, context.max_memory);
  for_each_chunk(
      begin, end, context, [&](const Place& place, std::int64_t first, std::int64_t last) {
        const std::int64_t chunk_begin = place.front() * layout_.chunk.front();
        const bool is_all = last - first == std::min(chunk_values(), size() - chunk_begin);
        const auto bytes = is_all ? chunk(place) : chunk_for_part(place);
        if (!bytes) return;  // empty texts
        auto decoded =
            decode_vlen_texts(*bytes, first - chunk_begin, last - first, chunk_where(place));
        memory.add(decoded);
        std::ranges::move(decoded, texts.begin() + (first - begin));
      });
  return texts;
}

std::vector<double> ZarrArray::read_field_numbers(const ZarrType::Field& field,
                                                  const Context& context) const {
  std::vector<double> values(as_size(checked_length(-1)));
  const auto stride = static_cast<std::size_t>(layout_.type.bytes);
  for_each_chunk(
      0, size(), context, [&](const Place& place, std::int64_t first, std::int64_t last) {
        const auto bytes = chunk_for_part(place);
        const std::span<double> out =
            std::span(values).subspan(as_size(first), as_size(last - first));
        if (!bytes || !convert_values(std::string_view(*bytes).substr(as_size(field.offset)),
                                      stride, field.type, out)) {
          fail(ErrorKind::BadFormat, "{}: the field {} holds no numbers", chunk_where(place),
               field.name);
        }
      });
  return values;
}

std::vector<std::string> ZarrArray::read_fixed_texts(const ZarrType::Field& field,
                                                     std::int64_t begin, std::int64_t end,
                                                     const Context& context) const {
  std::vector<std::string> texts(as_size(end - begin));
  TextMemory memory(where(), end - begin, context.max_memory);
  const std::int64_t stride = layout_.type.bytes;
  for_each_chunk(
      begin, end, context, [&](const Place& place, std::int64_t first, std::int64_t last) {
        const auto bytes = chunk_for_part(place);
        if (!bytes) return;
        for (std::int64_t i = first; i < last; ++i) {
          const std::int64_t at =
              (i - place.front() * layout_.chunk.front()) * stride + field.offset;
          texts[as_size(i - begin)] = fixed_text(
              std::string_view(*bytes).substr(as_size(at), as_size(field.type.bytes)), field.type);
        }
        memory.add(std::span(texts).subspan(as_size(first - begin), as_size(last - first)));
      });
  return texts;
}

}  // namespace saithe::io
