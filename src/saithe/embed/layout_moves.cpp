#include "saithe/embed/layout_moves.h"

#include <algorithm>
#include <vector>

#include "saithe/core/random.h"
#include "saithe/kernels/cpu/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "saithe/embed/layout_moves.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace saithe::embed {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using D = hn::CappedTag<float, 8>;
using V = hn::Vec<D>;

// Forces that act from the same position; a multiple of every vector's lanes.
constexpr std::size_t kForces = 8;
// A move is at most this long in each direction.
constexpr float kLongestMove = 4.0F;

/// log2 of positive normal numbers; the polynomial is off by 6e-7 at most. Here and below terms are
/// paired (Estrin's scheme): a point's forces wait for each other, so the chain should be short.
HWY_INLINE V Log2(V x) {
  const D d;
  const hn::RebindToSigned<D> di;
  const auto bits = hn::BitCast(di, x);
  // The exponent that leaves a mantissa between sqrt(1/2) and sqrt(2).
  const auto exponent = hn::ShiftRight<23>(hn::Sub(bits, hn::Set(di, 0x3F3504F3)));
  const V f = hn::Sub(hn::BitCast(d, hn::Sub(bits, hn::ShiftLeft<23>(exponent))), hn::Set(d, 1.0F));
  const V f2 = hn::Mul(f, f);
  const V c12 = hn::MulAdd(hn::Set(d, -0.72136404F), f, hn::Set(d, 1.4426964F));
  const V c34 = hn::MulAdd(hn::Set(d, -0.35935038F), f, hn::Set(d, 0.4806291F));
  const V c56 = hn::MulAdd(hn::Set(d, -0.26950934F), f, hn::Set(d, 0.29563411F));
  const V c567 = hn::MulAdd(hn::Set(d, 0.17213075F), f2, c56);
  const V sum = hn::MulAdd(hn::MulAdd(c567, f2, c34), f2, c12);
  return hn::MulAdd(sum, f, hn::ConvertTo(d, exponent));
}

/// 2^x for -126 <= x <= 126; off by 3e-7 of the value at most.
HWY_INLINE V Exp2(V x) {
  const D d;
  const hn::RebindToSigned<D> di;
  const auto whole = hn::NearestInt(x);
  const V f = hn::Sub(x, hn::ConvertTo(d, whole));
  const V f2 = hn::Mul(f, f);
  const V c01 = hn::MulAdd(hn::Set(d, 0.6931472F), f, hn::Set(d, 1.0000001F));
  const V c23 = hn::MulAdd(hn::Set(d, 0.055503406F), f, hn::Set(d, 0.24022211F));
  const V c45 = hn::MulAdd(hn::Set(d, 0.001339531F), f, hn::Set(d, 0.0096707889F));
  const V sum = hn::MulAdd(hn::MulAdd(c45, f2, c23), f2, c01);
  return hn::Mul(sum, hn::BitCast(d, hn::ShiftLeft<23>(hn::Add(whole, hn::Set(di, 127)))));
}

/// Up to eight points that pull or push a ninth. What is not filled has no force.
struct Forces {
  HWY_ALIGN float x[kForces] = {};
  HWY_ALIGN float y[kForces] = {};
  HWY_ALIGN float pull[kForces] = {};  // -2 a b for a link, else 0
  HWY_ALIGN float push[kForces] = {};  // 2 b for a point that is not linked, else 0
  HWY_ALIGN float move_x[kForces] = {};
  HWY_ALIGN float move_y[kForces] = {};
  std::size_t n = 0;

  void add(const float* position, float pull_by, float push_by) {
    x[n] = position[0];
    y[n] = position[1];
    pull[n] = pull_by;
    push[n] = push_by;
    ++n;
  }
};

/// One order for every width of the vectors.
HWY_INLINE float SumOf(const float* values) {
  return ((values[0] + values[4]) + (values[2] + values[6])) +
         ((values[1] + values[5]) + (values[3] + values[7]));
}

/// pull p / (d^2 (1 + a p)) or push / ((0.001 + d^2)(1 + a p)) with p = d^(2b), d^2 = dx^2 + dy^2;
/// one of pull and push is 0.
HWY_INLINE V Coefficient(const LayoutMoves& m, V dx, V dy, V pull, V push) {
  const D d;
  const V zero = hn::Zero(d);
  const V d2 = hn::Max(hn::MulAdd(dx, dx, hn::Mul(dy, dy)), hn::Set(d, 1e-30F));
  const V log_power = hn::Mul(hn::Set(d, m.b), Log2(d2));
  const V power = Exp2(hn::Min(hn::Max(log_power, hn::Set(d, -120.0F)), hn::Set(d, 120.0F)));
  const V near = hn::IfThenElse(hn::Gt(push, zero), hn::Set(d, 0.001F), zero);
  const V numerator = hn::MulAdd(pull, power, push);
  const V denominator =
      hn::Mul(hn::Add(d2, near), hn::MulAdd(hn::Set(d, m.a), power, hn::Set(d, 1.0F)));
  return hn::Div(numerator, denominator);
}

HWY_INLINE V Cut(V move) {
  const D d;
  return hn::Min(hn::Max(move, hn::Set(d, -kLongestMove)), hn::Set(d, kLongestMove));
}

/// Moves (x, y) by all forces at once, each cut to kLongestMove.
HWY_INLINE void Apply(Forces& forces, const LayoutMoves& m, float& x, float& y) {
  const D d;
  for (std::size_t i = forces.n; i < kForces; ++i) {
    forces.pull[i] = 0;
    forces.push[i] = 0;
  }
  for (std::size_t i = 0; i < kForces; i += hn::Lanes(d)) {
    const V dx = hn::Sub(hn::Set(d, x), hn::Load(d, forces.x + i));
    const V dy = hn::Sub(hn::Set(d, y), hn::Load(d, forces.y + i));
    const V coefficient =
        Coefficient(m, dx, dy, hn::Load(d, forces.pull + i), hn::Load(d, forces.push + i));
    hn::Store(Cut(hn::Mul(coefficient, dx)), d, forces.move_x + i);
    hn::Store(Cut(hn::Mul(coefficient, dy)), d, forces.move_y + i);
  }
  x += SumOf(forces.move_x) * m.rate;
  y += SumOf(forces.move_y) * m.rate;
  forces.n = 0;
}

/// The links of a point that act in this epoch; without branches, as none could be foreseen.
HWY_INLINE std::size_t ActingLinks(const LayoutMoves& m, std::int64_t point,
                                   std::vector<std::int64_t>& acting) {
  const std::int64_t begin = m.first_link[point];
  const std::int64_t end = m.first_link[point + 1];
  if (acting.size() < static_cast<std::size_t>(end - begin)) {
    acting.resize(static_cast<std::size_t>(end - begin));
  }
  const auto now = static_cast<float>(m.epoch + 1);
  std::size_t n = 0;
  for (std::int64_t link = begin; link < end; ++link) {
    const bool acts = m.next_epoch[link] <= now;
    m.next_epoch[link] += acts ? m.period[link] : 0.0F;
    acting[n] = link;
    n += acts ? 1 : 0;
  }
  return n;
}

void MovePoints(const LayoutMoves& m, std::int64_t begin, std::int64_t end, std::int64_t stride) {
  const Random random(m.seed, stream::kUmap + 2000 + static_cast<std::uint64_t>(m.epoch));
  const auto n_points = static_cast<std::uint64_t>(m.n_points);
  const auto n_samples = static_cast<std::uint64_t>(m.n_samples);
  const float attraction = -2 * m.a * m.b;
  const float repulsion = 2 * m.b;
  Forces forces;
  std::vector<std::int64_t> acting;
  for (std::int64_t point = begin; point < std::min(end, m.n_points); point += stride) {
    float x = m.positions[2 * point];
    float y = m.positions[2 * point + 1];
    const std::size_t n_acting = ActingLinks(m, point, acting);
    for (std::size_t l = 0; l < n_acting; ++l) {
      const std::int64_t link = acting[l];
      // The pull acts together with the pushes of the link before it.
      if (forces.n == kForces) Apply(forces, m, x, y);
      const std::size_t pull = forces.n;
      forces.add(m.positions + 2 * std::int64_t{m.other[link]}, attraction, 0);
      Apply(forces, m, x, y);
      float* reaction = m.reactions + 2 * m.back[link];
      reaction[0] = -forces.move_x[pull] * m.rate;
      reaction[1] = -forces.move_y[pull] * m.rate;
      const auto first = static_cast<std::uint64_t>(link) * n_samples;
      for (std::uint64_t s = 0; s < n_samples; ++s) {
        const auto sample = static_cast<std::int64_t>(random.below(first + s, n_points));
        if (forces.n == kForces) Apply(forces, m, x, y);
        forces.add(m.positions + 2 * sample, 0, sample == point ? 0.0F : repulsion);
      }
    }
    Apply(forces, m, x, y);
    m.moved[2 * point] = x;
    m.moved[2 * point + 1] = y;
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace saithe::embed
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace saithe::embed {

HWY_EXPORT(MovePoints);

void move_points(const LayoutMoves& moves, std::int64_t begin, std::int64_t end,
                 std::int64_t stride) {
  kernels::cpu::choose_simd_target();
  HWY_DYNAMIC_DISPATCH(MovePoints)(moves, begin, end, stride);
}

void take_reactions(const LayoutMoves& moves, float* positions, std::int64_t begin,
                    std::int64_t end, std::int64_t stride) {
  for (std::int64_t point = begin; point < std::min(end, moves.n_points); point += stride) {
    float x = 0;
    float y = 0;
    for (std::int64_t link = moves.first_link[point]; link < moves.first_link[point + 1]; ++link) {
      x += moves.reactions[2 * link];
      y += moves.reactions[2 * link + 1];
      moves.reactions[2 * link] = 0;
      moves.reactions[2 * link + 1] = 0;
    }
    positions[2 * point] += x;
    positions[2 * point + 1] += y;
  }
}

}  // namespace saithe::embed
#endif  // HWY_ONCE
