#include "saithe/io/hdf5_column.h"

#include <algorithm>
#include <array>
#include <memory>

#include "saithe/io/frame_columns.h"

namespace saithe::io {

NumberColumn read_number_column(const Hdf5Dataset& dataset, const std::vector<bool>& mask) {
  NumberColumn column{dataset.read_numbers(), NumberColumn::Kind::Float64};
  apply_mask(column, mask);
  if (dataset.kind() == StoredKind::Boolean) column.kind = NumberColumn::Kind::Boolean;
  if (dataset.kind() == StoredKind::Float && dataset.value_bytes() <= 4) {
    column.kind = NumberColumn::Kind::Float32;
  }
  if (dataset.kind() != StoredKind::Integer) return column;
  column.kind = NumberColumn::Kind::Integer;
  if (!need_exact_integers(column.values)) return column;
  const auto require_all = [&](std::size_t n) {
    if (n == column.values.size()) return;
    fail(ErrorKind::BadFormat, "{}: has {} values, then {}; the file was changed or is damaged",
         dataset.where(), column.values.size(), n);
  };
  // Of numbers past 64 bits with a sign HDF5 makes the largest that has one, and of those below 0
  // without a sign 0.
  if (need_unsigned_integers(column.values)) {
    const auto whole = dataset.read_unsigned();
    require_all(whole.size());
    hold_exactly(column, whole);
    return column;
  }
  auto whole = dataset.read_integers();
  require_all(whole.size());
  hold_exactly(column, std::move(whole));
  return column;
}

ReadColumn reader_of(const Hdf5Dataset& dataset) {
  const auto& shape = dataset.shape();
  const bool is_column = shape.size() == 1 || (shape.size() == 2 && shape[1] == 1);
  if (dataset.is_null() || !is_column || dataset.kind() == StoredKind::Other) return nullptr;
  if (dataset.kind() == StoredKind::Text) {
    return [dataset] { return TextColumn{dataset.read_texts(), {}}; };
  }
  return {[dataset] { return read_number_column(dataset); }, kBytesOfOtherEntry};
}

ReadNames reader_of_names(const Hdf5Dataset& names) {
  if (names.is_null() || names.shape().size() != 1) return nullptr;
  if (names.kind() == StoredKind::Text) {
    return [names](std::int64_t begin, std::int64_t end) {
      return names.read_texts(begin, end - begin);
    };
  }
  if (names.kind() != StoredKind::Integer) return nullptr;
  const NumberLayout& layout = names.description().layout;
  if (!layout.is_signed && names.value_bytes() >= sizeof(std::int64_t)) {
    // Blocks are read with a sign only.
    names.require_plausible(names.size());
    const auto numbers = std::make_shared<const std::vector<std::uint64_t>>(names.read_unsigned());
    return [numbers](std::int64_t begin, std::int64_t end) {
      return whole_names(std::span(*numbers).subspan(as_size(begin), as_size(end - begin)));
    };
  }
  return [names](std::int64_t begin, std::int64_t end) {
    std::vector<std::int64_t> numbers(as_size(end - begin));
    const std::array<std::int64_t, 1> start = {begin};
    const std::array<std::int64_t, 1> count = {end - begin};
    names.read_block(start, count, std::span(numbers));
    return whole_names(std::span<const std::int64_t>(numbers));
  };
}

Table table_named_later(const Hdf5Dataset& names, ReadNames read, const std::string& where) {
  names.require_plausible(names.size());
  const auto& chunks = names.description().chunk_shape;
  return table_named_later(names.size(), chunks.empty() ? 1 : chunks.front(), std::move(read),
                           where);
}

Table table_named_by_texts(const Hdf5Dataset& names) {
  ReadNames read = names.kind() == StoredKind::Text ? reader_of_names(names) : nullptr;
  if (!read) return Table(names.read_texts());  // throws what is wrong with them
  return table_named_later(names, std::move(read), names.where());
}

ReadNames tidied(ReadNames read, TidyText tidy) {
  if (!read || tidy == nullptr) return read;
  return [read = std::move(read), tidy](std::int64_t begin, std::int64_t end) {
    std::vector<std::string> names = read(begin, end);
    for (std::string& name : names) tidy(name);
    return names;
  };
}

ReadColumn tidied(ReadColumn read, TidyText tidy) {
  if (!read || tidy == nullptr) return read;
  const std::int64_t bytes_of_entry = read.bytes_of_entry();
  const auto read_tidied = [read = std::move(read), tidy] {
    Column column = read();
    if (auto* texts = std::get_if<TextColumn>(&column)) {
      for (std::string& text : texts->values) tidy(text);
    }
    return column;
  };
  return {read_tidied, bytes_of_entry};
}

void add_array_columns(Table& table, const Hdf5Group& group, const std::vector<std::string>& taken,
                       TidyText tidy, const Context& context) {
  for (const std::string& name : group.names()) {
    if (std::ranges::find(taken, name) != taken.end()) continue;
    ReadColumn read;
    if (group.has_dataset(name)) {
      const Hdf5Dataset dataset = group.dataset(name);
      if (dataset.size() == table.n_rows()) read = reader_of(dataset);
    }
    if (!read) {
      context.warn(fmt::format("{}: is no column of {} texts or numbers; it is left out",
                               group.where(name), table.n_rows()));
      continue;
    }
    add_column_later(table, name, tidied(std::move(read), tidy), group.where(), group.where(name),
                     context);
  }
}

}  // namespace saithe::io
