#pragma once

// SHA-256 (FIPS 180-4), for the checksum of the model file: a few lines instead of a crypto
// library.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

namespace saithe {

/// Hash of bytes given piece by piece.
class Sha256 {
 public:
  void update(const void* bytes, std::size_t n_bytes);
  /// 64 lower-case hexadecimal digits of everything given so far; ends the computation.
  std::string hex_digest();

 private:
  void process(const unsigned char* block);
  std::array<std::uint32_t, 8> state_ = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                         0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<unsigned char, 64> pending_ = {};
  std::size_t n_pending_ = 0;
  std::uint64_t n_bytes_ = 0;
};

}  // namespace saithe
