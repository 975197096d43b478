#include "saithe/core/parallel.h"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <string>

#include "saithe/core/error.h"
#include "saithe/core/thread_team.h"

namespace saithe {

namespace {

int threads_of_cgroup_quota() {
  std::ifstream file("/sys/fs/cgroup/cpu.max");
  std::string quota;
  double period = 0;
  if (!(file >> quota >> period) || quota == "max" || period <= 0) return 0;
  return std::max(1, static_cast<int>(std::ceil(std::stod(quota) / period)));
}

}  // namespace

int available_threads() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  int n = 1;
  if (sched_getaffinity(0, sizeof allowed, &allowed) == 0) n = std::max(1, CPU_COUNT(&allowed));
  const int quota = threads_of_cgroup_quota();
  return quota > 0 ? std::min(n, quota) : n;
}

Context::Context(int n_threads, std::uint64_t seed)
    : n_threads_(n_threads == 0 ? available_threads() : n_threads), seed_(seed) {
  if (n_threads < 0 || n_threads > 1024) {
    fail(ErrorKind::InvalidArgument,
         "--threads: {} is not between 1 and 1024 (0: as many as there are)", n_threads);
  }
  team_ = std::make_shared<ThreadTeam>(n_threads_);
}

void Context::throw_if_cancelled() const {
  if (is_cancelled()) fail(ErrorKind::Cancelled, "stopped on request");
}

void parallel_for(const Context& context, std::int64_t n, std::int64_t chunk,
                  const std::function<void(std::int64_t, std::int64_t)>& body) {
  SAITHE_ASSERT(chunk > 0 && n >= 0);
  const std::int64_t n_chunks = (n + chunk - 1) / chunk;
  context.team().run(n_chunks,
                     [&](std::int64_t c) { body(c * chunk, std::min(n, (c + 1) * chunk)); });
}

}  // namespace saithe
