#include "saithe/io/hdf5_types.h"

#include <bit>
#include <cstdint>
#include <string_view>

namespace saithe::io {
namespace {

/// Whether an enumeration calls a number so.
bool has_member(hid_t type, std::string_view name, std::int64_t value) {
  const int index = H5Tget_member_index(type, name.data());
  const Hdf5Id base(H5Tget_super(type));
  std::int64_t found = 0;  // in place of the base's bytes
  if (index < 0 || H5Tget_size(base.get()) > sizeof found ||
      H5Tget_member_value(type, static_cast<unsigned>(index), &found) < 0 ||
      H5Tconvert(base.get(), H5T_NATIVE_INT64, 1, &found, nullptr, H5P_DEFAULT) < 0) {
    return false;
  }
  return found == value;
}

}  // namespace

StoredKind kind_of_type(hid_t type) {
  switch (H5Tget_class(type)) {
    case H5T_INTEGER:
      return StoredKind::Integer;
    case H5T_FLOAT:
      return StoredKind::Float;
    case H5T_STRING:
      return StoredKind::Text;
    case H5T_ENUM: {
      const bool are_booleans =
          H5Tget_nmembers(type) == 2 && has_member(type, "FALSE", 0) && has_member(type, "TRUE", 1);
      return are_booleans ? StoredKind::Boolean : StoredKind::Other;
    }
    default:
      return StoredKind::Other;
  }
}

NumberLayout layout_of(hid_t type) {
  struct Known {
    hid_t type;
    NumberLayout layout;
  };
  const Known known[] = {
      {H5T_STD_I8LE, {1, false, true, false}},  {H5T_STD_U8LE, {1, false, false, false}},
      {H5T_STD_I16LE, {2, false, true, false}}, {H5T_STD_U16LE, {2, false, false, false}},
      {H5T_STD_I32LE, {4, false, true, false}}, {H5T_STD_U32LE, {4, false, false, false}},
      {H5T_STD_I64LE, {8, false, true, false}}, {H5T_STD_U64LE, {8, false, false, false}},
      {H5T_IEEE_F32LE, {4, true, true, false}}, {H5T_IEEE_F64LE, {8, true, true, false}},
      {H5T_STD_I8BE, {1, false, true, false}},  {H5T_STD_U8BE, {1, false, false, false}},
      {H5T_STD_I16BE, {2, false, true, true}},  {H5T_STD_U16BE, {2, false, false, true}},
      {H5T_STD_I32BE, {4, false, true, true}},  {H5T_STD_U32BE, {4, false, false, true}},
      {H5T_STD_I64BE, {8, false, true, true}},  {H5T_STD_U64BE, {8, false, false, true}},
      {H5T_IEEE_F32BE, {4, true, true, true}},  {H5T_IEEE_F64BE, {8, true, true, true}},
  };
  static_assert(std::endian::native == std::endian::little);
  if (H5Tget_class(type) == H5T_ENUM) {  // of booleans
    const Hdf5Id base(H5Tget_super(type));
    return layout_of(base.get());
  }
  for (const Known& one : known) {
    if (H5Tequal(type, one.type) > 0) return one.layout;
  }
  return {};
}

}  // namespace saithe::io
