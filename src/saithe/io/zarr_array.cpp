#include "saithe/io/zarr_array.h"

#include <algorithm>
#include <deque>

#include "saithe/core/error.h"
#include "saithe/core/parallel.h"
#include "saithe/core/types.h"
#include "saithe/io/zarr_values.h"

namespace saithe::io {

namespace {

using Kind = ZarrType::Kind;

// A chunk is unpacked as a whole; what AnnData writes has at most some hundred megabytes.
constexpr std::int64_t kMaxChunkBytes = std::int64_t{1} << 31;
// Indices of shards that are kept.
constexpr std::size_t kKeptIndices = 8;
// A chunk from this size on is unpacked alone where memory is short, and kept until another is
// asked for.
constexpr std::int64_t kLargeChunkBytes = std::int64_t{1} << 23;
// Names of cells and genes are no zeros: they are packed to less than a thousandth nowhere.
constexpr std::int64_t kMaxNameRatio = 1024;
constexpr std::int64_t kSmall = 65536;
constexpr std::int64_t kLeastTextBytes = 4;  // its length
constexpr std::uint64_t kNotStored = ~std::uint64_t{0};

std::int64_t product(const std::vector<std::int64_t>& sizes) {
  std::int64_t n = 1;
  for (const std::int64_t size : sizes) n *= size;  // require_sound() has seen that it fits
  return n;
}

std::uint64_t number_at(const std::string& bytes, std::size_t begin) {
  std::uint64_t value = 0;
  for (std::size_t i = 8; i-- > 0;) {
    value = value << 8 | static_cast<unsigned char>(bytes[begin + i]);
  }
  return value;
}

}  // namespace

/// Where each chunk of a shard lies.
struct ZarrArray::ShardIndex {
  std::string key;
  std::int64_t bytes = 0;  // of the shard; 0: it is not stored
  std::string entries;     // pairs of offset and size, 8 bytes each
};

struct ZarrArray::Cache {
  std::mutex mutex;
  std::deque<std::shared_ptr<const ShardIndex>> indices;
  Place kept_place;
  std::shared_ptr<const std::string> kept;  // a large chunk, unpacked
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

std::shared_ptr<const ZarrArray::ShardIndex> ZarrArray::shard_index(const std::string& key) const {
  const std::lock_guard lock(cache_->mutex);
  for (const auto& index : cache_->indices) {
    if (index->key == key) return index;
  }
  auto index = std::make_shared<ShardIndex>();
  index->key = key;
  if (const auto n = node_.store().size(key)) {
    std::int64_t n_entries = 1;
    for (std::size_t i = 0; i < layout_.chunk.size(); ++i) {
      n_entries *= layout_.shard[i] / layout_.chunk[i];
    }
    const std::int64_t n_content = 16 * n_entries;
    const std::int64_t n_index =
        n_content + 4 * static_cast<std::int64_t>(layout_.index_steps.size());
    const std::string shard = where() + "/" + key;
    if (n_index > *n) {
      fail(ErrorKind::BadFormat,
           "{}: the shard {} has {} bytes, fewer than its index; the store "
           "is damaged",
           where(), key, *n);
    }
    index->bytes = *n;
    index->entries =
        unpack_zarr(node_.store().read(key, layout_.has_index_at_end ? *n - n_index : 0, n_index),
                    layout_.index_steps, n_content, where() + ": index of " + key);
  }
  cache_->indices.push_back(index);
  if (cache_->indices.size() > kKeptIndices) cache_->indices.pop_front();
  return index;
}

std::optional<std::string> ZarrArray::packed_in_shard(const Place& place) const {
  Place shard = place;
  std::int64_t entry = 0;
  for (std::size_t i = 0; i < place.size(); ++i) {
    const std::int64_t n_inside = layout_.shard[i] / layout_.chunk[i];
    shard[i] = place[i] / n_inside;
    entry = entry * n_inside + place[i] % n_inside;
  }
  const auto index = shard_index(chunk_key(shard));
  if (index->bytes == 0) return std::nullopt;
  const std::uint64_t offset = number_at(index->entries, as_size(16 * entry));
  const std::uint64_t n = number_at(index->entries, as_size(16 * entry) + 8);
  if (offset == kNotStored && n == kNotStored) return std::nullopt;
  const auto n_shard = static_cast<std::uint64_t>(index->bytes);
  if (offset > n_shard || n > n_shard - offset) {
    fail(ErrorKind::BadFormat, "{}: lies outside of its shard; the store is damaged",
         chunk_where(place));
  }
  return node_.store().read(index->key, static_cast<std::int64_t>(offset),
                            static_cast<std::int64_t>(n));
}

/// The unpacked bytes of a chunk; none if it is not stored: then its values are the fill value.
std::shared_ptr<const std::string> ZarrArray::chunk(const Place& place) const {
  // Some writers make one chunk of a whole array: it is unpacked once, not for every block.
  const bool is_kept = place.size() == 1 && unpacking_bytes() >= kLargeChunkBytes;
  if (is_kept) {
    const std::lock_guard lock(cache_->mutex);
    if (cache_->kept_place == place) return cache_->kept;
    cache_->kept.reset();
    cache_->kept_place.clear();
  }
  auto packed = packed_chunk(place);
  if (!packed) return nullptr;
  const std::int64_t n_bytes =
      layout_.type.kind == Kind::VlenText ? -1 : chunk_values() * layout_.type.bytes;
  auto bytes = std::make_shared<const std::string>(
      unpack_zarr(std::move(*packed), layout_.steps, n_bytes, chunk_where(place)));
  if (is_kept) {
    const std::lock_guard lock(cache_->mutex);
    cache_->kept_place = place;
    cache_->kept = bytes;
  }
  return bytes;
}

std::int64_t ZarrArray::unpacking_bytes() const {
  // Packed, unpacked, and what lies between two steps.
  return layout_.type.bytes * chunk_values() * (layout_.steps.empty() ? 1 : 2);
}

/// Calls body(i) for n chunks: on all threads, unless so many would pass context.max_memory.
template <typename Body>
void ZarrArray::for_each_place(std::int64_t n, const Context& context, const Body& body) const {
  const std::int64_t bytes = unpacking_bytes();
  require_room_for_chunk(where(), chunk_values(), bytes, context);
  const auto run = [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      context.throw_if_cancelled();
      body(i);
    }
  };
  if (bytes >= kLargeChunkBytes && bytes * context.n_threads() > context.max_memory / 2) {
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
  SAITHE_ASSERT(0 <= begin && begin <= end && end <= size());
  if (begin == end) return;
  const std::int64_t n = layout_.chunk.front();
  const std::int64_t first_chunk = begin / n;
  const std::int64_t last_chunk = (end - 1) / n;
  for_each_place(last_chunk - first_chunk + 1, context, [&](std::int64_t i) {
    const std::int64_t c = first_chunk + i;
    body(Place{c}, std::max(begin, c * n), std::min(end, (c + 1) * n));
  });
}

template <typename Value>
void ZarrArray::read_any(std::int64_t begin, std::span<Value> values,
                         const Context& context) const {
  if (!is_number()) {
    fail(ErrorKind::BadFormat, "{}: holds values of type {}; expected numbers", where(),
         layout_.type.name);
  }
  const auto width = static_cast<std::size_t>(layout_.type.bytes);
  for_each_chunk(
      begin, begin + static_cast<std::int64_t>(values.size()), context,
      [&](const Place& place, std::int64_t first, std::int64_t last) {
        const std::span<Value> out = values.subspan(as_size(first - begin), as_size(last - first));
        const auto bytes = chunk(place);
        if (!bytes) {
          std::fill(out.begin(), out.end(), static_cast<Value>(layout_.fill_value));
          return;
        }
        const auto skipped = as_size(first - place.front() * layout_.chunk.front()) * width;
        if (!convert_values(std::string_view(*bytes).substr(skipped), width, layout_.type, out)) {
          fail(ErrorKind::BadFormat, "{}: has a value that does not fit {} bits, or a fraction",
               chunk_where(place), 8 * sizeof(Value));
        }
      });
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

void ZarrArray::read_rectangle(const Rectangle& wanted, std::span<float> values,
                               const Context& context) const {
  SAITHE_ASSERT(layout_.shape.size() == 2 && values.size() == as_size(wanted.n_values()));
  if (!is_number()) {
    fail(ErrorKind::BadFormat, "{}: holds values of type {}; expected numbers", where(),
         layout_.type.name);
  }
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
void ZarrArray::place_values(const std::shared_ptr<const std::string>& bytes, const Place& place,
                             const Rectangle& wanted, std::span<float> values) const {
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
  for_each_chunk(
      begin, end, context, [&](const Place& place, std::int64_t first, std::int64_t last) {
        const auto bytes = chunk(place);
        if (!bytes) return;  // empty texts
        auto decoded = decode_vlen_texts(*bytes, chunk_where(place));
        const std::int64_t in_chunk = first - place.front() * layout_.chunk.front();
        const std::int64_t n_wanted = last - first;
        if (std::ssize(decoded) < in_chunk + n_wanted) {
          fail(ErrorKind::BadFormat, "{}: has {} texts; expected {}; the store is damaged",
               chunk_where(place), decoded.size(), in_chunk + n_wanted);
        }
        std::move(decoded.begin() + in_chunk, decoded.begin() + in_chunk + n_wanted,
                  texts.begin() + (first - begin));
      });
  return texts;
}

std::vector<double> ZarrArray::read_field_numbers(const ZarrType::Field& field,
                                                  const Context& context) const {
  std::vector<double> values(as_size(checked_length(-1)));
  const auto stride = static_cast<std::size_t>(layout_.type.bytes);
  for_each_chunk(
      0, size(), context, [&](const Place& place, std::int64_t first, std::int64_t last) {
        const auto bytes = chunk(place);
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
  const std::int64_t stride = layout_.type.bytes;
  for_each_chunk(
      begin, end, context, [&](const Place& place, std::int64_t first, std::int64_t last) {
        const auto bytes = chunk(place);
        if (!bytes) return;
        for (std::int64_t i = first; i < last; ++i) {
          const std::int64_t at =
              (i - place.front() * layout_.chunk.front()) * stride + field.offset;
          texts[as_size(i - begin)] = fixed_text(
              std::string_view(*bytes).substr(as_size(at), as_size(field.type.bytes)), field.type);
        }
      });
  return texts;
}

}  // namespace saithe::io
