#include "saithe/io/h5ad_frame.h"

#include <algorithm>
#include <limits>

#include "saithe/io/hdf5_column.h"

namespace saithe::io {
namespace {

std::vector<bool> read_mask(const Hdf5Group& group, std::size_t n) {
  const auto values = group.dataset("mask").read_integers();
  if (values.size() != n) {
    fail(ErrorKind::BadFormat,
         "{}: mask has {} entries for {} values; the file is not whole. Write it again, or copy it "
         "again.",
         group.where(), values.size(), n);
  }
  std::vector<bool> mask(values.begin(), values.end());
  if (std::none_of(mask.begin(), mask.end(), [](bool m) { return m; })) mask.clear();
  return mask;
}

/// Names of categories, and what they are the names of.
struct Levels {
  std::vector<std::string> names;
  std::optional<NumberColumn::Kind> kind;
};

Levels read_levels(const Hdf5Dataset& categories) {
  if (categories.kind() == StoredKind::Text) return {categories.read_texts(), std::nullopt};
  NumberColumn numbers = read_number_column(categories);
  if (numbers.kind == NumberColumn::Kind::Integer && need_unsigned_integers(numbers.values)) {
    return {level_names(categories.read_unsigned()), numbers.kind};
  }
  const auto kind = numbers.kind;
  return {level_names(std::move(numbers)), kind};
}

/// AnnData 0.8 and later: a group with codes and categories, which may be nullable texts.
CategoryColumn read_categorical(const Hdf5Group& group) {
  Levels levels =
      group.has_group("categories")
          ? Levels{group.group("categories").dataset("values").read_texts(), std::nullopt}
          : read_levels(group.dataset("categories"));
  CategoryColumn column = make_category_column(group.dataset("codes").read_integers(),
                                               std::move(levels.names), group.where("codes"));
  column.level_kind = levels.kind;
  column.is_ordered = group.flag_attribute("ordered");
  return column;
}

/// AnnData 0.7: codes whose attribute refers to `__categories/NAME` beside them; nothing if the
/// dataset is no such column. Some writers give the path, or leave the attribute out.
std::optional<CategoryColumn> read_referred_categories(const Hdf5Group& frame,
                                                       const std::string& name,
                                                       const Hdf5Dataset& dataset) {
  if (dataset.kind() != StoredKind::Integer) return std::nullopt;
  std::optional<Hdf5Dataset> categories = dataset.referred_dataset("categories");
  if (!categories && frame.has_group("__categories")) {
    const Hdf5Group all = frame.group("__categories");
    if (all.has_dataset(name)) categories.emplace(all.dataset(name));
  }
  if (!categories) return std::nullopt;
  Levels levels = read_levels(*categories);
  CategoryColumn column =
      make_category_column(dataset.read_integers(), std::move(levels.names), dataset.where());
  column.level_kind = levels.kind;
  column.is_ordered = categories->flag_attribute("ordered");
  return column;
}

/// A dataset as a column; nothing if its values are of no kind that a column has.
std::optional<Column> read_plain_column(const Hdf5Dataset& dataset) {
  if (dataset.is_null() || dataset.shape().size() != 1) return std::nullopt;
  if (dataset.kind() == StoredKind::Text) return TextColumn{dataset.read_texts(), {}};
  if (dataset.kind() == StoredKind::Other) return std::nullopt;
  return read_number_column(dataset);
}

/// A column of a group; nothing for an encoding that is not a column of text, numbers or
/// categories.
std::optional<Column> read_column(const Hdf5Group& frame, const std::string& name) {
  if (frame.has_dataset(name)) {
    const Hdf5Dataset dataset = frame.dataset(name);
    if (dataset.is_null() || dataset.shape().size() != 1) return std::nullopt;
    if (auto column = read_referred_categories(frame, name, dataset)) return std::move(*column);
    return read_plain_column(dataset);
  }
  const Hdf5Group group = frame.group(name);
  const std::string encoding = group.text_attribute("encoding-type").value_or("");
  if (encoding == "categorical") return read_categorical(group);
  if (encoding == "nullable-string-array") {
    TextColumn column{group.dataset("values").read_texts(), {}};
    column.is_missing = read_mask(group, column.values.size());
    return column;
  }
  if (encoding == "nullable-integer" || encoding == "nullable-boolean") {
    NumberColumn column = read_number_column(group.dataset("values"));
    const auto mask = read_mask(group, column.values.size());
    for (std::size_t i = 0; i < mask.size(); ++i) {
      if (!mask[i]) continue;
      column.values[i] = std::numeric_limits<double>::quiet_NaN();
      if (!column.exact.empty()) column.exact[i] = 0;
    }
    return column;
  }
  return std::nullopt;
}

std::size_t size_of(const Column& column) {
  if (const auto* category = std::get_if<CategoryColumn>(&column)) return category->codes.size();
  if (const auto* text = std::get_if<TextColumn>(&column)) return text->values.size();
  return std::get<NumberColumn>(column).values.size();
}

/// A table whose rows are called by `index`: texts, or the texts of what it holds.
Table table_of(std::optional<Column> index, const std::string& name, const std::string& where) {
  if (!index) {
    fail(ErrorKind::BadFormat, "{}: its index '{}' is no column of texts", where, name);
  }
  Table table;
  if (auto* texts = std::get_if<TextColumn>(&*index)) {
    table = Table(std::move(texts->values));
  } else {
    Table plain(std::vector<std::string>(size_of(*index)));
    plain.set("index", std::move(*index));
    table = Table(plain.as_text("index"));
  }
  table.index_name = name;
  return table;
}

void add_column(Table& table, const std::string& name, std::optional<Column> column,
                const std::string& where, const Context& context) {
  if (!column) {
    context.warn(
        fmt::format("{}: the column is of a kind that is not read; it is left out", where));
    return;
  }
  if (size_of(*column) != as_size(table.n_rows())) {
    fail(ErrorKind::BadFormat,
         "{}: has {} entries for {} rows; the file is not whole. Write it again, or copy it again.",
         where, size_of(*column), table.n_rows());
  }
  warn_of_inexact_integers(*column, where, context);
  table.set(name, std::move(*column));
}

Table read_group_frame(const Hdf5Group& frame, const Context& context) {
  const std::string index_name = frame.text_attribute("_index").value_or("_index");
  if (!frame.has(index_name)) {
    fail(ErrorKind::BadFormat, "{}: its index '{}' is not there", frame.where(), index_name);
  }
  Table table = table_of(read_column(frame, index_name), index_name, frame.where());
  // Without columns h5py writes the order as an array of no numbers.
  std::vector<std::string> order = frame.text_list_attribute("column-order");
  if (!frame.has_attribute("column-order")) order = frame.names();
  for (const std::string& name : order) {
    if (name == index_name || name == "__categories" || !frame.has(name)) continue;
    add_column(table, name, read_column(frame, name), frame.where(name), context);
  }
  return table;
}

/// The names that AnnData 0.5 and 0.6 keep in uns for a column of codes; nothing if there are
/// none, or if they are those of a column of the same name in the other table.
std::optional<Levels> levels_in_uns(const Hdf5Group& root, const std::string& column,
                                    const std::vector<std::int64_t>& codes) {
  const std::string name = column + "_categories";
  if (!root.has_group("uns") || !root.group("uns").has_dataset(name)) return std::nullopt;
  Levels levels = read_levels(root.group("uns").dataset(name));
  const auto n_levels = static_cast<std::int64_t>(levels.names.size());
  const bool fits = std::all_of(codes.begin(), codes.end(),
                                [&](std::int64_t code) { return -1 <= code && code < n_levels; });
  if (!fits) return std::nullopt;
  return levels;
}

Table read_compound_frame(const Hdf5Group& root, const Hdf5Dataset& frame, const Context& context) {
  const std::vector<std::string> names = frame.field_names();
  if (names.empty() || frame.shape().size() != 1) {
    fail(ErrorKind::BadFormat, "{}: is no table of named columns", frame.where());
  }
  Table table =
      table_of(read_plain_column(frame.field(names.front())), names.front(), frame.where());
  for (std::size_t i = 1; i < names.size(); ++i) {
    const Hdf5Dataset field = frame.field(names[i]);
    std::optional<Column> column;
    if (field.kind() == StoredKind::Integer) {
      const auto codes = field.read_integers();
      if (auto levels = levels_in_uns(root, names[i], codes)) {
        CategoryColumn category =
            make_category_column(codes, std::move(levels->names), field.where());
        category.level_kind = levels->kind;
        column = std::move(category);
      }
    }
    if (!column) column = read_plain_column(field);
    add_column(table, names[i], std::move(column), field.where(), context);
  }
  return table;
}

}  // namespace

Table read_frame(const Hdf5Group& root, const Hdf5Group& parent, const std::string& name,
                 const Context& context) {
  if (parent.has_dataset(name)) return read_compound_frame(root, parent.dataset(name), context);
  return read_group_frame(parent.group(name), context);
}

}  // namespace saithe::io
