#include "support/emulated_device.h"

#include <ucontext.h>

#include <cstdlib>
#include <cstring>
#include <map>
#include <utility>
#include <vector>

#include "saithe/kernels/backend.h"

#ifdef __SANITIZE_THREAD__
#include <sanitizer/tsan_interface.h>
#endif

namespace saithe::testing {
namespace {

using kernels::cuda::AllKernels;
using kernels::cuda::Command;
using kernels::cuda::KernelList;
using kernels::cuda::Lane;
using kernels::cuda::Mark;

constexpr std::size_t kStackBytes = std::size_t{1} << 16;
constexpr int kPoison = 0xFF;  // as float or double a NaN
// What a GPU gives a block without being asked for more.
constexpr std::size_t kMaxSharedBytes = 48 * 1024;

/// A stack that can be left and come back to. ThreadSanitizer wants to be told of each.
struct Fiber {
  ucontext_t context = {};
  std::vector<char> stack;
  bool has_ended = false;
#ifdef __SANITIZE_THREAD__
  void* sanitizer = nullptr;
#endif

  void go_to(Fiber& other) {
#ifdef __SANITIZE_THREAD__
    if (sanitizer == nullptr) sanitizer = __tsan_get_current_fiber();
    if (other.sanitizer == nullptr) other.sanitizer = __tsan_create_fiber(0);
    __tsan_switch_to_fiber(other.sanitizer, 0);
#endif
    swapcontext(&context, &other.context);
  }
};

class BlockOfThreads;

/// What a kernel sees.
class EmulatedThread {
 public:
  EmulatedThread(BlockOfThreads& block, int index) : block_(block), index_(index) {}
  [[nodiscard]] std::int64_t block_x() const;
  [[nodiscard]] std::int64_t block_y() const;
  [[nodiscard]] int index() const { return index_; }
  [[nodiscard]] int count() const;
  [[nodiscard]] void* shared() const;
  void sync();
  void atomic_or(std::uint32_t* word, std::uint32_t bits) { *word |= bits; }

 private:
  BlockOfThreads& block_;
  int index_;
};

using KernelFunction = void (*)(const void* args, EmulatedThread& thread);

/// One block, whose threads take turns from one sync() to the next.
class BlockOfThreads {
 public:
  void run(const Command& command, KernelFunction kernel, const void* args, std::int64_t x,
           std::int64_t y, ThreadOrder order) {
    command_ = &command;
    kernel_ = kernel;
    args_ = args;
    x_ = x;
    y_ = y;
    SAITHE_ASSERT(command.launch.shared_bytes <= kMaxSharedBytes);
    shared_.assign(command.launch.shared_bytes / sizeof(double) + 1, 0);
    std::memset(shared_.data(), kPoison, shared_.size() * sizeof(double));
    // A kernel without sync() in one block has none in the others: its threads need no stacks.
    auto& syncs = syncs_[command.kernel];
    has_synced_ = false;
    if (syncs.has_run && !syncs.syncs) {
      run_in_turn(order);
      return;
    }
    run_with_stacks(order);
    syncs.syncs = syncs.syncs || has_synced_;
    syncs.has_run = true;
  }
  void sync() {
    SAITHE_ASSERT(has_stacks_);
    has_synced_ = true;
    fibers_[current_]->go_to(scheduler_);
  }
  [[nodiscard]] std::int64_t x() const { return x_; }
  [[nodiscard]] std::int64_t y() const { return y_; }
  [[nodiscard]] int count() const { return static_cast<int>(command_->launch.threads); }
  [[nodiscard]] void* shared() { return shared_.data(); }

 private:
  struct Syncs {
    bool has_run = false;
    bool syncs = false;
  };

  void run_in_turn(ThreadOrder order) {
    has_stacks_ = false;
    const int n = count();
    for (int turn = 0; turn < n; ++turn) {
      EmulatedThread thread(*this, order == ThreadOrder::Forward ? turn : n - 1 - turn);
      kernel_(args_, thread);
    }
  }
  void run_with_stacks(ThreadOrder order) {
    has_stacks_ = true;
    const std::size_t n = command_->launch.threads;
    while (fibers_.size() < n) {
      fibers_.push_back(std::make_unique<Fiber>());
      fibers_.back()->stack.resize(kStackBytes);
    }
    for (std::size_t i = 0; i < n; ++i) begin(i);
    for (std::size_t n_running = n; n_running > 0;) {
      std::size_t n_synced = 0;
      for (std::size_t turn = 0; turn < n; ++turn) {
        const std::size_t i = order == ThreadOrder::Forward ? turn : n - 1 - turn;
        if (fibers_[i]->has_ended) continue;
        current_ = i;
        scheduler_.go_to(*fibers_[i]);
        if (fibers_[i]->has_ended) {
          --n_running;
        } else {
          ++n_synced;
        }
      }
      SAITHE_ASSERT(n_synced == 0 || n_synced == n);  // all threads meet, or none
    }
  }
  void begin(std::size_t i) {
    Fiber& fiber = *fibers_[i];
    fiber.has_ended = false;
    getcontext(&fiber.context);
    fiber.context.uc_stack.ss_sp = fiber.stack.data();
    fiber.context.uc_stack.ss_size = fiber.stack.size();
    fiber.context.uc_link = nullptr;  // it never returns
    // makecontext passes ints only: a pointer travels in two.
    const auto self = reinterpret_cast<std::uintptr_t>(this);
    makecontext(&fiber.context, reinterpret_cast<void (*)()>(&BlockOfThreads::enter), 2,
                static_cast<unsigned>(self >> 32U), static_cast<unsigned>(self));
  }
  static void enter(unsigned high, unsigned low) {
    auto* const self = reinterpret_cast<BlockOfThreads*>((std::uintptr_t{high} << 32U) | low);
    const std::size_t i = self->current_;
    EmulatedThread thread(*self, static_cast<int>(i));
    self->kernel_(self->args_, thread);
    self->fibers_[i]->has_ended = true;
    self->fibers_[i]->go_to(self->scheduler_);
  }

  const Command* command_ = nullptr;
  KernelFunction kernel_ = nullptr;
  const void* args_ = nullptr;
  std::int64_t x_ = 0;
  std::int64_t y_ = 0;
  std::vector<double> shared_;
  std::vector<std::unique_ptr<Fiber>> fibers_;
  std::size_t current_ = 0;
  Fiber scheduler_;
  std::map<int, Syncs> syncs_;  // of each kernel
  bool has_stacks_ = false;
  bool has_synced_ = false;
};

std::int64_t EmulatedThread::block_x() const {
  return block_.x();
}
std::int64_t EmulatedThread::block_y() const {
  return block_.y();
}
int EmulatedThread::count() const {
  return block_.count();
}
void* EmulatedThread::shared() const {
  return block_.shared();
}
void EmulatedThread::sync() {
  block_.sync();
}

template <typename Kernel>
void run_kernel(const void* args, EmulatedThread& thread) {
  const auto copy = *static_cast<const typename Kernel::Args*>(args);
  Kernel::run(copy, thread);
}

template <typename... Kernels>
std::vector<KernelFunction> table_of(KernelList<Kernels...> /*list*/) {
  return {&run_kernel<Kernels>...};
}

class EmulatedMark final : public Mark {};

class EmulatedDevice final : public kernels::cuda::Runtime {
 public:
  EmulatedDevice(ThreadOrder order, std::size_t memory) : order_(order), free_(memory) {}
  ~EmulatedDevice() override {
    for (const auto& [memory, size] : sizes_) std::free(memory);
    std::free(arguments_);
  }

  std::string model() const override { return "emulated"; }
  void* allocate(std::size_t n_bytes) override {
    if (n_bytes > free_) {
      throw kernels::OutOfDeviceMemory(fmt::format(
          "the emulated GPU has no room: {} bytes are needed, {} are free", n_bytes, free_));
    }
    free_ -= n_bytes;
    void* const memory = std::malloc(n_bytes);
    std::memset(memory, kPoison, n_bytes);
    sizes_[memory] = n_bytes;
    return memory;
  }
  void release(void* memory) noexcept override {
    free_ += sizes_[memory];
    sizes_.erase(memory);
    std::free(memory);
  }
  std::size_t free_bytes() override { return free_; }
  void* allocate_host(std::size_t n_bytes) override { return std::malloc(n_bytes); }
  void release_host(void* memory) noexcept override { std::free(memory); }

  void clear(void* memory, std::size_t n_bytes) override { std::memset(memory, 0, n_bytes); }
  void copy_to_device(void* target, const void* source, std::size_t n_bytes) override {
    std::memcpy(target, source, n_bytes);
  }
  void copy_to_host(void* target, const void* source, std::size_t n_bytes) override {
    std::memcpy(target, source, n_bytes);
  }
  void copy_on_device(void* target, const void* source, std::size_t n_bytes) override {
    std::memcpy(target, source, n_bytes);
  }
  void copy_ahead(void* target, const void* source, std::size_t n_bytes) override {
    std::memcpy(target, source, n_bytes);
  }
  std::unique_ptr<Mark> make_mark() override { return std::make_unique<EmulatedMark>(); }
  void set(Mark& /*mark*/, Lane /*lane*/) override {}
  void wait(const Mark& /*mark*/, Lane /*lane*/) override {}
  void wait_on_host(const Mark& /*mark*/) override {}

  std::byte* argument_block(std::size_t n_bytes) override {
    std::free(arguments_);
    arguments_ = static_cast<std::byte*>(std::malloc(n_bytes));
    argument_bytes_ = n_bytes;
    return arguments_;
  }
  void run(std::span<const std::byte> arguments, std::span<const Command> commands) override {
    SAITHE_ASSERT(arguments.size() <= argument_bytes_);
    std::memset(arguments_, kPoison, argument_bytes_);  // no kernel finds an older list's
    std::memcpy(arguments_, arguments.data(), arguments.size());
    // What is aside runs at once, or, backward, as late as may be.
    std::vector<const Command*> late;
    const auto run_late = [&] {
      for (const Command* command : std::exchange(late, {})) run(*command);
    };
    for (const Command& command : commands) {
      if (command.joins) run_late();
      if (command.is_aside && order_ == ThreadOrder::Backward) {
        late.push_back(&command);
      } else {
        run(command);
      }
    }
    run_late();
  }

 private:
  void run(const Command& command) {
    const std::int64_t n_x = command.launch.blocks_x;
    const std::int64_t n_blocks = n_x * command.launch.blocks_y;
    for (std::int64_t turn = 0; turn < n_blocks; ++turn) {
      const std::int64_t i = order_ == ThreadOrder::Forward ? turn : n_blocks - 1 - turn;
      block_.run(command, kernels_.at(static_cast<std::size_t>(command.kernel)),
                 arguments_ + command.arguments, i % n_x, i / n_x, order_);
    }
  }

  ThreadOrder order_;
  std::size_t free_;
  std::map<void*, std::size_t> sizes_;
  std::byte* arguments_ = nullptr;
  std::size_t argument_bytes_ = 0;
  std::vector<KernelFunction> kernels_ = table_of(AllKernels());
  BlockOfThreads block_;
};

}  // namespace

std::unique_ptr<kernels::cuda::Runtime> make_emulated_device(ThreadOrder order,
                                                             std::size_t memory) {
  return std::make_unique<EmulatedDevice>(order, memory);
}

}  // namespace saithe::testing
