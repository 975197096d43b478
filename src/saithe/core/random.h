#pragma once

// Counter-based random numbers: value = f(seed, stream, index).
//
// Nothing has a hidden state, so any thread, block size or device draws the same numbers. The
// generator is SplitMix64 (Steele, Lea, Flood 2014, doi:10.1145/2660193.2660195) keyed by seed and
// stream; tests/golden/counter_random.py is the same in NumPy.
//
//   mix(z):  z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9;  z = (z ^ z >> 27) * 0x94D049BB133111EB;
//            return z ^ z >> 31
//   key    = mix(mix(seed + G) + (stream + 1) * G)        G = 0x9E3779B97F4A7C15
//   bits(i)= mix(key + (i + 1) * G)

#include <cmath>
#include <cstdint>
#include <numbers>
#include <numeric>
#include <span>
#include <utility>

namespace saithe {

/// A seeded stream of numbers addressed by index.
class Random {
 public:
  constexpr Random(std::uint64_t seed, std::uint64_t stream)
      : key_(mix(mix(seed + kGolden) + (stream + 1) * kGolden)) {}

  /// 64 random bits at `index`.
  [[nodiscard]] constexpr std::uint64_t bits(std::uint64_t index) const {
    return mix(key_ + (index + 1) * kGolden);
  }
  /// Uniform in [0, 1), 53 bits.
  [[nodiscard]] constexpr double uniform(std::uint64_t index) const {
    return static_cast<double>(bits(index) >> 11) * 0x1.0p-53;
  }
  /// Uniform in [0, 1), 24 bits: exact in float32.
  [[nodiscard]] constexpr float uniform_float(std::uint64_t index) const {
    return static_cast<float>(bits(index) >> 40) * 0x1.0p-24F;
  }
  /// Uniform among 0 .. n-1 by multiply-shift; the bias is below n / 2^64.
  [[nodiscard]] constexpr std::uint64_t below(std::uint64_t index, std::uint64_t n) const {
    __extension__ using Wide = unsigned __int128;
    return static_cast<std::uint64_t>((static_cast<Wide>(bits(index)) * n) >> 64);
  }
  /// Standard normal by Box-Muller from the numbers at 2 * index and 2 * index + 1.
  [[nodiscard]] double normal(std::uint64_t index) const {
    const double u = 1.0 - uniform(2 * index);  // (0, 1]: log stays finite
    const double v = uniform(2 * index + 1);
    return std::sqrt(-2.0 * std::log(u)) * std::cos(2.0 * std::numbers::pi * v);
  }
  /// Fisher-Yates shuffle: element i is swapped with one of 0 .. i, i from the last to 1.
  template <typename T>
  void shuffle(std::span<T> values) const {
    for (std::size_t i = values.size(); i-- > 1;) {
      std::swap(values[i], values[static_cast<std::size_t>(below(i, i + 1))]);
    }
  }

 private:
  static constexpr std::uint64_t kGolden = 0x9E3779B97F4A7C15U;
  static constexpr std::uint64_t mix(std::uint64_t z) {
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31);
  }
  std::uint64_t key_;
};

/// The streams of a run, so that no two purposes share numbers.
namespace stream {
inline constexpr std::uint64_t kSplit = 1;
inline constexpr std::uint64_t kInitialWeights = 100;   // + layer
inline constexpr std::uint64_t kMinibatchOrder = 1000;  // + epoch
inline constexpr std::uint64_t kDropout = 1000000;      // + step * 64 + layer
inline constexpr std::uint64_t kUmap = 2;
inline constexpr std::uint64_t kNeighbors = 3;
inline constexpr std::uint64_t kSimulate = 4;
inline constexpr std::uint64_t kMembers = 6;
inline constexpr std::uint64_t kSuspects = 7;
inline constexpr std::uint64_t kSubsample = 8;
inline constexpr std::uint64_t kFoldModels = 9;
inline constexpr std::uint64_t kAxes = 10;
inline constexpr std::uint64_t kDoublets = 600000;     // + fold
inline constexpr std::uint64_t kFolds = 5;             // + donor or type
inline constexpr std::uint64_t kAugment = 2000000000;  // + epoch
inline constexpr std::uint64_t kLeiden = 500000;       // + 3 * pass + its draw
}  // namespace stream

}  // namespace saithe
