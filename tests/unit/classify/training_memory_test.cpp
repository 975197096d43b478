// Cells take their part of --memory before values do.

#include "saithe/classify/training_memory.h"

#include <gtest/gtest.h>

#include "support/folder_for_test.h"

namespace saithe {
namespace {

constexpr std::int64_t kMegabyte = std::int64_t{1} << 20;

Context with_megabytes(std::int64_t n) {
  Context context(1, 7);
  context.max_memory = n * kMegabyte;
  return context;
}

/// Those that keep a last hidden layer of so many units, or none.
TrainOptions keeping(int n_hidden) {
  TrainOptions options;
  options.networks = 1;
  options.hidden = {64, n_hidden};
  options.keep_hidden = n_hidden > 0;
  return options;
}

TEST(ContextForValues, FewCellsLeaveAllOfIt) {
  const Context rest = context_for_values(with_megabytes(16), "f", 100000, 10, keeping(0));
  EXPECT_EQ(rest.max_memory, 16 * kMegabyte);
  EXPECT_EQ(rest.seed(), 7U);
}

TEST(ContextForValues, ManyCellsLeaveLess) {
  const std::int64_t two_gigabytes = with_megabytes(2048).max_memory;
  const auto left = [](CellIndex n_cells, LabelIndex n_types, int n_hidden) {
    return context_for_values(with_megabytes(2048), "f", n_cells, n_types, keeping(n_hidden))
        .max_memory;
  };
  EXPECT_LT(left(1000000, 10, 0), two_gigabytes - 400 * kMegabyte);
  EXPECT_GT(left(1000000, 10, 0), two_gigabytes - 500 * kMegabyte);
  EXPECT_LT(left(1000000, 50, 0), left(1000000, 10, 0));
  EXPECT_LT(left(1000000, 10, 128), left(1000000, 10, 0));
  // Just before it is refused some is left.
  EXPECT_EQ(left(4300000, 10, 0), two_gigabytes / 16);
}

TEST(ContextForValues, TooManyAreRefusedWithTheMemoryThatIsEnough) {
  EXPECT_SAITHE_ERROR(context_for_values(with_megabytes(64), "f", 1000000, 8, keeping(0)),
                      ErrorKind::InvalidArgument,
                      "f: training on 1000000 cells of 8 types takes 455 MB beside their values; "
                      "--memory allows 64. Give --memory 489M or more");
  EXPECT_NO_THROW(context_for_values(with_megabytes(489), "f", 1000000, 8, keeping(0)));
}

TEST(TrainingMemory, IsAskedForBeforeTheTypesAreKnown) {
  EXPECT_NO_THROW(require_memory_for_training("f", 1000000, with_megabytes(300)));
  EXPECT_SAITHE_ERROR(require_memory_for_training("f", 1000000, with_megabytes(64)),
                      ErrorKind::InvalidArgument,
                      "f: training on 1000000 cells takes 333 MB or more beside their values; "
                      "--memory allows 64. Give --memory 642M or more, or fewer cells.");
  EXPECT_NO_THROW(context_for_values(with_megabytes(642), "f", 1000000, 16, keeping(0)));
}

}  // namespace
}  // namespace saithe
