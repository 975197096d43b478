#include "saithe/kernels/cpu/weighted_rows.h"

#include "saithe/core/error.h"
#include "saithe/kernels/cpu/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "saithe/kernels/cpu/weighted_rows.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace saithe::kernels::cpu {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using D = hn::CappedTag<double, kTableColumns>;

/// kN vectors of columns, whose sums stay in registers.
template <std::size_t kN>
HWY_INLINE void AddColumns(const float* values, const GeneIndex* rows, std::size_t n,
                           const double* table, std::size_t width, double* sum) {
  const D d;
  const std::size_t lanes = hn::Lanes(d);
  hn::Vec<D> sums[kN];
  for (std::size_t k = 0; k < kN; ++k) sums[k] = hn::LoadU(d, sum + k * lanes);
  for (std::size_t i = 0; i < n; ++i) {
    const double* row = table + static_cast<std::size_t>(rows[i]) * width;
    const auto value = hn::Set(d, static_cast<double>(values[i]));
    for (std::size_t k = 0; k < kN; ++k) {
      sums[k] = hn::MulAdd(value, hn::LoadU(d, row + k * lanes), sums[k]);
    }
  }
  for (std::size_t k = 0; k < kN; ++k) hn::StoreU(sums[k], d, sum + k * lanes);
}

void AddWeightedRows(const float* values, const GeneIndex* rows, std::size_t n, const double* table,
                     std::size_t width, double* sum) {
  const std::size_t lanes = hn::Lanes(D());
  std::size_t column = 0;
  for (; column + 4 * lanes <= width; column += 4 * lanes) {
    AddColumns<4>(values, rows, n, table + column, width, sum + column);
  }
  for (; column + 2 * lanes <= width; column += 2 * lanes) {
    AddColumns<2>(values, rows, n, table + column, width, sum + column);
  }
  for (; column < width; column += lanes) {
    AddColumns<1>(values, rows, n, table + column, width, sum + column);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace saithe::kernels::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace saithe::kernels::cpu {

HWY_EXPORT(AddWeightedRows);

void add_weighted_rows(const float* values, const GeneIndex* rows, std::size_t n,
                       const double* table, std::size_t width, double* sum) {
  SAITHE_ASSERT(width % kTableColumns == 0);
  choose_simd_target();
  HWY_DYNAMIC_DISPATCH(AddWeightedRows)(values, rows, n, table, width, sum);
}

}  // namespace saithe::kernels::cpu
#endif  // HWY_ONCE
