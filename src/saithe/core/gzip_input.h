#pragma once

// Plain and gzip files as one stream of bytes.

#include <cstddef>
#include <memory>
#include <string>

namespace saithe {

/// The bytes of a file that was opened, unpacked where it is gzip (RFC 1952, also of several
/// members, which zlib's gzread() takes for rubbish and leaves out where the head of one of them is
/// damaged). Zeros may follow the last member, as tapes and block devices leave them.
class GzipInput {
 public:
  /// Takes a descriptor, and closes it.
  explicit GzipInput(int descriptor);
  ~GzipInput();
  GzipInput(const GzipInput&) = delete;
  GzipInput& operator=(const GzipInput&) = delete;

  /// Up to `size` bytes; 0 at the end. Throws Error(BadFormat) that says only what is wrong, on a
  /// file that is damaged, cut off or cannot be read.
  std::size_t read(char* bytes, std::size_t size);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace saithe
