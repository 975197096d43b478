#pragma once

// parallel_for over chunks whose borders do not depend on the number of threads.
//
// A function that writes only what belongs to its chunk, and adds up in the chunk's order, gives
// the same bits for any --threads: who computes a chunk may change, never what is computed.
// The threads are an own small team, because ThreadSanitizer sees into it (a packaged oneTBB or
// libgomp is not instrumented and drowns it in false reports) and a training step of a few
// milliseconds calls it twenty times.

#include <cstdint>
#include <functional>

#include "saithe/core/context.h"

namespace saithe {

/// Calls body(begin, end) for [0, n) cut into chunks of `chunk` (the last one short), on the
/// context's threads. Inside a body a further call runs on its own thread alone. If bodies throw,
/// the exception of the first chunk that threw is rethrown when all running chunks have ended.
void parallel_for(const Context& context, std::int64_t n, std::int64_t chunk,
                  const std::function<void(std::int64_t begin, std::int64_t end)>& body);

}  // namespace saithe
