#pragma once

// Logarithms of counts, most of which are small whole numbers. Private to prep/.

#include <array>
#include <cmath>
#include <cstddef>

namespace saithe {

/// ln(1 + count * factor) of one cell; that of a small count is computed once.
class LogTable {
 public:
  explicit LogTable(double factor) : factor_(factor) { known_.fill(-1); }
  double of(double count) {
    if (!(count < static_cast<double>(known_.size()))) return std::log1p(count * factor_);
    const auto at = static_cast<std::size_t>(count);
    if (static_cast<double>(at) != count) return std::log1p(count * factor_);
    if (known_[at] < 0) known_[at] = std::log1p(count * factor_);
    return known_[at];
  }

 private:
  double factor_;
  std::array<double, 16> known_{};
};

}  // namespace saithe
