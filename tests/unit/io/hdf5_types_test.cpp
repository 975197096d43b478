#include "saithe/io/hdf5_types.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "saithe/io/hdf5_library.h"

namespace saithe::io {
namespace {

using Members = std::vector<std::pair<std::string, std::int64_t>>;

Hdf5Id enumeration(hid_t base, const Members& members) {
  initialise_hdf5();
  Hdf5Id type(H5Tenum_create(base));
  for (const auto& [name, number] : members) {
    std::int64_t value = number;
    H5Tconvert(H5T_NATIVE_INT64, base, 1, &value, nullptr, H5P_DEFAULT);
    H5Tenum_insert(type.get(), name.c_str(), &value);
  }
  return type;
}

TEST(Hdf5Types, OnlyFalseAndTrueAreBooleans) {
  for (const hid_t base : {H5T_STD_I8LE, H5T_STD_I32BE, H5T_STD_U8LE}) {
    EXPECT_EQ(kind_of_type(enumeration(base, {{"FALSE", 0}, {"TRUE", 1}}).get()),
              StoredKind::Boolean);
    EXPECT_EQ(kind_of_type(enumeration(base, {{"TRUE", 1}, {"FALSE", 0}}).get()),
              StoredKind::Boolean);
  }
  for (const Members& members :
       {Members{{"TRUE", 0}, {"FALSE", 1}}, Members{{"B cell", 0}, {"T cell", 1}},
        Members{{"FALSE", 0}, {"TRUE", 2}}, Members{{"FALSE", 0}, {"TRUE", 1}, {"NA", 2}}}) {
    EXPECT_EQ(kind_of_type(enumeration(H5T_STD_I8LE, members).get()), StoredKind::Other);
  }
}

TEST(Hdf5Types, NumbersAndTexts) {
  initialise_hdf5();
  EXPECT_EQ(kind_of_type(H5T_STD_U16BE), StoredKind::Integer);
  EXPECT_EQ(kind_of_type(H5T_IEEE_F64LE), StoredKind::Float);
  EXPECT_EQ(kind_of_type(H5T_C_S1), StoredKind::Text);
  EXPECT_EQ(kind_of_type(H5T_STD_REF_OBJ), StoredKind::Other);
  const NumberLayout swapped = layout_of(H5T_STD_U16BE);
  EXPECT_EQ(swapped.value_bytes, 2U);
  EXPECT_TRUE(swapped.is_swapped);
  EXPECT_FALSE(swapped.is_signed);
  EXPECT_EQ(layout_of(H5T_C_S1).value_bytes, 0U);
}

}  // namespace
}  // namespace saithe::io
