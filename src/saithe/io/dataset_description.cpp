#include "saithe/io/dataset_description.h"

#include <algorithm>

#include "saithe/core/types.h"

namespace saithe::io {

std::int64_t DatasetDescription::size() const {
  std::int64_t n = 1;
  for (const std::int64_t length : shape) n = checked_multiply(n, length, where.c_str());
  return n;
}

bool DatasetDescription::is_plausible(std::int64_t n_values) const {
  const auto bytes =
      checked_multiply(n_values, static_cast<std::int64_t>(value_bytes), where.c_str());
  return bytes / largest_ratio <= stored_bytes;
}

void DatasetDescription::require_plausible(std::int64_t n_values, std::int64_t fill_bytes) const {
  const auto bytes =
      checked_multiply(n_values, static_cast<std::int64_t>(value_bytes), where.c_str());
  if (bytes > fill_bytes && !is_plausible(n_values)) {
    fail(ErrorKind::BadFormat,
         "{}: claims {} values, but the file holds {} bytes for them; it is damaged or not what it "
         "says it is",
         where, n_values, stored_bytes);
  }
}

void add_description(MessageWriter& message, const DatasetDescription& dataset) {
  message.add_text(dataset.where);
  message.add_array(std::span<const std::int64_t>(dataset.shape));
  message.add_integer(static_cast<std::int64_t>(dataset.kind));
  message.add_integer(static_cast<std::int64_t>(dataset.value_bytes));
  message.add_integer(dataset.stored_bytes);
  message.add_integer(dataset.largest_ratio);
  message.add_integer(dataset.has_any_length ? 1 : 0);
  message.add_integer(dataset.is_null ? 1 : 0);
  message.add_integer(static_cast<std::int64_t>(dataset.layout.value_bytes));
  message.add_integer(dataset.layout.is_float ? 1 : 0);
  message.add_integer(dataset.layout.is_signed ? 1 : 0);
  message.add_integer(dataset.layout.is_swapped ? 1 : 0);
  message.add_texts(dataset.field_names);
  message.add_integer(dataset.first_byte);
  message.add_array(std::span<const std::int64_t>(dataset.chunk_shape));
  message.add_array(std::span<const int>(dataset.filters));
  message.add_array(std::span<const unsigned char>(dataset.fill_value));
}

DatasetDescription take_description(MessageReader& message) {
  DatasetDescription dataset;
  dataset.where = message.take_text();
  dataset.shape = message.take_array<std::int64_t>();
  const std::int64_t kind = message.take_integer();
  const std::int64_t value_bytes = message.take_integer();
  dataset.stored_bytes = message.take_integer();
  dataset.largest_ratio = message.take_integer();
  dataset.has_any_length = message.take_integer() != 0;
  dataset.is_null = message.take_integer() != 0;
  const std::int64_t layout_bytes = message.take_integer();
  dataset.layout.is_float = message.take_integer() != 0;
  dataset.layout.is_signed = message.take_integer() != 0;
  dataset.layout.is_swapped = message.take_integer() != 0;
  dataset.field_names = message.take_texts();
  dataset.first_byte = message.take_integer();
  dataset.chunk_shape = message.take_array<std::int64_t>();
  dataset.filters = message.take_array<int>();
  dataset.fill_value = message.take_array<unsigned char>();

  const auto is_negative = [](std::int64_t length) { return length < 0; };
  const bool is_possible =
      0 <= kind && kind <= static_cast<std::int64_t>(StoredKind::Other) && value_bytes >= 0 &&
      dataset.stored_bytes >= 0 && dataset.largest_ratio > 0 && dataset.first_byte >= -1 &&
      (layout_bytes == 0 || layout_bytes == value_bytes) && layout_bytes <= 8 &&
      (dataset.fill_value.empty() || std::ssize(dataset.fill_value) == value_bytes) &&
      std::none_of(dataset.shape.begin(), dataset.shape.end(), is_negative) &&
      std::none_of(dataset.chunk_shape.begin(), dataset.chunk_shape.end(), is_negative);
  if (!is_possible) {
    fail(ErrorKind::BadFormat, "{}: cannot be read: the file is damaged. Copy it again.",
         dataset.where);
  }
  dataset.kind = static_cast<StoredKind>(kind);
  dataset.value_bytes = as_size(value_bytes);
  dataset.layout.value_bytes = as_size(layout_bytes);
  return dataset;
}

}  // namespace saithe::io
