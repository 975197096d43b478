// What the library throws.

#include "saithe/core/error.h"

#include <gtest/gtest.h>

#include <set>

#include "saithe/core/types.h"
#include "support/folder_for_test.h"

namespace saithe {
namespace {

TEST(Error, FailFormatsTheMessageAndKeepsTheKind) {
  EXPECT_SAITHE_ERROR(fail(ErrorKind::NotFound, "{}: cell {}", "a.h5ad", 7), ErrorKind::NotFound,
                      "a.h5ad: cell 7");
}

TEST(Error, EachKindHasItsOwnName) {
  std::set<std::string> names;
  for (int kind = 0; kind <= static_cast<int>(ErrorKind::Internal); ++kind) {
    names.insert(kind_name(static_cast<ErrorKind>(kind)));
  }
  EXPECT_EQ(names.size(), static_cast<std::size_t>(ErrorKind::Internal) + 1);
  EXPECT_TRUE(names.contains("BadFormat"));
}

TEST(Error, AnAssertionSaysWhereWithoutThePathOfTheBuild) {
  EXPECT_NO_THROW(SAITHE_ASSERT(1 + 1 == 2));
  EXPECT_SAITHE_ERROR(fail_assertion("a == b", "/x/src/saithe/core/a.cpp", 3), ErrorKind::Internal,
                      "src/saithe/core/a.cpp:3: assertion failed: a == b");
  const auto error = testing::error_of([] { fail_assertion("a", "/x/src/saithe/core/a.cpp", 3); });
  ASSERT_TRUE(error.has_value());
  EXPECT_FALSE(testing::contains(error->what(), "/x/"));
}

TEST(Types, SizesThatDoNotFitAreRefused) {
  constexpr std::int64_t kLarge = std::int64_t{1} << 62;
  EXPECT_EQ(checked_multiply(1 << 20, 1 << 20, "x"), std::int64_t{1} << 40);
  EXPECT_SAITHE_ERROR(checked_multiply(kLarge, 2, "cells"), ErrorKind::BadFormat, "cells");
  EXPECT_SAITHE_ERROR(checked_add(kLarge, kLarge, "cells"), ErrorKind::BadFormat, "cells");
  EXPECT_EQ(checked_cast<std::int32_t>(std::int64_t{5}, "gene"), 5);
  EXPECT_SAITHE_ERROR(checked_cast<std::int32_t>(kLarge, "gene"), ErrorKind::BadFormat, "gene");
  EXPECT_SAITHE_ERROR(checked_cast<std::uint8_t>(-1, "gene"), ErrorKind::BadFormat, "-1");
}

}  // namespace
}  // namespace saithe
