// Chunks whose borders do not depend on the threads, and the context of a run.

#include "saithe/core/parallel.h"

#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <vector>

#include "support/folder_for_test.h"

namespace saithe {
namespace {

TEST(Parallel, EveryElementIsInExactlyOneChunk) {
  for (const int n_threads : {1, 2, 5}) {
    const Context context(n_threads);
    for (const std::int64_t n : {0, 1, 7, 64, 1000}) {
      for (const std::int64_t chunk : {1, 3, 64, 5000}) {
        std::vector<int> seen(static_cast<std::size_t>(n));
        parallel_for(context, n, chunk, [&](std::int64_t begin, std::int64_t end) {
          for (std::int64_t i = begin; i < end; ++i) ++seen[static_cast<std::size_t>(i)];
        });
        for (const int count : seen) ASSERT_EQ(count, 1) << n << " in chunks of " << chunk;
      }
    }
  }
}

TEST(Parallel, BordersOfChunksDoNotDependOnTheThreads) {
  const auto borders = [](int n_threads) {
    std::vector<std::int64_t> ends(10);
    parallel_for(Context(n_threads), 95, 10, [&](std::int64_t begin, std::int64_t end) {
      ends[static_cast<std::size_t>(begin / 10)] = end;
    });
    return ends;
  };
  const std::vector<std::int64_t> expected = {10, 20, 30, 40, 50, 60, 70, 80, 90, 95};
  EXPECT_EQ(borders(1), expected);
  EXPECT_EQ(borders(4), expected);
}

TEST(Parallel, TheFirstFailureInOrderIsTheOneReported) {
  for (int round = 0; round < 50; ++round) {
    EXPECT_SAITHE_ERROR(parallel_for(Context(4), 100, 1,
                                     [](std::int64_t i, std::int64_t) {
                                       if (i % 10 == 3) fail(ErrorKind::BadFormat, "chunk {}", i);
                                     }),
                        ErrorKind::BadFormat, "chunk 3");
  }
}

TEST(Parallel, AContextWorksAgainAfterAFailure) {
  const Context context(3);
  EXPECT_THROW(parallel_for(context, 9, 1,
                            [](std::int64_t, std::int64_t) { fail(ErrorKind::Numerical, "no"); }),
               Error);
  std::atomic<int> n_chunks = 0;
  parallel_for(context, 9, 1, [&](std::int64_t, std::int64_t) { ++n_chunks; });
  EXPECT_EQ(n_chunks, 9);
}

TEST(Context, ThreadsOutOfRangeAreRefused) {
  EXPECT_SAITHE_ERROR(Context(-1), ErrorKind::InvalidArgument, "--threads: -1");
  EXPECT_SAITHE_ERROR(Context(1025), ErrorKind::InvalidArgument, "--threads: 1025");
  EXPECT_GE(Context().n_threads(), 1);
  EXPECT_EQ(Context(3, 17).seed(), 17U);
}

TEST(Context, ACancelledRunStopsAtTheNextLook) {
  std::atomic<bool> cancelled = false;
  Context context(1);
  EXPECT_NO_THROW(context.throw_if_cancelled());
  context.cancelled = &cancelled;
  EXPECT_NO_THROW(context.throw_if_cancelled());
  cancelled = true;
  EXPECT_SAITHE_ERROR(context.throw_if_cancelled(), ErrorKind::Cancelled, "stopped");
}

TEST(Context, ProgressAndWarningsReachTheCaller) {
  Context context(1);
  context.report("nobody listens", 1, 2);
  context.warn("nobody listens");
  std::vector<std::string> heard;
  context.on_progress = [&](const ProgressUpdate& update) {
    heard.push_back(fmt::format("{} {}/{}", update.stage, update.done, update.total));
  };
  context.on_warning = [&](const std::string& message) { heard.push_back(message); };
  context.report("epoch", 3, 10);
  context.warn("one cell only");
  EXPECT_EQ(heard, (std::vector<std::string>{"epoch 3/10", "one cell only"}));
}

}  // namespace
}  // namespace saithe
