// The threads under parallel_for: jobs in a row, in each other and from several callers.

#include "saithe/core/thread_team.h"

#include <gtest/gtest.h>

#include <mutex>
#include <numeric>
#include <set>
#include <thread>

namespace saithe {
namespace {

TEST(ThreadTeam, ThousandsOfSmallJobsRunEveryChunkOnce) {
  ThreadTeam team(4);
  std::vector<int> counts(7);
  for (int job = 0; job < 5000; ++job) {
    team.run(7, [&](std::int64_t c) { ++counts[static_cast<std::size_t>(c)]; });
  }
  EXPECT_EQ(counts, std::vector<int>(7, 5000));
}

TEST(ThreadTeam, NeverMoreThreadsThanAsked) {
  ThreadTeam team(3);
  std::mutex mutex;
  std::set<std::thread::id> threads;
  for (int job = 0; job < 200; ++job) {
    team.run(64, [&](std::int64_t) {
      const std::lock_guard lock(mutex);
      threads.insert(std::this_thread::get_id());
    });
  }
  EXPECT_LE(threads.size(), 3U);
}

TEST(ThreadTeam, AJobInsideAJobRunsWhereItIs) {
  ThreadTeam team(4);
  std::vector<std::int64_t> sums(50);
  team.run(50, [&](std::int64_t outer) {
    const auto here = std::this_thread::get_id();
    team.run(10, [&](std::int64_t inner) {
      EXPECT_EQ(std::this_thread::get_id(), here);
      sums[static_cast<std::size_t>(outer)] += inner;
    });
  });
  EXPECT_EQ(sums, std::vector<std::int64_t>(50, 45));
}

TEST(ThreadTeam, SeveralCallersShareATeam) {
  ThreadTeam team(2);
  std::vector<std::int64_t> sums(4);
  std::vector<std::thread> callers;
  for (std::size_t caller = 0; caller < sums.size(); ++caller) {
    callers.emplace_back([&, caller] {
      for (int job = 0; job < 200; ++job) {
        std::vector<std::int64_t> parts(8);
        team.run(8, [&](std::int64_t c) { parts[static_cast<std::size_t>(c)] = c; });
        sums[caller] += std::accumulate(parts.begin(), parts.end(), std::int64_t{0});
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(sums, std::vector<std::int64_t>(4, 200 * 28));
}

TEST(ThreadTeam, ATeamWithoutWorkEndsAtOnce) {
  for (int i = 0; i < 100; ++i) {
    ThreadTeam idle(8);
    ThreadTeam used(3);
    used.run(0, [](std::int64_t) { FAIL() << "there is no chunk"; });
  }
}

}  // namespace
}  // namespace saithe
