#include "saithe/io/hdf5_column.h"

#include <algorithm>

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

std::optional<Column> read_array_column(const Hdf5Dataset& dataset) {
  const auto& shape = dataset.shape();
  const bool is_column = shape.size() == 1 || (shape.size() == 2 && shape[1] == 1);
  if (!is_column) return std::nullopt;
  switch (dataset.kind()) {
    case StoredKind::Text:
      return TextColumn{dataset.read_texts(), {}};
    case StoredKind::Boolean:
    case StoredKind::Integer:
    case StoredKind::Float:
      return read_number_column(dataset);
    case StoredKind::Other:
      break;
  }
  return std::nullopt;
}

void add_array_columns(Table& table, const Hdf5Group& group, const std::vector<std::string>& taken,
                       const Context& context) {
  for (const std::string& name : group.names()) {
    if (std::find(taken.begin(), taken.end(), name) != taken.end()) continue;
    std::optional<Column> column;
    if (group.has_dataset(name)) column = read_array_column(group.dataset(name));
    if (!column || column_size(*column) != as_size(table.n_rows())) {
      context.warn(fmt::format("{}: is no column of {} texts or numbers; it is left out",
                               group.where(name), table.n_rows()));
      continue;
    }
    warn_of_inexact_integers(*column, group.where(name), context);
    table.set(name, std::move(*column));
  }
}

}  // namespace saithe::io
