#include "saithe/kernels/cpu/simd.h"

#include <algorithm>
#include <cstdlib>
#include <numeric>

#include "saithe/core/error.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "saithe/kernels/cpu/simd.cpp"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace saithe::kernels::cpu {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using D = hn::CappedTag<float, 16>;
using V = hn::Vec<D>;

/// Adam of one vector; returns the updated parameter.
HWY_INLINE V AdamVector(const AdamConstants& a, V gradient, V parameter, V& m, V& v) {
  const D d;
  m = hn::MulAdd(hn::Set(d, a.beta1), m, hn::Mul(hn::Set(d, a.one_minus_beta1), gradient));
  v = hn::MulAdd(hn::Set(d, a.beta2), v,
                 hn::Mul(hn::Set(d, a.one_minus_beta2), hn::Mul(gradient, gradient)));
  const V denominator =
      hn::MulAdd(hn::Sqrt(v), hn::Set(d, a.inverse_root_correction2), hn::Set(d, a.epsilon));
  const V decayed = hn::Mul(parameter, hn::Set(d, a.keep));
  return hn::NegMulAdd(hn::Set(d, a.step_size), hn::Div(m, denominator), decayed);
}

/// Calls pass(std::integral_constant<n_vectors>, first unit) over a block's width, so that a gene's
/// units stay in registers.
template <typename Pass>
HWY_INLINE void ForUnits(std::int64_t width, Pass pass) {
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(D()));
  std::int64_t unit = 0;
  for (; unit + 4 * lanes <= width; unit += 4 * lanes)
    pass(std::integral_constant<std::size_t, 4>(), unit);
  for (; unit + 2 * lanes <= width; unit += 2 * lanes)
    pass(std::integral_constant<std::size_t, 2>(), unit);
  for (; unit < width; unit += lanes) pass(std::integral_constant<std::size_t, 1>(), unit);
}

/// tile rows of the entries += value * weights, for kN vectors of units.
template <std::size_t kN>
HWY_INLINE void Scatter(const SparseEntry* entry, const SparseEntry* end, const V (&weights)[kN],
                        std::int64_t width, float* tile) {
  const D d;
  const std::size_t lanes = hn::Lanes(d);
  for (; entry != end; ++entry) {
    float* row = tile + entry->row * width;
    const V value = hn::Set(d, entry->value);
    for (std::size_t k = 0; k < kN; ++k) {
      hn::Store(hn::MulAdd(value, weights[k], hn::Load(d, row + k * lanes)), d, row + k * lanes);
    }
  }
}

void SparseForwardBlock(const GeneMajor& x, const float* weights, std::int64_t width,
                        float* out_tile) {
  const D d;
  const std::size_t lanes = hn::Lanes(d);
  ForUnits(width, [&](auto n, std::int64_t unit) HWY_ATTR {
    constexpr std::size_t kN = decltype(n)::value;
    for (std::int64_t gene = 0; gene < x.n_genes; ++gene) {
      const std::int32_t begin = x.start[gene];
      const std::int32_t end = x.start[gene + 1];
      if (begin == end) continue;
      V w[kN];
      for (std::size_t k = 0; k < kN; ++k)
        w[k] = hn::Load(d, weights + gene * width + unit + k * lanes);
      Scatter<kN>(x.entries + begin, x.entries + end, w, width, out_tile + unit);
    }
  });
}

/// Sums of shift * weight are taken in float32 over this many genes, then in double.
constexpr std::int64_t kSumGenes = 128;

template <std::size_t kN>
HWY_INLINE void FlushSums(const V (&sums)[kN], double* totals) {
  const D d;
  const auto lanes = hn::Lanes(d);
  HWY_ALIGN float values[16];
  for (std::size_t k = 0; k < kN; ++k) {
    hn::Store(sums[k], d, values);
    for (std::size_t i = 0; i < lanes; ++i) {
      totals[k * lanes + i] += static_cast<double>(values[i]);
    }
  }
}

/// Genes between the one at work and the one whose weights and moments are asked for: they stream
/// through once a step, faster than the processor foresees (an epoch takes 15 % less).
constexpr std::int64_t kGenesAhead = 12;

template <std::size_t kN>
HWY_INLINE void StepUnits(const SparseStepBlock& step, std::int64_t unit) {
  const SparseStepBlock s = step;  // a copy: what is stored could otherwise change it
  const GeneMajor next = s.next != nullptr ? *s.next : GeneMajor{};
  const D d;
  const std::size_t lanes = hn::Lanes(d);
  V dy_sum[kN];
  for (std::size_t k = 0; k < kN; ++k) dy_sum[k] = hn::Load(d, s.dy_sum + unit + k * lanes);
  for (std::int64_t first = 0; first < s.x.n_genes; first += kSumGenes) {
    const std::int64_t last = std::min(first + kSumGenes, s.x.n_genes);
    V sums[kN];
    for (std::size_t k = 0; k < kN; ++k) sums[k] = hn::Zero(d);
    for (std::int64_t gene = first; gene < last; ++gene) {
      const V shift = hn::Set(d, s.shift[gene]);
      V g[kN];
      for (std::size_t k = 0; k < kN; ++k) g[k] = hn::Neg(hn::Mul(shift, dy_sum[k]));
      const SparseEntry* end = s.x.entries + s.x.start[gene + 1];
      for (const SparseEntry* e = s.x.entries + s.x.start[gene]; e != end; ++e) {
        const float* row = s.dy_tile + e->row * s.width + unit;
        const V value = hn::Set(d, e->value);
        for (std::size_t k = 0; k < kN; ++k)
          g[k] = hn::MulAdd(value, hn::Load(d, row + k * lanes), g[k]);
      }
      const std::int64_t at = gene * s.width + unit;
      const std::int64_t ahead = std::min(gene + kGenesAhead, s.x.n_genes - 1) * s.width + unit;
      V w[kN];
      for (std::size_t k = 0; k < kN; ++k) {
        hwy::Prefetch(s.first_moment + ahead + k * lanes);
        hwy::Prefetch(s.second_moment + ahead + k * lanes);
        hwy::Prefetch(s.weights + ahead + k * lanes);
        V m = hn::Load(d, s.first_moment + at + k * lanes);
        V v = hn::Load(d, s.second_moment + at + k * lanes);
        w[k] = AdamVector(s.adam, g[k], hn::Load(d, s.weights + at + k * lanes), m, v);
        hn::Store(m, d, s.first_moment + at + k * lanes);
        hn::Store(v, d, s.second_moment + at + k * lanes);
        hn::Store(w[k], d, s.weights + at + k * lanes);
        sums[k] = hn::MulAdd(shift, w[k], sums[k]);
      }
      if (s.next != nullptr) {
        Scatter<kN>(next.entries + next.start[gene], next.entries + next.start[gene + 1], w,
                    s.width, s.next_tile + unit);
      }
    }
    FlushSums<kN>(sums, s.shift_dot_weights + unit);
  }
}

void SparseStepBlockAll(const SparseStepBlock& s) {
  std::fill(s.shift_dot_weights, s.shift_dot_weights + s.width, 0.0);
  ForUnits(s.width,
           [&](auto n, std::int64_t unit) HWY_ATTR { StepUnits<decltype(n)::value>(s, unit); });
}

void ShiftDotWeights(std::int64_t n_genes, std::int64_t width, const float* shift,
                     const float* weights, double* totals) {
  const D d;
  const std::size_t lanes = hn::Lanes(d);
  std::fill(totals, totals + width, 0.0);
  ForUnits(width, [&](auto n, std::int64_t unit) HWY_ATTR {
    constexpr std::size_t kN = decltype(n)::value;
    for (std::int64_t first = 0; first < n_genes; first += kSumGenes) {
      V sums[kN];
      for (std::size_t k = 0; k < kN; ++k) sums[k] = hn::Zero(d);
      for (std::int64_t gene = first; gene < std::min(first + kSumGenes, n_genes); ++gene) {
        const V s = hn::Set(d, shift[gene]);
        for (std::size_t k = 0; k < kN; ++k) {
          sums[k] = hn::MulAdd(s, hn::Load(d, weights + gene * width + unit + k * lanes), sums[k]);
        }
      }
      FlushSums<kN>(sums, totals + unit);
    }
  });
}

void AdamUpdate(const AdamConstants& adam, std::int64_t n, const float* gradient, float* parameter,
                float* first_moment, float* second_moment) {
  const D d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  std::int64_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    V m = hn::LoadU(d, first_moment + i);
    V v = hn::LoadU(d, second_moment + i);
    hn::StoreU(AdamVector(adam, hn::LoadU(d, gradient + i), hn::LoadU(d, parameter + i), m, v), d,
               parameter + i);
    hn::StoreU(m, d, first_moment + i);
    hn::StoreU(v, d, second_moment + i);
  }
  if (i == n) return;
  // The rest goes through a padded vector, so that every value has the same arithmetic.
  HWY_ALIGN float rest[4][16] = {};
  const auto n_rest = static_cast<std::size_t>(n - i);
  std::copy_n(gradient + i, n_rest, rest[0]);
  std::copy_n(parameter + i, n_rest, rest[1]);
  std::copy_n(first_moment + i, n_rest, rest[2]);
  std::copy_n(second_moment + i, n_rest, rest[3]);
  V m = hn::Load(d, rest[2]);
  V v = hn::Load(d, rest[3]);
  hn::Store(AdamVector(adam, hn::Load(d, rest[0]), hn::Load(d, rest[1]), m, v), d, rest[1]);
  hn::Store(m, d, rest[2]);
  hn::Store(v, d, rest[3]);
  std::copy_n(rest[1], n_rest, parameter + i);
  std::copy_n(rest[2], n_rest, first_moment + i);
  std::copy_n(rest[3], n_rest, second_moment + i);
}

double SquaredDistance(const float* a, const float* b, std::size_t n) {
  constexpr std::size_t kSums = 8;  // of every eighth difference, whatever the vectors' width
  const hn::CappedTag<double, kSums> dd;
  const hn::Rebind<float, decltype(dd)> df;
  constexpr std::size_t kLanes = hn::MaxLanes(dd);
  constexpr std::size_t kVectors = kSums / kLanes;
  hn::Vec<decltype(dd)> sums[kVectors];
  for (std::size_t k = 0; k < kVectors; ++k) sums[k] = hn::Zero(dd);
  std::size_t i = 0;
  for (; i + kSums <= n; i += kSums) {
    for (std::size_t k = 0; k < kVectors; ++k) {
      const auto difference = hn::Sub(hn::PromoteTo(dd, hn::LoadU(df, a + i + k * kLanes)),
                                      hn::PromoteTo(dd, hn::LoadU(df, b + i + k * kLanes)));
      sums[k] = hn::MulAdd(difference, difference, sums[k]);
    }
  }
  HWY_ALIGN double totals[kSums];
  for (std::size_t k = 0; k < kVectors; ++k) hn::Store(sums[k], dd, totals + k * kLanes);
  for (std::size_t lane = 0; i < n; ++i, ++lane) {
    const double difference = static_cast<double>(a[i]) - static_cast<double>(b[i]);
    totals[lane] += difference * difference;
  }
  return std::accumulate(totals, totals + kSums, 0.0);
}

}  // namespace HWY_NAMESPACE
}  // namespace saithe::kernels::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace saithe::kernels::cpu {

HWY_EXPORT(SparseForwardBlock);
HWY_EXPORT(SparseStepBlockAll);
HWY_EXPORT(ShiftDotWeights);
HWY_EXPORT(AdamUpdate);
HWY_EXPORT(SquaredDistance);

void choose_simd_target() {
  // The choice is made once, at the first use of any kernel.
  static const bool is_chosen = [] {
    const char* name = std::getenv("SAITHE_SIMD");
    if (name != nullptr && *name != '\0') force_simd_target(name);
    return true;
  }();
  static_cast<void>(is_chosen);
}

void sparse_forward_block(const GeneMajor& x, const float* weights, std::int64_t width,
                          float* out_tile) {
  choose_simd_target();
  HWY_DYNAMIC_DISPATCH(SparseForwardBlock)(x, weights, width, out_tile);
}

void sparse_step_block(const SparseStepBlock& block) {
  choose_simd_target();
  HWY_DYNAMIC_DISPATCH(SparseStepBlockAll)(block);
}

void shift_dot_weights(std::int64_t n_genes, std::int64_t width, const float* shift,
                       const float* weights, double* sums) {
  choose_simd_target();
  HWY_DYNAMIC_DISPATCH(ShiftDotWeights)(n_genes, width, shift, weights, sums);
}

void adam_update(const AdamConstants& adam, std::int64_t n, const float* gradient, float* parameter,
                 float* first_moment, float* second_moment) {
  choose_simd_target();
  HWY_DYNAMIC_DISPATCH(AdamUpdate)(adam, n, gradient, parameter, first_moment, second_moment);
}

std::vector<std::string> simd_targets() {
  std::vector<std::string> names;
  const auto targets = static_cast<std::uint64_t>(hwy::SupportedTargets()) & HWY_TARGETS;
  for (std::uint64_t bit = 1; bit != 0; bit <<= 1) {
    if ((targets & bit) != 0) names.emplace_back(hwy::TargetName(static_cast<std::int64_t>(bit)));
  }
  return names;
}

std::string simd_target() {
  choose_simd_target();
  auto& chosen = hwy::GetChosenTarget();
  if (!chosen.IsInitialized()) chosen.Update(hwy::SupportedTargets());
  const auto mask = static_cast<std::uint64_t>(hwy::SupportedTargets()) & HWY_TARGETS;
  const std::uint64_t best = mask & (~mask + 1);  // a lower bit is a better target
  return hwy::TargetName(static_cast<std::int64_t>(best));
}

void force_simd_target(const std::string& name) {
  hwy::SetSupportedTargetsForTest(0);  // back to what the processor has
  std::string known;
  const auto targets = static_cast<std::uint64_t>(hwy::SupportedTargets()) & HWY_TARGETS;
  for (std::uint64_t bit = 1; bit != 0; bit <<= 1) {
    if ((targets & bit) == 0) continue;
    if (name == hwy::TargetName(static_cast<std::int64_t>(bit))) {
      hwy::SetSupportedTargetsForTest(static_cast<std::int64_t>(bit));
      hwy::GetChosenTarget().Update(hwy::SupportedTargets());
      return;
    }
    known += (known.empty() ? "" : ", ");
    known += hwy::TargetName(static_cast<std::int64_t>(bit));
  }
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  fail(ErrorKind::InvalidArgument, "SAITHE_SIMD: '{}' is not one of {}", name, known);
}

double squared_distance(std::span<const float> a, std::span<const float> b) {
  SAITHE_ASSERT(a.size() == b.size());
  choose_simd_target();
  return HWY_DYNAMIC_DISPATCH(SquaredDistance)(a.data(), b.data(), a.size());
}

}  // namespace saithe::kernels::cpu
#endif  // HWY_ONCE
