#include "saithe/io/h5ad_frame.h"

#include <algorithm>
#include <limits>

#include "saithe/core/text_io.h"
#include "saithe/core/usable_memory.h"
#include "saithe/io/frame_columns.h"
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
std::optional<Hdf5Dataset> referred_categories(const Hdf5Group& frame, const std::string& name,
                                               const Hdf5Dataset& dataset) {
  if (dataset.kind() != StoredKind::Integer) return std::nullopt;
  std::optional<Hdf5Dataset> categories = dataset.referred_dataset("categories");
  if (!categories && frame.has_group("__categories")) {
    const Hdf5Group all = frame.group("__categories");
    if (all.has_dataset(name)) categories.emplace(all.dataset(name));
  }
  return categories;
}

CategoryColumn read_referring(const Hdf5Dataset& codes, const Hdf5Dataset& categories) {
  Levels levels = read_levels(categories);
  CategoryColumn column =
      make_category_column(codes.read_integers(), std::move(levels.names), codes.where());
  column.level_kind = levels.kind;
  column.is_ordered = categories.flag_attribute("ordered");
  return column;
}

NumberColumn read_masked_numbers(const Hdf5Group& group) {
  const Hdf5Dataset values = group.dataset("values");
  return read_number_column(values, read_mask(group, as_size(values.size())));
}

TextColumn read_masked_texts(const Hdf5Group& group) {
  TextColumn column{group.dataset("values").read_texts(), {}};
  column.is_missing = read_mask(group, column.values.size());
  return column;
}

/// How a column of a group is read; nothing for an encoding that is not a column of text, numbers
/// or categories.
ReadColumn reader_of(const Hdf5Group& frame, const std::string& name) {
  if (frame.leads_elsewhere(name)) return nullptr;
  if (frame.has_dataset(name)) {
    const Hdf5Dataset dataset = frame.dataset(name);
    if (dataset.is_null() || dataset.shape().size() != 1) return nullptr;
    if (auto categories = referred_categories(frame, name, dataset)) {
      return {[dataset, categories = *categories] { return read_referring(dataset, categories); },
              kBytesOfOtherEntry};
    }
    return reader_of(dataset);
  }
  if (!frame.has_group(name)) return nullptr;  // a link to nothing
  const Hdf5Group group = frame.group(name);
  const std::string encoding = group.text_attribute("encoding-type").value_or("");
  if (encoding == "categorical") {
    return {[group] { return read_categorical(group); }, kBytesOfOtherEntry};
  }
  if (encoding == "nullable-string-array") return [group] { return read_masked_texts(group); };
  if (encoding == "nullable-integer" || encoding == "nullable-boolean") {
    return {[group] { return read_masked_numbers(group); }, kBytesOfOtherEntry};
  }
  return nullptr;
}

[[noreturn]] void fail_index(const std::string& where, const std::string& name) {
  fail(ErrorKind::BadFormat, "{}: its index '{}' is no column of texts", where, name);
}

/// The dataset of a frame's index that has a text or a number for each row; nothing where it is of
/// another form, as of categories.
std::optional<Hdf5Dataset> plain_index(const Hdf5Group& frame, const std::string& name) {
  if (frame.has_group(name)) {
    const Hdf5Group group = frame.group(name);
    const std::string encoding = group.text_attribute("encoding-type").value_or("");
    if (encoding != "nullable-string-array" || !group.has_dataset("values")) return std::nullopt;
    return group.dataset("values");
  }
  if (!frame.has_dataset(name)) return std::nullopt;
  Hdf5Dataset dataset = frame.dataset(name);
  if (referred_categories(frame, name, dataset)) return std::nullopt;
  return dataset;
}

std::int64_t n_entries(const Hdf5Group& frame, const std::string& name) {
  if (frame.has_dataset(name)) return frame.dataset(name).size();
  const Hdf5Group group = frame.group(name);
  for (const char* part : {"codes", "values"}) {
    if (group.has_dataset(part)) return group.dataset(part).size();
  }
  return 0;
}

/// A table without columns yet. Names that are texts or whole numbers stay in the file.
Table rows_of(const Hdf5Group& frame, const std::string& index_name, const std::string& called,
              const Context& context) {
  if (const auto index = plain_index(frame, index_name)) {
    if (ReadNames read_names = reader_of_names(*index)) {
      if (frame.has_group(index_name)) {
        read_names = with_mask(std::move(read_names),
                               read_mask(frame.group(index_name), as_size(index->size())));
      }
      return table_named_later(*index, std::move(read_names), called);
    }
  }
  const ReadColumn read = reader_of(frame, index_name);
  if (!read) fail_index(frame.where(), index_name);
  require_memory_for_cells(frame.where(index_name) + ": reading the index",
                           n_entries(frame, index_name), kBytesOfIndexEntry, context.max_memory);
  return table_named_by(read());
}

void add_column(Table& table, const std::string& name, ReadColumn read, const std::string& called,
                const std::string& where, const Context& context) {
  if (!read) return warn_of_unread_column(where, context);
  add_column_later(table, name, std::move(read), called, where, context);
}

Table read_group_frame(const Hdf5Group& frame, const std::string& called, const Context& context) {
  const std::string index_name = frame.text_attribute("_index").value_or("_index");
  if (!frame.has(index_name)) {
    fail(ErrorKind::BadFormat,
         "{}: its index '{}' is not there, so that its rows have no names. Write the file again "
         "with "
         "AnnData.",
         frame.where(), printable(index_name));
  }
  Table table = rows_of(frame, index_name, called, context);
  table.index_name = index_name;
  // Without columns h5py writes the order as an array of no numbers.
  std::vector<std::string> order = frame.text_list_attribute("column-order");
  if (!frame.has_attribute("column-order")) order = frame.names();
  for (const std::string& name : order) {
    if (name == index_name || name == "__categories") continue;
    if (!frame.has(name)) {
      warn_of_missing_column(frame.where(), name, context);
      continue;
    }
    ReadColumn read = reader_of(frame, name);
    if (!read && frame.is_link(name)) {
      context.warn(fmt::format(
          "{}: is a link to another file, or to nothing, which is not followed; it is left out",
          frame.where(name)));
      continue;
    }
    add_column(table, name, std::move(read), called, frame.where(name), context);
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

/// A field of whole numbers: codes, if uns names their categories.
Column read_whole_field(const Hdf5Group& root, const std::string& name, const Hdf5Dataset& field) {
  const auto codes = field.read_integers();
  auto levels = levels_in_uns(root, name, codes);
  if (!levels) return read_number_column(field);
  CategoryColumn category = make_category_column(codes, std::move(levels->names), field.where());
  category.level_kind = levels->kind;
  return category;
}

Table read_compound_frame(const Hdf5Group& root, const Hdf5Dataset& frame,
                          const std::string& called, const Context& context) {
  const std::vector<std::string> names = frame.field_names();
  if (names.empty() || frame.shape().size() != 1) {
    fail(ErrorKind::BadFormat, "{}: is no table of named columns", frame.where());
  }
  const Hdf5Dataset index = frame.field(names.front());
  const ReadColumn read_index = reader_of(index);
  if (!read_index) fail_index(frame.where(), names.front());
  ReadNames read_names = reader_of_names(index);
  Table table = read_names ? table_named_later(index, std::move(read_names), called)
                           : table_named_by(read_index());
  table.index_name = names.front();
  for (std::size_t i = 1; i < names.size(); ++i) {
    const Hdf5Dataset field = frame.field(names[i]);
    ReadColumn read = reader_of(field);
    if (read && field.kind() == StoredKind::Integer) {
      read = {[root, name = names[i], field] { return read_whole_field(root, name, field); },
              kBytesOfOtherEntry};
    }
    add_column(table, names[i], std::move(read), called, field.where(), context);
  }
  return table;
}

}  // namespace

Table read_frame(const Hdf5Group& root, const Hdf5Group& parent, const std::string& name,
                 const Context& context) {
  const std::string called = root.file_name() + ": " + name;
  if (parent.has_dataset(name)) {
    return read_compound_frame(root, parent.dataset(name), called, context);
  }
  return read_group_frame(parent.group(name), called, context);
}

}  // namespace saithe::io
