#include "saithe/embed/layout_moves.h"

#include <algorithm>
#include <bit>
#include <cstring>
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

/// Up to eight points that push a ninth; the last may pull instead.
struct Forces {
  HWY_ALIGN float positions[2 * kForces] = {};
  HWY_ALIGN float move_x[kForces] = {};
  HWY_ALIGN float move_y[kForces] = {};
  std::size_t n = 0;

  HWY_INLINE void add(const float* position) {
    std::memcpy(positions + 2 * n, position, 2 * sizeof(float));
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

/// Moves (x, y) by all forces at once, each cut to kLongestMove. A point does not push itself: the
/// distance is 0, and with it the move.
HWY_INLINE void Apply(Forces& forces, const LayoutMoves& m, bool last_pulls, float& x, float& y) {
  const D d;
  const V n = hn::Set(d, static_cast<float>(forces.n));
  const V first_pull = hn::Set(d, static_cast<float>(forces.n) - (last_pulls ? 1.0F : 0.0F));
  const V attraction = hn::Set(d, -2 * m.a * m.b);
  const V repulsion = hn::Set(d, 2 * m.b);
  for (std::size_t i = 0; i < kForces; i += hn::Lanes(d)) {
    V other_x;
    V other_y;
    hn::LoadInterleaved2(d, forces.positions + 2 * i, other_x, other_y);
    const V number = hn::Iota(d, static_cast<float>(i));
    const V push = hn::IfThenElseZero(hn::Lt(number, first_pull), repulsion);
    const V pull =
        hn::IfThenElseZero(hn::And(hn::Ge(number, first_pull), hn::Lt(number, n)), attraction);
    const V dx = hn::Sub(hn::Set(d, x), other_x);
    const V dy = hn::Sub(hn::Set(d, y), other_y);
    const V coefficient = Coefficient(m, dx, dy, pull, push);
    hn::Store(Cut(hn::Mul(coefficient, dx)), d, forces.move_x + i);
    hn::Store(Cut(hn::Mul(coefficient, dy)), d, forces.move_y + i);
  }
  x += SumOf(forces.move_x) * m.rate;
  y += SumOf(forces.move_y) * m.rate;
  forces.n = 0;
}

/// A point on its way through its acting links.
class MovingPoint {
 public:
  HWY_INLINE void start(const LayoutMoves& m, std::int64_t point) {
    point_ = point;
    x_ = m.positions[2 * point];
    y_ = m.positions[2 * point + 1];
    const std::int64_t begin = m.first_link[point];
    const std::int64_t end = m.first_link[point + 1];
    if (acting_.size() < static_cast<std::size_t>(end - begin)) {
      acting_.resize(static_cast<std::size_t>(end - begin));
    }
    const D d;
    const V now = hn::Set(d, static_cast<float>(m.epoch + 1));
    const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
    n_acting_ = 0;
    std::int64_t link = begin;
    for (; link + lanes <= end; link += lanes) {
      const V next = hn::LoadU(d, m.next_epoch + link);
      const auto acts = hn::Le(next, now);
      const V period = hn::LoadU(d, m.period + link);
      hn::StoreU(hn::Add(next, hn::IfThenElseZero(acts, period)), d, m.next_epoch + link);
      std::uint8_t bits[8] = {};
      hn::StoreMaskBits(d, acts, bits);
      for (unsigned left = bits[0]; left != 0; left &= left - 1) {
        acting_[n_acting_++] = link + std::countr_zero(left);
      }
    }
    for (; link < end; ++link) {
      const bool is_due = m.next_epoch[link] <= static_cast<float>(m.epoch + 1);
      m.next_epoch[link] += is_due ? m.period[link] : 0.0F;
      acting_[n_acting_] = link;
      n_acting_ += is_due ? 1 : 0;
    }
  }

  [[nodiscard]] HWY_INLINE std::size_t n_acting() const { return n_acting_; }

  /// The link pulls, together with the pushes of the link before it; its own pushes are collected.
  HWY_INLINE void act(const LayoutMoves& m, const Random& random, std::size_t number,
                      std::vector<Move>& found) {
    const std::int64_t link = acting_[number];
    if (forces_.n == kForces) Apply(forces_, m, false, x_, y_);
    const std::size_t pull = forces_.n;
    forces_.add(m.positions + 2 * std::int64_t{m.other[link]});
    Apply(forces_, m, true, x_, y_);
    found.push_back(
        {m.other[link], -forces_.move_x[pull] * m.rate, -forces_.move_y[pull] * m.rate});
    const auto n_samples = static_cast<std::uint64_t>(m.n_samples);
    const auto first = static_cast<std::uint64_t>(link) * n_samples;
    for (std::uint64_t s = 0; s < n_samples; ++s) {
      const std::uint64_t sample = random.below(first + s, static_cast<std::uint64_t>(m.n_points));
      if (forces_.n == kForces) Apply(forces_, m, false, x_, y_);
      forces_.add(m.positions + 2 * sample);
    }
  }

  HWY_INLINE void finish(const LayoutMoves& m, std::vector<Move>& found) {
    Apply(forces_, m, false, x_, y_);
    found.push_back({static_cast<std::int32_t>(point_), x_ - m.positions[2 * point_],
                     y_ - m.positions[2 * point_ + 1]});
  }

 private:
  Forces forces_;
  std::int64_t point_ = 0;
  float x_ = 0;
  float y_ = 0;
  std::vector<std::int64_t> acting_;
  std::size_t n_acting_ = 0;
};

void FindMoves(const LayoutMoves& m, std::int64_t begin, std::int64_t end,
               std::vector<Move>& found) {
  const Random random(m.seed, stream::kUmap + 2000 + static_cast<std::uint64_t>(m.epoch));
  // Two points take turns: each waits for its own last move, and the processor does the other's
  // meanwhile.
  MovingPoint a;
  MovingPoint b;
  for (std::int64_t point = begin; point < end; point += 2) {
    const bool is_pair = point + 1 < end;
    a.start(m, point);
    if (is_pair) b.start(m, point + 1);
    const std::size_t n_b = is_pair ? b.n_acting() : 0;
    const std::size_t n_both = std::min(a.n_acting(), n_b);
    for (std::size_t l = 0; l < n_both; ++l) {
      a.act(m, random, l, found);
      b.act(m, random, l, found);
    }
    for (std::size_t l = n_both; l < a.n_acting(); ++l) a.act(m, random, l, found);
    for (std::size_t l = n_both; l < n_b; ++l) b.act(m, random, l, found);
    a.finish(m, found);
    if (is_pair) b.finish(m, found);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace saithe::embed
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace saithe::embed {

HWY_EXPORT(FindMoves);

void find_moves(const LayoutMoves& moves, std::int64_t begin, std::int64_t end,
                std::vector<Move>& found) {
  kernels::cpu::choose_simd_target();
  HWY_DYNAMIC_DISPATCH(FindMoves)(moves, begin, end, found);
}

}  // namespace saithe::embed
#endif  // HWY_ONCE
