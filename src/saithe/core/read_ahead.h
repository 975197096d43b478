#pragma once

// A file, packed by gzip or plain, unpacked by a thread of its own while another works on what it
// has: unpacking a large text takes as long as making numbers of it. Private to core/.

#include <array>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "saithe/core/gzip_input.h"

namespace saithe {

class ReadAhead {
 public:
  /// Takes a descriptor, and closes it.
  explicit ReadAhead(int descriptor);
  ~ReadAhead();
  ReadAhead(const ReadAhead&) = delete;
  ReadAhead& operator=(const ReadAhead&) = delete;

  /// As GzipInput::read(); what that throws comes after the bytes before it.
  std::size_t read(char* bytes, std::size_t size);

 private:
  /// The thread fills it, then read() empties it.
  struct Block {
    std::vector<char> bytes;
    std::size_t begin = 0;
    std::size_t end = 0;
    bool is_full = false;
  };
  void fill_blocks();

  GzipInput input_;
  std::array<Block, 2> blocks_;
  std::size_t next_ = 0;  // the block that read() takes from
  std::mutex mutex_;
  std::condition_variable changed_;
  std::exception_ptr error_;
  bool is_at_end_ = false;  // the thread has filled its last block
  bool is_stopped_ = false;
  std::thread thread_;
};

}  // namespace saithe
