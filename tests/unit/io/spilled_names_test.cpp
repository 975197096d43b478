// Names come back, wherever they lie.

#include "saithe/io/spilled_names.h"

#include <gtest/gtest.h>

namespace saithe {
namespace {

using io::SpilledNames;

TEST(SpilledNames, AnyOfThemComeBackWithAnyMemory) {
  for (const std::int64_t n : {0, 1, 63, 64, 65, 1000}) {
    std::vector<std::string> all;
    for (std::int64_t i = 0; i < n; ++i) {
      all.push_back(i % 7 == 3 ? "" : std::string(as_size(i % 40), 'x') + std::to_string(i));
    }
    for (const std::int64_t max_bytes : {0, 100, 3000, 1 << 20}) {
      SpilledNames names(max_bytes);
      for (const std::string& name : all) names.append(name);
      EXPECT_EQ(names.size(), n);
      EXPECT_EQ(names.first(), n == 0 ? "" : all.front());
      const Table table = SpilledNames::table_of(std::move(names));
      ASSERT_EQ(table.n_rows(), n);
      for (std::int64_t begin = 0; begin <= n; begin += 37) {
        for (std::int64_t end = begin; end <= n; end += 41) {
          EXPECT_EQ(table.names(begin, end),
                    std::vector<std::string>(all.begin() + begin, all.begin() + end));
        }
      }
      EXPECT_EQ(table.index(), all);
    }
  }
}

TEST(SpilledNames, MayHoldAnyBytes) {
  SpilledNames names(0);
  const std::string odd("a\nb\0c\xff", 6);
  names.append(odd);
  EXPECT_EQ(SpilledNames::table_of(std::move(names)).name_of(0), odd);
}

}  // namespace
}  // namespace saithe
