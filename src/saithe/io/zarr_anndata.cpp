#include <algorithm>
#include <limits>
#include <numeric>

#include "saithe/core/error.h"
#include "saithe/io/anndata_file.h"
#include "saithe/io/formats.h"
#include "saithe/io/frame_columns.h"
#include "saithe/io/zarr_array.h"
#include "saithe/io/zarr_matrix.h"

namespace saithe::io {
namespace {

std::string join(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text.empty() ? "none" : text;
}

NumberColumn::Kind number_kind(const ZarrType& type) {
  switch (type.kind) {
    case ZarrType::Kind::Boolean:
      return NumberColumn::Kind::Boolean;
    case ZarrType::Kind::Float:
      return type.bytes <= 4 ? NumberColumn::Kind::Float32 : NumberColumn::Kind::Float64;
    default:
      return NumberColumn::Kind::Integer;
  }
}

std::vector<bool> read_mask(const ZarrNode& node, std::int64_t n, const Context& context) {
  const auto values = ZarrArray(node.get("mask")).read_integers(n, context);
  std::vector<bool> mask(values.begin(), values.end());
  if (std::none_of(mask.begin(), mask.end(), [](bool m) { return m; })) mask.clear();
  return mask;
}

/// An array of numbers or booleans, of any whole number exactly that fits 64 bits with a sign.
NumberColumn read_number_column(const ZarrArray& array, std::int64_t n, const Context& context,
                                const std::vector<bool>& mask = {}) {
  NumberColumn column{array.read_numbers(n, context), number_kind(array.type())};
  apply_mask(column, mask);
  if (column.kind != NumberColumn::Kind::Integer || !need_exact_integers(column.values)) {
    return column;
  }
  const std::int64_t n_values = std::ssize(column.values);
  if (array.type().kind == ZarrType::Kind::Unsigned) {
    hold_exactly(column, array.read_unsigned(n_values, context));
  } else {
    hold_exactly(column, array.read_integers(n_values, context));
  }
  return column;
}

/// Names of categories, and what they are the names of.
struct Levels {
  std::vector<std::string> names;
  std::optional<NumberColumn::Kind> kind;
};

Levels read_levels(const ZarrNode& node, const Context& context) {
  if (!node.is_array()) return read_levels(node.get("values"), context);  // nullable strings
  const ZarrArray array(node);
  if (array.is_text()) return {array.read_texts(-1, context), std::nullopt};
  NumberColumn numbers = read_number_column(array, -1, context);
  if (numbers.kind == NumberColumn::Kind::Integer && need_unsigned_integers(numbers.values)) {
    return {level_names(array.read_unsigned(-1, context)), numbers.kind};
  }
  const auto kind = numbers.kind;
  return {level_names(std::move(numbers)), kind};
}

CategoryColumn categories_of(const std::vector<std::int64_t>& codes, Levels levels,
                             const std::string& where) {
  CategoryColumn column = make_category_column(codes, std::move(levels.names), where);
  column.level_kind = levels.kind;
  return column;
}

CategoryColumn read_categorical(const ZarrNode& node, std::int64_t n_rows, const Context& context) {
  CategoryColumn column = categories_of(ZarrArray(node.get("codes")).read_integers(n_rows, context),
                                        read_levels(node.get("categories"), context), node.where());
  column.is_ordered = node.flag_attribute("ordered");
  return column;
}

TextColumn read_masked_texts(const ZarrNode& node, std::int64_t n_rows, const Context& context) {
  TextColumn column{ZarrArray(node.get("values")).read_texts(n_rows, context), {}};
  column.is_missing = read_mask(node, std::ssize(column.values), context);
  return column;
}

NumberColumn read_masked_numbers(const ZarrNode& node, std::int64_t n_rows,
                                 const Context& context) {
  return read_number_column(ZarrArray(node.get("values")), n_rows, context,
                            read_mask(node, n_rows, context));
}

/// AnnData 0.7: codes, with the place of their categories in the frame.
CategoryColumn read_referring(const ZarrNode& node, const ZarrNode& levels, std::int64_t n_rows,
                              const Context& context) {
  CategoryColumn column = categories_of(ZarrArray(node).read_integers(n_rows, context),
                                        read_levels(levels, context), node.where());
  column.is_ordered = levels.flag_attribute("ordered");
  return column;
}

/// How a column that is a group is read: categories, or values with a mask.
ReadColumn reader_of_encoded(const ZarrNode& node, std::int64_t n_rows, const Context& context) {
  const std::string encoding = node.text_attribute("encoding-type").value_or("");
  if (encoding == "categorical") {
    return {[=] { return read_categorical(node, n_rows, context); }, kBytesOfOtherEntry};
  }
  if (encoding == "nullable-string-array") {
    return [=] { return read_masked_texts(node, n_rows, context); };
  }
  if (encoding == "nullable-integer" || encoding == "nullable-boolean") {
    return {[=] { return read_masked_numbers(node, n_rows, context); }, kBytesOfOtherEntry};
  }
  return nullptr;
}

/// How a column of a frame is read; nothing for one that is neither text nor numbers nor
/// categories. n_rows of -1: any number.
ReadColumn reader_of(const ZarrNode& frame, const ZarrNode& node, std::int64_t n_rows,
                     const Context& context) {
  if (!node.is_array()) return reader_of_encoded(node, n_rows, context);
  const ZarrArray array(node);
  if (array.shape().size() != 1) return nullptr;
  if (array.is_text()) {
    return [=] { return TextColumn{array.read_texts(n_rows, context), {}}; };
  }
  if (!array.is_number()) return nullptr;
  if (const auto place = node.text_attribute("categories")) {
    const ZarrNode levels = frame.get(*place);
    return {[=] { return read_referring(node, levels, n_rows, context); }, kBytesOfOtherEntry};
  }
  return {[=] { return read_number_column(array, n_rows, context); }, kBytesOfOtherEntry};
}

/// How blocks of names are read; nothing where all must be read to know what they are.
ReadNames reader_of_names(const ZarrNode& node, const Context& context) {
  if (!node.is_array() || node.text_attribute("categories")) return nullptr;
  const ZarrArray names(node);
  if (names.shape().size() != 1) return nullptr;
  if (names.is_text()) {
    return
        [=](std::int64_t begin, std::int64_t end) { return names.read_texts(begin, end, context); };
  }
  const auto read_as = [=]<typename Whole>(Whole) {
    return [=](std::int64_t begin, std::int64_t end) {
      std::vector<Whole> numbers(as_size(end - begin));
      names.read(begin, std::span(numbers), context);
      return whole_names(std::span<const Whole>(numbers));
    };
  };
  if (names.type().kind == ZarrType::Kind::Signed) return read_as(std::int64_t{});
  if (names.type().kind == ZarrType::Kind::Unsigned) return read_as(std::uint64_t{});
  return nullptr;
}

/// A table without columns yet. Names that are texts or whole numbers stay in the store.
Table rows_of(const ZarrNode& frame, const std::string& index_name, const std::string& called,
              const Context& context) {
  const ZarrNode node = frame.get(index_name);
  const bool has_mask =
      !node.is_array() && node.text_attribute("encoding-type") == "nullable-string-array";
  const ZarrNode values = has_mask ? node.get("values") : node;
  if (ReadNames read_names = reader_of_names(values, context)) {
    const ZarrArray names(values);
    const std::int64_t n_rows = names.stored_length();
    if (has_mask) read_names = with_mask(std::move(read_names), read_mask(node, n_rows, context));
    return table_named_later(n_rows, names.chunk_shape().front(), std::move(read_names), called);
  }
  const ReadColumn read = reader_of(frame, node, -1, context);
  if (!read) {
    fail(ErrorKind::BadFormat, "{}: its index '{}' is no column of texts", frame.where(),
         index_name);
  }
  const char* rows = node.is_array() ? "" : node.child("codes") ? "codes" : "values";
  const std::int64_t n_rows = ZarrArray(node.is_array() ? node : node.get(rows)).size();
  require_memory_for_cells(node.where() + ": reading the index", n_rows, kBytesOfIndexEntry,
                           context.max_memory);
  return table_named_by(read());
}

/// obs or var of AnnData 0.7 and later.
Table read_frame(const ZarrNode& frame, const std::string& called, const Context& context) {
  const std::string index_name = frame.text_attribute("_index").value_or("_index");
  Table table = rows_of(frame, index_name, called, context);
  table.index_name = index_name;
  std::vector<std::string> order = frame.text_list_attribute("column-order");
  if (!frame.has_attribute("column-order")) order = frame.names();
  for (const std::string& name : order) {
    if (name == index_name || name == "__categories") continue;
    const auto node = frame.child(name);
    if (!node) {
      warn_of_missing_column(frame.where(), name, context);
      continue;
    }
    ReadColumn read = reader_of(frame, *node, table.n_rows(), context);
    if (read) {
      add_column_later(table, name, std::move(read), called, node->where(), context);
    } else {
      warn_of_unread_column(node->where(), context);
    }
  }
  return table;
}

/// obs or var of AnnData 0.6 and earlier: one array of records, of which the first field is the
/// index; the categories of codes are in uns.
Table read_records(const ZarrNode& root, const ZarrNode& node, const Context& context) {
  const ZarrArray array(node);
  const std::vector<ZarrType::Field>& fields = array.type().fields;
  if (fields.empty()) {
    fail(ErrorKind::BadFormat, "{}: is no table: its type is {}", node.where(), array.type().name);
  }
  const auto is_text = [](const ZarrType& type) {
    return type.kind == ZarrType::Kind::FixedText || type.kind == ZarrType::Kind::WideText;
  };
  if (!is_text(fields.front().type)) {
    fail(ErrorKind::BadFormat, "{}: its first field, {}, is no index of texts", node.where(),
         fields.front().name);
  }
  Table table(array.read_field_texts(fields.front(), context));
  table.index_name = fields.front().name;
  const auto uns = root.child("uns");
  for (std::size_t i = 1; i < fields.size(); ++i) {
    const ZarrType::Field& field = fields[i];
    if (is_text(field.type)) {
      table.set(field.name, TextColumn{array.read_field_texts(field, context), {}});
      continue;
    }
    NumberColumn numbers{array.read_field_numbers(field, context), number_kind(field.type)};
    const auto levels = uns ? uns->child(field.name + "_categories") : std::nullopt;
    if (levels && numbers.kind == NumberColumn::Kind::Integer) {
      const std::vector<std::int64_t> codes(numbers.values.begin(), numbers.values.end());
      table.set(field.name, categories_of(codes, read_levels(*levels, context), node.where()));
    } else {
      table.set(field.name, std::move(numbers));
    }
  }
  return table;
}

Table read_table(const ZarrNode& root, const ZarrNode& parent, const std::string& name,
                 const Context& context) {
  const ZarrNode node = parent.get(name);
  const std::string called = root.where() + ": " + name;
  return node.is_array() ? read_records(root, node, context) : read_frame(node, called, context);
}

class ZarrFile final : public AnnDataFile {
 public:
  ZarrFile(const ZarrNode& root, const Context& context)
      : AnnDataFile(root.where(), read_table(root, root, "obs", context), context), root_(root) {}
  std::vector<std::string> layers() const override {
    const auto node = root_.child("layers");
    return node && !node->is_array() ? node->names() : std::vector<std::string>();
  }

 private:
  std::optional<ZarrNode> find(const std::string& place) const {
    const auto slash = place.find('/');
    if (slash == std::string::npos) return root_.child(place);
    const auto group = root_.child(place.substr(0, slash));
    if (!group || group->is_array()) return std::nullopt;
    return group->child(place.substr(slash + 1));
  }
  bool has_matrix(const std::string& place) const override {
    const auto node = find(place);
    return node && node->text_attribute("encoding-type") != "null";
  }
  std::unique_ptr<CellMatrix> open_matrix(const std::string& place,
                                          GeneIndex n_genes) const override {
    return std::make_unique<ZarrMatrix>(find(place).value(), obs().n_rows(), n_genes, context());
  }
  bool has_old_raw() const { return root_.child("raw.X").has_value(); }  // AnnData 0.5 and 0.6
  std::string raw_place() const override { return has_old_raw() ? "raw.X" : "raw/X"; }
  Table read_var(bool of_raw, std::string& where) const override {
    const ZarrNode parent = of_raw && !has_old_raw() ? root_.get("raw") : root_;
    const std::string name = of_raw && has_old_raw() ? "raw.var" : "var";
    where = parent.where() + "/" + name;
    return read_table(root_, parent, name, context());
  }

  const ZarrNode& root_;
};

std::optional<ZarrNode> find_root(const InputFile& input) {
  auto store = open_zarr_store(input.path, input.is_folder, input.head);
  if (store == nullptr) return std::nullopt;
  return ZarrNode::find(std::move(store), "");
}

std::optional<std::string> recognise_zarr(const InputFile& input) {
  if (input.hdf5) return std::nullopt;
  const auto root = find_root(input);
  if (!root) return std::nullopt;
  const auto obs = root->child("obs");
  const char* generation = !obs || !root->child("var") ? "not of AnnData"
                           : obs->is_array()           ? "AnnData 0.6 or earlier"
                           : root->text_attribute("encoding-type") == "anndata"
                               ? "AnnData 0.8 or later"
                               : "AnnData 0.7";
  return fmt::format("Zarr v{}{} ({})", root->version(), input.is_folder ? "" : ", zip",
                     generation);
}

/// Adds the groups in `group`, down to `depth`, that AnnData wrote.
void find_anndata(const ZarrNode& group, int depth, std::vector<std::string>& found) {
  for (const std::string& name : group.names()) {
    try {
      const auto node = group.child(name);
      if (!node || node->is_array()) continue;
      if (node->child("obs") && node->child("var")) {
        found.push_back(node->where());
      } else if (depth > 1) {
        find_anndata(*node, depth - 1, found);
      }
    } catch (const Error& error) {  // what others wrote there need not be read
      if (error.kind() != ErrorKind::BadFormat) throw;
    }
  }
}

/// Refuses a store that AnnData did not write. Those of MuData (mod/rna) and SpatialData
/// (tables/table) have groups that it did.
[[noreturn]] void fail_without(const char* table, const ZarrNode& root) {
  static constexpr int kDepth = 2;
  static constexpr std::size_t kMostNamed = 5;
  std::vector<std::string> found;
  find_anndata(root, kDepth, found);
  if (found.size() > kMostNamed) found.resize(kMostNamed);
  fail(ErrorKind::BadFormat,
       "{}: is a Zarr store without {}, and so not of AnnData: it has {}. Name the folder that "
       "AnnData wrote{}.",
       root.where(), table, join(root.names()), found.empty() ? "" : ": " + join(found));
}

std::unique_ptr<CellSource> open_zarr(InputFile input, const ReadOptions& options,
                                      const Context& context) {
  const auto root = find_root(input);
  SAITHE_ASSERT(root.has_value());
  for (const char* table : {"obs", "var"}) {
    if (!root->child(table)) fail_without(table, *root);
  }
  ZarrFile file(*root, context);
  return open_cells(file, options, context);
}

void describe_zarr(const InputFile& input, FileSummary& summary, const Context& context) {
  const auto root = find_root(input);
  const auto names = [&](const char* group) {
    const auto node = root->child(group);
    return node && !node->is_array() ? node->names() : std::vector<std::string>();
  };
  summary.layers = names("layers");
  summary.obsm = names("obsm");
  summary.uns = names("uns");
  // AnnData 0.12 writes an array of no values where there is no raw.
  const auto raw = root->child("raw");
  summary.has_raw = (raw && !raw->is_array()) || root->child("raw.X").has_value();
  for (const char* group : {"varm", "obsp", "varp"}) {
    for (const std::string& name : names(group)) {
      summary.not_read.push_back(std::string(group) + "/" + name);
    }
  }
  if (!root->child("obs") || !root->child("var")) return;  // opening it says so
  ZarrFile file(*root, context);
  summary.places = survey_values(file.obs(), file.places_of_counts(), context);
}

}  // namespace

const Format kZarr{"layer use-raw", recognise_zarr, open_zarr, describe_zarr};

}  // namespace saithe::io
