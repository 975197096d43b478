#include "saithe/io/hdf5_writer.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

#include "saithe/io/frame_columns.h"

namespace saithe::io {
namespace {

// Rows of results that are in memory at a time.
constexpr std::int64_t kRowsTogether = 1 << 14;

/// A creation list without time stamps: the same content gives the same bytes.
Hdf5Id untimed(hid_t list_class) {
  Hdf5Id list(H5Pcreate(list_class));
  H5Pset_obj_track_times(list.get(), false);
  return list;
}

Hdf5Id utf8_text() {
  Hdf5Id type(H5Tcopy(H5T_C_S1));
  H5Tset_size(type.get(), H5T_VARIABLE);
  H5Tset_cset(type.get(), H5T_CSET_UTF8);
  return type;
}

/// h5py's boolean: an enumeration of one byte.
Hdf5Id boolean() {
  Hdf5Id type(H5Tenum_create(H5T_STD_I8LE));
  const std::int8_t no = 0;
  const std::int8_t yes = 1;
  H5Tenum_insert(type.get(), "FALSE", &no);
  H5Tenum_insert(type.get(), "TRUE", &yes);
  return type;
}

Hdf5Id file_access() {
  Hdf5Id access(H5Pcreate(H5P_FILE_ACCESS));
  H5Pset_libver_bounds(access.get(), H5F_LIBVER_EARLIEST, H5F_LIBVER_V110);
  H5Pset_file_locking(access.get(), false, true);
  return access;
}

/// "saithe/version" -> "saithe", "version".
std::vector<std::string> split_path(const std::string& path) {
  std::vector<std::string> parts(1);
  for (const char c : path) {
    if (c == '/') {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

/// Takes what the operating system said from an entry of HDF5's stack of errors.
herr_t find_system_message(unsigned, const H5E_error2_t* entry, void* message) {
  static constexpr std::string_view kBefore = "error message = '";
  const std::string_view text = entry->desc == nullptr ? "" : entry->desc;
  const auto at = text.find(kBefore);
  if (at != std::string_view::npos) {
    const auto begin = at + kBefore.size();
    *static_cast<std::string*>(message) = text.substr(begin, text.find('\'', begin) - begin);
  }
  return 0;
}

/// What kept HDF5 from writing. Asked before anything else is done with HDF5, which forgets it.
std::string why_not_written() {
  std::string why;
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, find_system_message, &why);
  return why.empty() ? "HDF5 gives no reason; is the disk full?" : why;
}

}  // namespace

std::string as_key(std::string name) {
  std::replace(name.begin(), name.end(), '/', '_');
  return name;
}

Hdf5Target Hdf5Target::create_file(const std::filesystem::path& path, const std::string& name) {
  initialise_hdf5();
  const Hdf5Id creation = untimed(H5P_FILE_CREATE);
  const Hdf5Id access = file_access();
  Hdf5Id file(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, creation.get(), access.get()));
  if (!file.is_valid())
    fail(ErrorKind::Output, "{}: cannot be written: {}", name, why_not_written());
  Hdf5Id root(H5Gopen2(file.get(), "/", H5P_DEFAULT));
  Hdf5Target target(std::move(file), std::move(root), name);
  target.set_encoding(target.id(), "anndata", "0.1.0");
  return target;
}

Hdf5Target Hdf5Target::open_file(const std::filesystem::path& path, const std::string& name) {
  initialise_hdf5();
  Hdf5Id file(H5Fopen(path.c_str(), H5F_ACC_RDWR, file_access().get()));
  if (!file.is_valid()) {
    fail(ErrorKind::BadFormat, "{}: cannot be opened to add columns: it is damaged or cut off",
         name);
  }
  Hdf5Id root(H5Gopen2(file.get(), "/", H5P_DEFAULT));
  Hdf5Target target(std::move(file), std::move(root), name);
  target.names_encodings_ = H5Aexists(target.id(), "encoding-type") > 0;
  return target;
}

void Hdf5Target::fail_writing() const {
  fail(ErrorKind::Output, "{}: cannot be written: {}", file_name_, why_not_written());
}

void Hdf5Target::flush() const {
  if (H5Fflush(id(), H5F_SCOPE_GLOBAL) < 0) fail_writing();
}

void Hdf5Target::close() {
  id_ = Hdf5Id();
  file_ = Hdf5Id();
}

bool Hdf5Target::has(const std::string& name) const {
  return H5Lexists(id(), name.c_str(), H5P_DEFAULT) > 0;
}

Hdf5Target Hdf5Target::create_group(const std::string& name, const std::string& encoding,
                                    const std::string& version, bool is_roomy) const {
  const Hdf5Id creation = is_roomy ? roomy_group_list() : untimed(H5P_GROUP_CREATE);
  Hdf5Id id(H5Gcreate2(this->id(), name.c_str(), H5P_DEFAULT, creation.get(), H5P_DEFAULT));
  if (!id.is_valid()) fail_writing();
  Hdf5Target target({}, std::move(id), file_name_);
  target.names_encodings_ = names_encodings_;
  target.set_encoding(target.id(), encoding, version);
  return target;
}

Hdf5Target Hdf5Target::group(const std::string& name) const {
  Hdf5Id id(H5Gopen2(this->id(), name.c_str(), H5P_DEFAULT));
  if (!id.is_valid()) {
    fail(ErrorKind::BadFormat, "{}: {} is no group to which columns can be added", file_name_,
         name);
  }
  Hdf5Target target({}, std::move(id), file_name_);
  target.names_encodings_ = names_encodings_;
  return target;
}

void Hdf5Target::remove(const std::string& name) const {
  if (H5Ldelete(id(), name.c_str(), H5P_DEFAULT) < 0) fail_writing();
}

// ---- attributes -----------------------------------------------------------------------------

namespace {

void write_attribute(const Hdf5Target& target, hid_t object, const std::string& name, hid_t type,
                     std::size_t n, bool is_scalar, const void* values) {
  if (H5Aexists(object, name.c_str()) > 0) H5Adelete(object, name.c_str());
  const hsize_t length = n;
  const Hdf5Id space(is_scalar ? H5Screate(H5S_SCALAR) : H5Screate_simple(1, &length, nullptr));
  const Hdf5Id attribute(
      H5Acreate2(object, name.c_str(), type, space.get(), H5P_DEFAULT, H5P_DEFAULT));
  if (!attribute.is_valid()) target.fail_writing();
  if (n > 0 && H5Awrite(attribute.get(), type, values) < 0) target.fail_writing();
}

}  // namespace

void Hdf5Target::set_encoding(hid_t object, const std::string& encoding,
                              const std::string& version) const {
  if (!names_encodings_) return;
  const Hdf5Id type = utf8_text();
  const char* encoding_text = encoding.c_str();
  const char* version_text = version.c_str();
  write_attribute(*this, object, "encoding-type", type.get(), 1, true, &encoding_text);
  write_attribute(*this, object, "encoding-version", type.get(), 1, true, &version_text);
}

void Hdf5Target::set_attribute(const std::string& name, const std::string& text) const {
  const char* value = text.c_str();
  write_attribute(*this, id(), name, utf8_text().get(), 1, true, &value);
}

void Hdf5Target::set_attribute(const std::string& name,
                               std::span<const std::int64_t> values) const {
  write_attribute(*this, id(), name, H5T_NATIVE_INT64, values.size(), false, values.data());
}

void Hdf5Target::set_attribute(const std::string& name, bool value) const {
  const std::int8_t byte = value ? 1 : 0;
  write_attribute(*this, id(), name, boolean().get(), 1, true, &byte);
}

void Hdf5Target::set_attribute(const std::string& name,
                               const std::vector<std::string>& texts) const {
  std::vector<const char*> pointers;
  for (const std::string& text : texts) pointers.push_back(text.c_str());
  write_attribute(*this, id(), name, utf8_text().get(), pointers.size(), false, pointers.data());
}

// ---- datasets -------------------------------------------------------------------------------

void Hdf5Target::write_dataset(const std::string& name, hid_t file_type, hid_t memory_type,
                               std::span<const std::int64_t> shape, const void* values,
                               const std::string& encoding) const {
  const std::vector<hsize_t> lengths(shape.begin(), shape.end());
  const Hdf5Id space(lengths.empty() ? H5Screate(H5S_SCALAR)
                                     : H5Screate_simple(static_cast<int>(lengths.size()),
                                                        lengths.data(), nullptr));
  const Hdf5Id creation = untimed(H5P_DATASET_CREATE);
  const Hdf5Id dataset(H5Dcreate2(id(), name.c_str(), file_type, space.get(), H5P_DEFAULT,
                                  creation.get(), H5P_DEFAULT));
  if (!dataset.is_valid()) fail_writing();
  const bool is_empty = std::find(lengths.begin(), lengths.end(), hsize_t{0}) != lengths.end();
  if (!is_empty &&
      H5Dwrite(dataset.get(), memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) < 0) {
    fail_writing();
  }
  set_encoding(dataset.get(), encoding, "0.2.0");
}

void Hdf5Target::write_array(const std::string& name, std::span<const float> values,
                             std::span<const std::int64_t> shape) const {
  write_dataset(name, H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, shape, values.data(), "array");
}

void Hdf5Target::write_rows(const std::string& name, hid_t file_type, hid_t memory_type,
                            std::span<const std::int64_t> shape, const ReadValues& read,
                            const std::string& encoding) const {
  const std::vector<hsize_t> lengths(shape.begin(), shape.end());
  const int n_axes = static_cast<int>(lengths.size());
  const Hdf5Id space(H5Screate_simple(n_axes, lengths.data(), nullptr));
  const Hdf5Id creation = untimed(H5P_DATASET_CREATE);
  const Hdf5Id dataset(H5Dcreate2(id(), name.c_str(), file_type, space.get(), H5P_DEFAULT,
                                  creation.get(), H5P_DEFAULT));
  if (!dataset.is_valid()) fail_writing();
  const bool is_empty = std::find(lengths.begin(), lengths.end(), hsize_t{0}) != lengths.end();
  const std::int64_t n_rows = is_empty ? 0 : shape.front();
  for (std::int64_t begin = 0, end = 0; begin < n_rows; begin = end) {
    end = std::min(n_rows, begin + kRowsTogether);
    std::vector<hsize_t> start(lengths.size());
    std::vector<hsize_t> count = lengths;
    start[0] = static_cast<hsize_t>(begin);
    count[0] = static_cast<hsize_t>(end - begin);
    const void* values = read(begin, end);
    H5Sselect_hyperslab(space.get(), H5S_SELECT_SET, start.data(), nullptr, count.data(), nullptr);
    const Hdf5Id memory(H5Screate_simple(n_axes, count.data(), nullptr));
    if (H5Dwrite(dataset.get(), memory_type, memory.get(), space.get(), H5P_DEFAULT, values) < 0) {
      fail_writing();
    }
  }
  set_encoding(dataset.get(), encoding, "0.2.0");
}

void Hdf5Target::write_matrix(const std::string& name, const ResultMatrix& matrix) const {
  const std::array<std::int64_t, 2> shape = {matrix.n_rows(), matrix.n_cols()};
  std::vector<float> rows;
  const auto read = [&](std::int64_t begin, std::int64_t end) {
    rows = matrix.rows(begin, end);
    return static_cast<const void*>(rows.data());
  };
  write_rows(name, H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, shape, read, "array");
}

void Hdf5Target::write_array(const std::string& name, std::span<const double> values,
                             NumberColumn::Kind kind, std::span<const std::int64_t> exact) const {
  const std::int64_t n = static_cast<std::int64_t>(values.size());
  const std::span<const std::int64_t> shape(&n, 1);
  const bool has_missing =
      std::any_of(values.begin(), values.end(), [](double v) { return std::isnan(v); });
  if (kind == NumberColumn::Kind::Integer && !has_missing && !exact.empty()) {
    write_dataset(name, H5T_STD_I64LE, H5T_NATIVE_INT64, shape, exact.data(), "array");
  } else if (kind == NumberColumn::Kind::Float32) {
    write_dataset(name, H5T_IEEE_F32LE, H5T_NATIVE_DOUBLE, shape, values.data(), "array");
  } else if (kind == NumberColumn::Kind::Float64 || has_missing ||
             !fit_signed_integers(values, exact)) {
    write_dataset(name, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, shape, values.data(), "array");
  } else if (kind == NumberColumn::Kind::Integer) {
    const std::vector<std::int64_t> integers(values.begin(), values.end());
    write_dataset(name, H5T_STD_I64LE, H5T_NATIVE_INT64, shape, integers.data(), "array");
  } else {
    std::vector<std::int8_t> bytes;
    for (const double value : values) bytes.push_back(value != 0 ? 1 : 0);
    const Hdf5Id type = boolean();
    write_dataset(name, type.get(), type.get(), shape, bytes.data(), "array");
  }
}

void Hdf5Target::write_texts(const std::string& name, const std::vector<std::string>& texts) const {
  std::vector<const char*> pointers;
  pointers.reserve(texts.size());
  for (const std::string& text : texts) pointers.push_back(text.c_str());
  const std::int64_t n = static_cast<std::int64_t>(texts.size());
  const Hdf5Id type = utf8_text();
  write_dataset(name, type.get(), type.get(), std::span(&n, 1), pointers.data(), "string-array");
}

void Hdf5Target::write_text(const std::string& name, const std::string& text) const {
  const char* pointer = text.c_str();
  const Hdf5Id type = utf8_text();
  write_dataset(name, type.get(), type.get(), {}, static_cast<const void*>(&pointer), "string");
}

void Hdf5Target::write_scalar(const std::string& name, const UnsValue& value) const {
  if (const auto* text = std::get_if<std::string>(&value)) return write_text(name, *text);
  if (const auto* texts = std::get_if<std::vector<std::string>>(&value)) {
    return write_texts(name, *texts);
  }
  if (const auto* numbers = std::get_if<std::vector<double>>(&value)) {
    return write_array(name, *numbers, NumberColumn::Kind::Float64);
  }
  if (const auto* integer = std::get_if<std::int64_t>(&value)) {
    return write_dataset(name, H5T_STD_I64LE, H5T_NATIVE_INT64, {}, integer, "numeric-scalar");
  }
  if (const auto* number = std::get_if<double>(&value)) {
    return write_dataset(name, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, {}, number, "numeric-scalar");
  }
  const std::int8_t byte = std::get<bool>(value) ? 1 : 0;
  const Hdf5Id type = boolean();
  write_dataset(name, type.get(), type.get(), {}, &byte, "numeric-scalar");
}

void Hdf5Target::write_column(const std::string& name, const Column& column) const {
  if (const auto* numbers = std::get_if<NumberColumn>(&column)) {
    return write_numbers(name, *numbers);
  }
  if (const auto* text = std::get_if<TextColumn>(&column)) {
    if (text->is_missing.empty()) return write_texts(name, text->values);
    return write_column(name, to_categories(*text));
  }
  const auto& category = std::get<CategoryColumn>(column);
  write_categories(name, category, std::ssize(category.codes),
                   [&](std::int64_t begin, std::int64_t) {
                     return static_cast<const void*>(category.codes.data() + begin);
                   });
}

void Hdf5Target::write_result(const std::string& name, const ResultColumn& column) const {
  if (column.whole() != nullptr) return write_column(name, *column.whole());
  Column piece;
  const auto read = [&](std::int64_t begin, std::int64_t end) {
    piece = column.piece(begin, end);
    if (const auto* category = std::get_if<CategoryColumn>(&piece)) {
      return static_cast<const void*>(category->codes.data());
    }
    return static_cast<const void*>(std::get<NumberColumn>(piece).values.data());
  };
  const Column none = column.piece(0, 0);
  if (const auto* category = std::get_if<CategoryColumn>(&none)) {
    return write_categories(name, *category, column.n_rows(), read);
  }
  SAITHE_ASSERT(std::get<NumberColumn>(none).kind == NumberColumn::Kind::Float32);
  const std::int64_t n = column.n_rows();
  write_rows(name, H5T_IEEE_F32LE, H5T_NATIVE_DOUBLE, {&n, 1}, read, "array");
}

void Hdf5Target::write_numbers(const std::string& name, const NumberColumn& column) const {
  // AnnData refuses floating-point values below a mask, which a number past 64 bits would make
  // them.
  const bool is_whole = column.kind == NumberColumn::Kind::Boolean ||
                        (column.kind == NumberColumn::Kind::Integer &&
                         fit_signed_integers(column.values, column.exact));
  const bool has_missing = std::any_of(column.values.begin(), column.values.end(),
                                       [](double v) { return std::isnan(v); });
  if (!is_whole || !has_missing || !names_encodings_) {
    return write_array(name, column.values, column.kind, column.exact);
  }
  const bool is_boolean = column.kind == NumberColumn::Kind::Boolean;
  const Hdf5Target group = create_group(name, is_boolean ? "nullable-boolean" : "nullable-integer");
  std::vector<double> mask;
  for (const double value : column.values) mask.push_back(std::isnan(value) ? 1 : 0);
  std::vector<double> values = column.values;
  std::replace_if(
      values.begin(), values.end(), [](double v) { return std::isnan(v); }, 0.0);
  group.write_array("values", values, column.kind, column.exact);
  group.write_array("mask", mask, NumberColumn::Kind::Boolean);
}

void Hdf5Target::write_levels(const std::string& name, const CategoryColumn& category) const {
  if (const auto whole = unsigned_levels(category)) {
    const auto n = static_cast<std::int64_t>(whole->size());
    return write_dataset(name, H5T_STD_U64LE, H5T_NATIVE_UINT64, {&n, 1}, whole->data(), "array");
  }
  const auto numbers = level_numbers(category);
  if (!numbers) return write_texts(name, category.levels);
  write_array(name, numbers->values, numbers->kind, numbers->exact);
}

void Hdf5Target::write_codes(const std::string& name, std::size_t n_levels, std::int64_t n_rows,
                             const ReadValues& read_codes) const {
  // pandas takes the smallest signed integers that hold the codes.
  const hid_t type = n_levels <= 127     ? H5T_STD_I8LE
                     : n_levels <= 32767 ? H5T_STD_I16LE
                                         : H5T_STD_I32LE;
  write_rows(name, type, H5T_NATIVE_INT32, {&n_rows, 1}, read_codes, "array");
}

void Hdf5Target::write_categories(const std::string& name, const CategoryColumn& category,
                                  std::int64_t n_rows, const ReadValues& read_codes) const {
  const std::size_t n_levels = category.levels.size();
  if (names_encodings_) {
    const Hdf5Target group = create_group(name, "categorical", "0.2.0");
    group.set_attribute("ordered", category.is_ordered);
    group.write_levels("categories", category);
    return group.write_codes("codes", n_levels, n_rows, read_codes);
  }
  const Hdf5Target all_levels =
      has(kLevelsOfCategories) ? group(kLevelsOfCategories) : create_group(kLevelsOfCategories, "");
  if (all_levels.has(name)) all_levels.remove(name);
  all_levels.write_levels(name, category);
  const Hdf5Id levels(H5Dopen2(all_levels.id(), name.c_str(), H5P_DEFAULT));
  const std::int8_t is_ordered = category.is_ordered ? 1 : 0;
  write_attribute(*this, levels.get(), "ordered", boolean().get(), 1, true, &is_ordered);
  hobj_ref_t reference = 0;
  if (H5Rcreate(&reference, all_levels.id(), name.c_str(), H5R_OBJECT, H5I_INVALID_HID) < 0) {
    fail_writing();
  }
  write_codes(name, n_levels, n_rows, read_codes);
  const Hdf5Id codes(H5Dopen2(id(), name.c_str(), H5P_DEFAULT));
  write_attribute(*this, codes.get(), "categories", H5T_STD_REF_OBJ, 1, true, &reference);
}

Hdf5Id roomy_group_list() {
  Hdf5Id list = untimed(H5P_GROUP_CREATE);
  H5Pset_attr_creation_order(list.get(), H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED);
  return list;
}

void Hdf5Target::write_frame(const std::string& name, const Table& table,
                             const FrameNames& names) const {
  const bool is_roomy = names.columns.size() > kMostPlainNames;
  const Hdf5Target frame = create_group(name, "dataframe", "0.2.0", is_roomy);
  frame.set_attribute("_index", names.index);
  if (names.columns.empty()) {
    // AnnData reads an empty list of numbers as no columns; a list of texts cannot be empty there.
    write_attribute(frame, frame.id(), "column-order", H5T_IEEE_F64LE, 0, false, nullptr);
  } else {
    frame.set_attribute("column-order", names.columns);
  }
  frame.write_index(names.index, table);
  auto column_name = names.columns.begin();
  table.visit_columns([&](const std::string&, const Column& column) {
    frame.write_column(*column_name++, column);
  });
}

void Hdf5Target::write_index(const std::string& name, const Table& table) const {
  const Hdf5Id type = utf8_text();
  const std::int64_t n = table.n_rows();
  std::vector<std::string> rows;
  std::vector<const char*> pointers;
  const auto read = [&](std::int64_t begin, std::int64_t end) {
    rows = table.names(begin, end);
    pointers.clear();
    for (const std::string& row : rows) pointers.push_back(row.c_str());
    return static_cast<const void*>(pointers.data());
  };
  write_rows(name, type.get(), type.get(), {&n, 1}, read, "string-array");
}

void Hdf5Target::write_uns(const std::string& path, const UnsValue& value, bool overwrite) const {
  const std::vector<std::string> parts = split_path(path);
  std::vector<Hdf5Target> open;
  const Hdf5Target* parent = this;
  for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
    open.push_back(parent->has(parts[i]) ? parent->group(parts[i])
                                         : parent->create_group(parts[i], "dict"));
    parent = &open.back();
  }
  if (parent->has(parts.back())) {
    if (!overwrite) {
      fail(ErrorKind::Output, "{}: has uns/{} already; add --overwrite to replace it", file_name_,
           path);
    }
    parent->remove(parts.back());
  }
  parent->write_scalar(parts.back(), value);
}

std::vector<std::string> Hdf5Target::text_list_attribute(const std::string& name) const {
  return read_text_attribute(id(), name, file_name_);
}

std::string Hdf5Target::text_attribute(const std::string& name) const {
  const auto texts = read_text_attribute(id(), name, file_name_);
  return texts.empty() ? std::string() : texts.front();
}

}  // namespace saithe::io
