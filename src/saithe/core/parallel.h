#pragma once

// parallel_for over chunks whose borders do not depend on the number of threads.
//
// A function that writes only what belongs to its chunk, and adds up in the chunk's order, gives
// the same bits for any --threads: stealing changes who computes a chunk, never what.

#include <cstdint>
#include <functional>

#include "saithe/core/context.h"

namespace saithe {

/// Calls body(begin, end) for [0, n) cut into chunks of `chunk` (the last one short), on the
/// context's threads. An exception of a body is rethrown in the caller. Nested calls are allowed.
void parallel_for(const Context& context, std::int64_t n, std::int64_t chunk,
                  const std::function<void(std::int64_t begin, std::int64_t end)>& body);

}  // namespace saithe
