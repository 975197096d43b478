#pragma once

// The inner loop of the layout: the moves of single points, in vectors of eight forces. Private to
// embed/; dispatched to the processor as the kernels are.

#include <cstdint>
#include <vector>

namespace saithe::embed {

/// A layout (n_points, 2), its links and what moves it in one epoch.
struct LayoutMoves {
  std::int64_t n_points = 0;
  const std::int64_t* first_link =
      nullptr;                          ///< links of point p: [first_link[p], first_link[p + 1])
  const std::int32_t* other = nullptr;  ///< the other end of each link
  const float* period = nullptr;        ///< epochs between two acts of a link
  float* next_epoch = nullptr;          ///< when it acts next
  const float* positions = nullptr;     ///< (n_points, 2)
  float a = 1;
  float b = 1;
  int n_samples = 5;  ///< points that push, per act of a link
  int epoch = 0;
  float rate = 1;
  std::uint64_t seed = 0;
};

/// By how much a point is to move.
struct Move {
  std::int32_t point;
  float x;
  float y;
};

/// Appends the moves of the points [begin, end) by their links that are due and by the points at
/// random that push them, and for each pull the reversed move of the link's other end.
void find_moves(const LayoutMoves& moves, std::int64_t begin, std::int64_t end,
                std::vector<Move>& found);

}  // namespace saithe::embed
