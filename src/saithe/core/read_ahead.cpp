#include "saithe/core/read_ahead.h"

#include <algorithm>

namespace saithe {
namespace {

constexpr std::size_t kBlock = std::size_t{1} << 18;

}  // namespace

ReadAhead::ReadAhead(int descriptor) : input_(descriptor) {
  for (Block& block : blocks_) block.bytes.resize(kBlock);
  thread_ = std::thread([this] { fill_blocks(); });
}

ReadAhead::~ReadAhead() {
  {
    const std::lock_guard lock(mutex_);
    is_stopped_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void ReadAhead::fill_blocks() {
  for (std::size_t place = 0;; place = 1 - place) {
    Block& block = blocks_[place];
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return is_stopped_ || !block.is_full; });
      if (is_stopped_) return;
    }
    std::size_t n = 0;
    std::exception_ptr error;
    try {
      n = input_.read(block.bytes.data(), kBlock);
    } catch (...) {
      error = std::current_exception();
    }
    const bool is_last = n == 0 || error != nullptr;
    {
      const std::lock_guard lock(mutex_);
      block.begin = 0;
      block.end = n;
      block.is_full = !is_last;
      is_at_end_ = is_last;
      error_ = error;
    }
    changed_.notify_all();
    if (is_last) return;
  }
}

std::size_t ReadAhead::read(char* bytes, std::size_t size) {
  Block& block = blocks_[next_];
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return block.is_full || is_at_end_; });
    if (!block.is_full) {
      if (error_ != nullptr) std::rethrow_exception(error_);
      return 0;
    }
  }
  const std::size_t n = std::min(size, block.end - block.begin);
  std::copy_n(block.bytes.data() + block.begin, n, bytes);
  block.begin += n;
  if (block.begin == block.end) {
    {
      const std::lock_guard lock(mutex_);
      block.is_full = false;
    }
    changed_.notify_all();
    next_ = 1 - next_;
  }
  return n;
}

}  // namespace saithe
