#pragma once

// Kernels on their way to a device: put together on the host, submitted as one list. A list that
// has come before differs from it in its arguments alone, so that a runtime can have it recorded.

#include <cstring>
#include <utility>
#include <vector>

#include "saithe/core/types.h"
#include "saithe/kernels/cuda/runtime.h"

namespace saithe::kernels::cuda {

class Queue {
 public:
  explicit Queue(std::unique_ptr<Runtime> runtime) : runtime_(std::move(runtime)) {
    base_ = runtime_->argument_block(kFirst);
  }

  [[nodiscard]] Runtime& runtime() const { return *runtime_; }
  /// How often submit() was called: what was put together before lies behind another number.
  [[nodiscard]] std::uint64_t n_submits() const { return n_submits_; }

  /// Makes room for `n_bytes` of data that the following add() calls up to the next reserve() use.
  void reserve(std::size_t n_bytes) {
    const std::size_t needed = n_bytes + kSpare;
    if (bytes_.size() + needed > capacity_) {
      submit();
      while (capacity_ < needed) capacity_ *= 2;
      base_ = runtime_->argument_block(capacity_);
    }
  }
  /// Takes a copy of the values along; returns where they will be on the device.
  template <typename T>
  const T* put(std::span<const T> values) {
    return reinterpret_cast<const T*>(base_ + append(values.data(), values.size_bytes()));
  }
  /// Appends a kernel with one block for each (x, y).
  template <typename Kernel>
  void add(std::int64_t blocks_x, std::int64_t blocks_y, int threads, std::size_t shared_bytes,
           const typename Kernel::Args& args) {
    static_assert(AllKernels::index<Kernel>() >= 0);
    if (blocks_x == 0 || blocks_y == 0) return;
    if (bytes_.size() + sizeof(args) + kAlignment > capacity_) reserve(0);
    Command command;
    command.kernel = AllKernels::index<Kernel>();
    command.launch.blocks_x = checked_cast<std::uint32_t>(blocks_x, "blocks of a kernel");
    command.launch.blocks_y = checked_cast<std::uint32_t>(blocks_y, "blocks of a kernel");
    SAITHE_ASSERT(blocks_x < kMaxBlocksX && blocks_y < kMaxBlocksY);
    command.launch.threads = static_cast<std::uint32_t>(threads);
    command.launch.shared_bytes = static_cast<std::uint32_t>(shared_bytes);
    command.arguments = append(&args, sizeof(args));
    command.is_aside = is_aside_;
    if (is_aside_) {
      ++n_aside_;
    } else {
      command.joins = std::exchange(joins_next_, false);
    }
    commands_.push_back(command);
  }
  /// What is added while one lives is aside: whoever uses its results joins up to n_aside().
  class Aside {
   public:
    explicit Aside(Queue& queue) : queue_(queue) { queue_.is_aside_ = true; }
    ~Aside() { queue_.is_aside_ = false; }
    Aside(const Aside&) = delete;
    Aside& operator=(const Aside&) = delete;

   private:
    Queue& queue_;
  };
  /// How many commands were aside up to now.
  [[nodiscard]] std::uint64_t n_aside() const { return n_aside_; }
  /// Lets the next command that is not aside wait for what is aside, unless the first `n_aside`
  /// were waited for already.
  void join(std::uint64_t n_aside) {
    if (n_aside <= n_joined_) return;
    joins_next_ = true;
    n_joined_ = n_aside_;
  }
  /// Appends a kernel with a thread for each of n elements.
  template <typename Kernel>
  void add_elements(std::int64_t n, const typename Kernel::Args& args) {
    add<Kernel>((n + kElementThreads - 1) / kElementThreads, 1, kElementThreads, 0, args);
  }
  /// Sets a mark in the Compute lane behind the list that is being put together.
  void set_after(Mark& mark) { marks_.push_back(&mark); }
  /// Starts everything, waits for nothing.
  void submit() {
    ++n_submits_;
    n_joined_ = n_aside_;  // a list ends when all of it has
    joins_next_ = false;
    // Swapped and not moved, so that the next list finds its memory; what fails is not tried again.
    running_bytes_.swap(bytes_);
    running_commands_.swap(commands_);
    bytes_.clear();
    commands_.clear();
    if (!running_commands_.empty()) runtime_->run(running_bytes_, running_commands_);
    for (Mark* mark : std::exchange(marks_, {})) runtime_->set(*mark, Lane::Compute);
  }

 private:
  static constexpr std::size_t kFirst = std::size_t{1} << 16;
  // Room for the arguments of the kernels that follow what was reserved.
  static constexpr std::size_t kSpare = 4096;
  static constexpr std::size_t kAlignment = 16;
  static constexpr std::int64_t kMaxBlocksX = std::int64_t{1} << 31;
  static constexpr std::int64_t kMaxBlocksY = std::int64_t{1} << 16;

  std::size_t append(const void* source, std::size_t n_bytes) {
    const std::size_t at = (bytes_.size() + kAlignment - 1) / kAlignment * kAlignment;
    SAITHE_ASSERT(at + n_bytes <= capacity_);
    bytes_.resize(at + n_bytes);
    if (n_bytes > 0) std::memcpy(bytes_.data() + at, source, n_bytes);
    return at;
  }

  std::unique_ptr<Runtime> runtime_;
  std::uint64_t n_submits_ = 0;
  bool is_aside_ = false;
  bool joins_next_ = false;
  std::uint64_t n_aside_ = 0;
  std::uint64_t n_joined_ = 0;
  std::size_t capacity_ = kFirst;
  std::byte* base_ = nullptr;
  std::vector<std::byte> bytes_;
  std::vector<Command> commands_;
  std::vector<std::byte> running_bytes_;
  std::vector<Command> running_commands_;
  std::vector<Mark*> marks_;
};

/// Memory of the device, given back when nothing uses it any more.
class DeviceMemory {
 public:
  DeviceMemory() = default;
  DeviceMemory(std::shared_ptr<Queue> queue, std::int64_t n_bytes)
      : queue_(std::move(queue)), n_bytes_(n_bytes) {
    if (n_bytes > 0) memory_ = queue_->runtime().allocate(as_size(n_bytes));
  }
  DeviceMemory(DeviceMemory&& other) noexcept { *this = std::move(other); }
  DeviceMemory& operator=(DeviceMemory&& other) noexcept {
    std::swap(queue_, other.queue_);
    std::swap(memory_, other.memory_);
    std::swap(n_bytes_, other.n_bytes_);
    return *this;
  }
  DeviceMemory(const DeviceMemory&) = delete;
  DeviceMemory& operator=(const DeviceMemory&) = delete;
  ~DeviceMemory() { reset(); }

  void reset() noexcept {
    if (memory_ == nullptr) return;
    try {
      queue_->submit();  // what is put together may use it
    } catch (const Error&) {
      // A device that fails says so again at its next use, where it can be told.
    }
    queue_->runtime().release(memory_);
    memory_ = nullptr;
    n_bytes_ = 0;
  }
  [[nodiscard]] std::int64_t n_bytes() const { return n_bytes_; }
  /// At least this much, whatever was in it.
  void grow(const std::shared_ptr<Queue>& queue, std::int64_t n_bytes) {
    if (n_bytes <= n_bytes_) return;
    reset();
    *this = DeviceMemory(queue, n_bytes);
  }
  template <typename T>
  [[nodiscard]] T* as() const {
    return static_cast<T*>(memory_);
  }

 private:
  std::shared_ptr<Queue> queue_;  // shared: a buffer may outlive the backend that made it
  void* memory_ = nullptr;
  std::int64_t n_bytes_ = 0;
};

}  // namespace saithe::kernels::cuda
